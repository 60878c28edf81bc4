"""Travel rules and proposals in the admin site: one officer writes, sees, proposes; another reads and approves."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from idp.accounts.models import Account
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.proposals.models import Proposal
from tests.border.rules.conftest import RULE
from tests.border.test_admin import browser
from tests.border.world import World

ADD, LIST = "/admin/border/ruleversion/add/", "/admin/proposals/proposal/"
WRITTEN = {"change": "add", "rule": json.dumps(RULE), "why": "the gazette says so"}


@pytest.fixture
def first(world: World) -> Client:
    return browser(Account.objects.create_superuser("first", "x"))


@pytest.fixture
def second(world: World) -> Client:
    return browser(Account.objects.create_superuser("second", "x"))


def officer(name: str, *codenames: str) -> Client:
    account = Account.objects.create_user(name, kind="officer", is_staff=True)
    account.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return browser(account)


def act(client: Client, action: str, **more: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [Proposal.objects.get().pk], **more}, follow=True)


def text(response: Any) -> str:
    return response.content.decode()


def test_a_change_is_seen_before_it_is_proposed_and_again_before_it_is_approved(first: Client, second: Client) -> None:
    shown = text(first.post(ADD, WRITTEN))
    assert "until 2027-02-15 → until 2027-02-06" in shown and not Proposal.objects.exists()
    page = text(first.post(ADD, {**WRITTEN, "propose": "yes"}, follow=True))
    made = Proposal.objects.get()
    assert "until 2027-02-15 → until 2027-02-06" in page and 'value="withdraw"' in page
    assert 'value="approve"' not in page, "who proposed is not asked to decide"
    page = text(second.get(f"{LIST}{made.pk}/change/"))
    assert 'value="approve"' in page and 'value="withdraw"' not in page
    asked = text(act(second, "approve"))
    assert "until 2027-02-15 → until 2027-02-06" in asked and Proposal.objects.get().state == "proposed"
    assert "Approve the selected proposals" in text(act(second, "approve", confirmed="yes"))
    assert Proposal.objects.get().state == "approved"
    assert RuleVersion.objects.get(rule=RULE["id"]).proposal == made
    assert "s-stay-30" in text(first.get("/admin/border/ruleversion/?q=s-stay-30"))


def test_who_proposed_cannot_approve_by_hand_either(first: Client) -> None:
    """invalid solely because it is the same officer: the button is missing, and the request is refused."""
    first.post(ADD, {**WRITTEN, "propose": "yes"})
    assert "another officer decides" in text(act(first, "approve", confirmed="yes"))
    assert Proposal.objects.get().state == "proposed"
    act(first, "withdraw", confirmed="yes")
    assert Proposal.objects.get().state == "withdrawn"


def test_a_rejected_change_changes_nothing(first: Client, second: Client) -> None:
    first.post(ADD, {**WRITTEN, "propose": "yes"})
    act(second, "reject", confirmed="yes")
    assert Proposal.objects.get().state == "rejected"
    assert not RuleVersion.objects.filter(rule=RULE["id"]).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": "{"},
        {"rule": "[]"},
        {"rule": json.dumps({**RULE, "endorsments": ["G"]})},
        {"rule": json.dumps({**RULE, "from": "2027-01-14"})},
        {"change": "replace"},
        {"change": "end"},
        {"why": ""},
        {"change": "forget"},
    ],
    ids=str,
)
def test_what_cannot_be_is_said_on_the_page(first: Client, changes: dict[str, str]) -> None:
    """invalid solely because of the field named."""
    answer = first.post(ADD, {**WRITTEN, **changes, "propose": "yes"})
    assert answer.status_code == 200 and "errorlist" in text(answer)
    assert not Proposal.objects.exists()


def test_an_end_is_written_as_an_id_and_a_day(first: Client) -> None:
    rule = json.dumps({"id": "s-stay-14", "until": "2027-03-01"})
    first.post(ADD, {**WRITTEN, "change": "end", "rule": rule, "propose": "yes"})
    assert Proposal.objects.get().payload == {"change": "end", "id": "s-stay-14", "until": "2027-03-01"}


def test_a_rule_that_is_to_be_replaced_stands_in_the_form(first: Client) -> None:
    book.edition()
    page = text(first.get(f"{ADD}?rule=s-stay-14"))
    assert "&quot;stay_days&quot;: 14" in page
    assert first.get(f"{ADD}?rule=nothing").status_code == 200


def test_an_empty_book_is_shown_with_what_is_shipped(first: Client) -> None:
    assert "eep-to-hk" in text(first.get("/admin/border/ruleversion/?q=eep"))


def test_each_permission_opens_its_own_door(world: World, first: Client) -> None:
    """A clerk who reads rules proposes none; who proposes does not decide; who decides elsewhere sees nothing of it."""
    first.post(ADD, {**WRITTEN, "propose": "yes"})
    reader = officer("reader", "view_ruleversion", "view_proposal")
    assert reader.get("/admin/border/ruleversion/").status_code == 200
    assert reader.get(ADD).status_code == 403 and reader.post(ADD, WRITTEN).status_code == 403
    assert "s-stay-30" not in text(reader.get(LIST))
    writer = officer("writer", "view_ruleversion", "add_ruleversion", "view_proposal")
    assert "s-stay-30" in text(writer.get(LIST))
    assert 'value="approve"' not in text(writer.get(f"{LIST}{Proposal.objects.get().pk}/change/"))
    act(writer, "approve", confirmed="yes")
    elsewhere = officer("elsewhere", "view_proposal", "decide_proposal")
    act(elsewhere, "approve", confirmed="yes")
    assert Proposal.objects.get().state == "proposed"
    decider = officer("decider", "view_proposal", "decide_proposal", "add_ruleversion")
    act(decider, "approve", confirmed="yes")
    assert Proposal.objects.get().state == "approved"

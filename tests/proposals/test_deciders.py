"""Who may propose and decide is asked where it is done: a page that forgot to ask lets nobody through."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.proposals import deciders, executors, proposing, reviews
from idp.proposals.models import Proposal, Review
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.proposals.reviews import UnableToReview
from tests.border.world import browser
from tests.proposals.conftest import FIRST, NOW, SECOND, Flag, proposed

pytestmark = pytest.mark.django_db


def officer(*roles: Role) -> str:
    account = Account.objects.create_user(f"holder-{Account.objects.count()}", kind="officer", is_staff=True)
    for role in roles:
        granting.grant(account=account, role=role, actor="console", now=5)
    return f"account:{account.pk}"


@pytest.fixture(autouse=True)
def flags_are_the_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flag, "permission", "border.change_checkpoint")


@pytest.mark.parametrize("decide", [proposing.approve, proposing.reject])
def test_an_officer_decides_about_another_rooms_change(decide: Callable[..., Proposal]) -> None:
    """invalid solely because of the role that the officer holds."""
    made = proposed()
    for other in (officer(Role.TRUST), officer(Role.AUDITOR), officer(), "node", "console"):
        with pytest.raises(UnableToDecide, match="no role"):
            decide(proposal=made, officer=other, now=NOW)
    assert decide(proposal=made, officer=officer(Role.BORDER), now=NOW).state != "proposed"


def test_an_officer_proposes_another_rooms_change() -> None:
    for other in (officer(Role.TRUST), officer(Role.AUDITOR), "console"):
        with pytest.raises(UnableToPropose, match="no role"):
            proposed(officer=other)
    assert proposed(officer=officer(Role.BORDER)).pk


def test_a_role_that_ended_while_the_page_stood_open_still_decides() -> None:
    made, second = proposed(), officer(Role.BORDER)
    account = Account.objects.get(pk=second.removeprefix("account:"))
    granting.end(account=account, role=Role.BORDER, actor="console", now=6)
    with pytest.raises(UnableToDecide, match="no role"):
        proposing.approve(proposal=made, officer=second, now=NOW)


def test_a_closed_account_still_decides() -> None:
    made = proposed()
    Account.objects.filter(username="officer-1000008").update(is_active=False)
    with pytest.raises(UnableToDecide, match="no role"):
        proposing.approve(proposal=made, officer=SECOND, now=NOW)


def test_an_officer_reviews_without_a_role_that_reviews() -> None:
    review: Review = reviews.record(kind="test.act", subject="thing:1", what="stopped", officer=FIRST, now=NOW)
    with pytest.raises(UnableToReview, match="no role"):
        reviews.decide(review=review, in_order=True, note="well", officer=officer(Role.AUDITOR), now=NOW)
    assert reviews.decide(review=review, in_order=True, note="well", officer=officer(Role.OPERATOR), now=NOW)


def test_an_officer_proposes_or_decides_about_that_same_officer(monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because of whom the change is about."""
    monkeypatch.setattr(Flag, "concerned", lambda self, proposal: [proposal.payload["flag"]], raising=False)
    assert isinstance(executors.of("test.flag"), executors.AboutOfficers)
    with pytest.raises(UnableToPropose, match="themselves"):
        proposed(payload={"flag": FIRST})
    made = proposed(payload={"flag": SECOND})
    for decide in (proposing.approve, proposing.reject):
        with pytest.raises(UnableToDecide, match="themselves"):
            decide(proposal=made, officer=SECOND, now=NOW)


@pytest.mark.parametrize("name", ["", "account:", "account:x", "account:-1", "account:٣", f"account:{10**30}", "node"])
def test_a_name_that_is_no_accounts_holds_something(name: str) -> None:
    assert not deciders.holds(name, deciders.DECIDE)


def client(*roles: Role) -> Client:
    number = officer(*roles).removeprefix("account:")
    return browser(Account.objects.get(pk=number))


def test_the_auditor_does_not_see_what_is_proposed_or_could_decide_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: NOW)
    made, auditor = proposed(), client(Role.AUDITOR)
    page = f"/admin/proposals/proposal/{made.pk}/change/"
    shown: Any = auditor.get(page)
    assert shown.status_code == 200 and "the flag red goes up" in shown.content.decode()
    for word in ("approve", "reject", "withdraw"):
        assert f'value="{word}"' not in shown.content.decode()
        data = {"action": word, "_selected_action": [made.pk], "confirmed": "yes"}
        auditor.post("/admin/proposals/proposal/", data)
    assert Proposal.objects.get().state == "proposed"
    assert auditor.get("/admin/proposals/proposal/").context["cl"].result_count == 1


def test_an_auditor_with_another_role_is_offered_what_that_role_does_not_decide() -> None:
    made = proposed()
    page = f"/admin/proposals/proposal/{made.pk}/change/"
    assert 'value="approve"' not in client(Role.AUDITOR, Role.TRUST).get(page).content.decode()
    assert 'value="approve"' in client(Role.AUDITOR, Role.BORDER).get(page).content.decode()
    assert client(Role.TRUST).get(page).status_code == 302, "and without the auditor's role sees nothing of it"

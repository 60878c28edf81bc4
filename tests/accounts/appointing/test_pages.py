"""Officers at the admin site: what the list says, what a page proposes, and who is offered nothing."""

from typing import Any

import pytest
from django.test import Client

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.proposals.models import Proposal, Review
from tests.accounts.test_roles import fresh, officer
from tests.border.world import browser
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
LIST = "/admin/officers/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def first() -> Client:
    return browser(officer("first", Role.TRUST))


@pytest.fixture
def second() -> Client:
    return browser(officer("second", Role.TRUST))


@pytest.fixture
def other(first: Client, second: Client) -> Account:
    account = officer("other")
    chiefs = [f"account:{item.pk}" for item in Account.objects.filter(username__in=["first", "second"]).order_by("pk")]
    granting.grant(account=account, role=Role.BORDER, actor=chiefs[1], officers=chiefs, now=NOW - 86_400)
    return account


def test_the_list_does_not_say_who_holds_what_since_when_and_by_whom(first: Client, other: Account) -> None:
    Account.objects.create_user("gone", kind="officer", is_staff=True, is_active=False)
    shown = text(first.get(LIST))
    assert "since 2027-01-14, by first, second" in shown and "by the console" in shown and "gone" in shown
    assert text(first.get(f"{LIST}{other.pk}/")).count("first, second") == 1


def test_the_list_asks_a_question_for_each_officer(
    first: Client, other: Account, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        officer(f"more-{number}", Role.AUDITOR)
    with django_assert_max_num_queries(20):
        first.get(LIST)


def test_a_proposal_on_the_page_is_carried_out_by_another_and_its_link_shown_once(
    first: Client, second: Client
) -> None:
    sent = {"username": "newcomer", "roles": ["auditor"], "why": "she was hired"}
    answer = first.post(f"{LIST}new/", sent)
    made = Proposal.objects.get()
    assert answer.url == f"/admin/proposals/proposal/{made.pk}/change/"
    decision = {"action": "approve", "_selected_action": [made.pk], "confirmed": "yes"}
    first.post("/admin/proposals/proposal/", decision)
    assert not Account.objects.filter(username="newcomer").exists()
    handed = second.post("/admin/proposals/proposal/", decision)
    assert "/admin/enrol/" in text(handed) and "no-store" in handed["Cache-Control"]
    assert "/admin/enrol/" not in text(second.get(f"/admin/proposals/proposal/{made.pk}/change/"))


@pytest.mark.parametrize("change", ["grant:auditor", "end:border_officer", "invite", "close"])
def test_a_change_on_the_page_is_another_one(first: Client, second: Client, other: Account, change: str) -> None:
    assert first.post(f"{LIST}{other.pk}/change/", {"change": change, "why": "so"}).status_code == 302
    made = Proposal.objects.get()
    assert made.why in text(second.get(f"{LIST}{other.pk}/"))
    second.post("/admin/proposals/proposal/", {"action": "approve", "_selected_action": [made.pk], "confirmed": "yes"})
    made.refresh_from_db()
    assert made.state == "approved"
    roles = granting.roles_of(other)
    assert (Role.AUDITOR in roles, Role.BORDER in roles, fresh(other).is_active) == (
        change == "grant:auditor",
        change not in ("end:border_officer", "close"),
        change != "close",
    )


def test_a_change_about_oneself_is_offered_or_taken(first: Client, other: Account) -> None:
    own = Account.objects.get(username="first")
    assert "/change/" not in text(first.get(f"{LIST}{own.pk}/")).partition('id="content"')[2]
    answer = first.post(f"{LIST}{own.pk}/change/", {"change": "grant:auditor", "why": "so"})
    assert "themselves" in text(answer) and not Proposal.objects.exists()
    assert "own page" in text(first.post(f"{LIST}{own.pk}/recover/", {"why": "so"}))


def test_keys_are_taken_away_without_a_reason_or_a_review(first: Client, other: Account) -> None:
    assert first.post(f"{LIST}{other.pk}/recover/", {"why": ""}).status_code == 200 and not Review.objects.exists()
    assert first.post(f"{LIST}{other.pk}/recover/", {"why": "stolen"}).status_code == 302
    assert Review.objects.get().subject == f"account:{other.pk}"


def test_an_auditor_is_offered_what_only_trust_officers_do(other: Account) -> None:
    auditor = browser(officer("auditor", Role.AUDITOR))
    assert "new/" not in text(auditor.get(LIST)) and "recover/" not in text(auditor.get(f"{LIST}{other.pk}/"))
    for page in ("new/", f"{other.pk}/change/", f"{other.pk}/recover/"):
        assert auditor.post(f"{LIST}{page}", {"why": "so"}).status_code == 403


@pytest.mark.parametrize("path", ["auth/group/add/", "auth/group/", "accounts/rolegrant/", "accounts/rolegrant/add/"])
def test_one_officer_gives_permissions_in_a_form_of_djangos(path: str) -> None:
    chief = browser(Account.objects.create_superuser("chief"))
    assert chief.get(f"/admin/{path}").status_code == 404


def test_one_officer_changes_an_account_or_a_factor_in_a_form_of_djangos(first: Client, other: Account) -> None:
    browser(other)
    chief = browser(Account.objects.create_superuser("chief"))
    device = other.totpdevice_set.get()
    for path in (f"accounts/account/{other.pk}/change/", f"accounts/secondfactor/{device.pk}/change/"):
        sent = {"is_superuser": "on", "is_staff": "on", "is_active": "", "confirmed": ""}
        assert chief.post(f"/admin/{path}", sent).status_code == 403
    for path in (f"accounts/account/{other.pk}/delete/", f"accounts/secondfactor/{device.pk}/delete/"):
        assert chief.post(f"/admin/{path}", {"post": "yes"}).status_code == 403

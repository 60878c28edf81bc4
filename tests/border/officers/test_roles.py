"""Who may do what: a table of roles and actions. Who may not is told so, and nothing else."""

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern

from idp.accounts.models import Account
from idp.audit.models import AuditEvent
from idp.border.models import Discrepancy, DuplicateAlert, IssuedToken
from idp.border.officers import urls
from tests.border.officers.desk import API, WHY, Desk, ask, chief, officer, send
from tests.border.world import browser, problem_of


def revoke(client: Client, desk: Desk, **headers: str) -> HttpResponse:
    return send(client, "/revocations", {"act": "revoke", "what": "token", "which": desk.token.jti}, **headers)


Action = Callable[[Client, Desk], HttpResponse]
LANE = "/crossings/lo-wu/1/1"
# Pattern: what the action needs, and how it is done.
ACTIONS: dict[str, tuple[tuple[str, ...], Action]] = {
    "session": ((), lambda client, desk: ask(client, "/session")),
    "checkpoints": (("border.view_checkpoint", "border.view_lane"), lambda client, desk: ask(client, "/checkpoints")),
    "checkpoints/<slug:code>": (
        ("border.view_checkpoint", "border.view_lane"),
        lambda client, desk: ask(client, "/checkpoints/lo-wu"),
    ),
    "rules/explanations": (
        ("border.view_ruleversion", "accounts.view_traveldocument"),
        lambda client, desk: send(client, "/rules/explanations", {**desk.question, **WHY}),
    ),
    "rules": (("border.view_ruleversion",), lambda client, desk: ask(client, "/rules")),
    "watch-list": (("border.view_watchlistentry",), lambda client, desk: ask(client, "/watch-list")),
    "crossings": (("border.view_journalentry",), lambda client, desk: ask(client, "/crossings", WHY)),
    "crossings/<slug:checkpoint>/<slug:lane>/<int:seq>": (
        ("border.view_journalentry",),
        lambda client, desk: ask(client, LANE, WHY),
    ),
    "alerts": (("border.view_duplicatealert",), lambda client, desk: ask(client, "/alerts")),
    "alerts/<int:number>": (
        ("border.view_duplicatealert",),
        lambda client, desk: ask(client, f"/alerts/{desk.alert.pk}"),
    ),
    "alerts/<int:number>/resolve": (
        ("border.view_duplicatealert", "border.change_duplicatealert"),
        lambda client, desk: send(client, f"/alerts/{desk.alert.pk}/resolve", if_match="*"),
    ),
    "discrepancies": (("border.view_discrepancy",), lambda client, desk: ask(client, "/discrepancies")),
    "discrepancies/<int:number>": (
        ("border.view_discrepancy",),
        lambda client, desk: ask(client, f"/discrepancies/{desk.discrepancy.pk}"),
    ),
    "discrepancies/<int:number>/resolve": (
        ("border.view_discrepancy", "border.change_discrepancy"),
        lambda client, desk: send(client, f"/discrepancies/{desk.discrepancy.pk}/resolve", if_match="*"),
    ),
    "receipts/owed": (("border.view_outgoingreceipt",), lambda client, desk: ask(client, "/receipts/owed")),
    "receipts/received": (("border.view_crossingreceipt",), lambda client, desk: ask(client, "/receipts/received")),
    "documents/search": (
        ("accounts.view_traveldocument",),
        lambda client, desk: send(client, "/documents/search", {**desk.number, **WHY}),
    ),
    "tokens": (
        ("border.view_issuedtoken",),
        lambda client, desk: ask(client, "/tokens", {**WHY, "document": desk.world.document.pk}),
    ),
    "tokens/<str:jti>": (
        ("border.view_issuedtoken",),
        lambda client, desk: ask(client, f"/tokens/{desk.token.jti}", WHY),
    ),
    "revocations": (
        ("border.view_issuedtoken", "border.change_issuedtoken"),
        lambda client, desk: revoke(client, desk),
    ),
}
EVERYTHING = sorted({each for needed, _ in ACTIONS.values() for each in needed})


def refused(answer: HttpResponse) -> None:
    assert problem_of(answer) == (403, "forbidden")
    assert set(answer.json()) == {"type", "title", "status", "code"}


def test_the_table_has_every_action() -> None:
    """An endpoint that was added without a line that says who may."""
    assert {str(each.pattern) for each in urls.v1 if isinstance(each, URLPattern)} == set(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_who_has_the_permissions_may(desk: Desk, name: str) -> None:
    """Needs no more than the table says."""
    needed, act = ACTIONS[name]
    assert act(officer(*needed), desk).status_code == 200


@pytest.mark.parametrize(
    ("name", "missing"), [(name, each) for name, (needed, _) in ACTIONS.items() for each in needed]
)
def test_who_lacks_one_permission_may_not(desk: Desk, name: str, missing: str) -> None:
    """invalid solely because of the one permission that is missing; an officer is nobody by being one."""
    _, act = ACTIONS[name]
    refused(act(officer(*{*EVERYTHING} - {missing}), desk))
    _untouched(desk)


@pytest.mark.parametrize("name", ACTIONS)
def test_neither_nobody_nor_a_traveller_nor_who_has_one_factor_may(desk: Desk, name: str) -> None:
    """invalid solely because of who asks."""
    _, act = ACTIONS[name]
    once = Account.objects.create_superuser("officer-1", "x")
    closed = Account.objects.create_superuser("officer-2", "x")
    gone = browser(closed)
    Account.objects.filter(pk=closed.pk).update(is_active=False)
    for client in (
        Client(headers={"host": "hk.localhost"}),
        browser(desk.world.traveller.account),
        browser(once, second_factor=False),
        gone,
    ):
        refused(act(client, desk))
    _untouched(desk)


@pytest.mark.parametrize(
    "path",
    [
        "/crossings/nowhere/9/9",
        "/alerts/999",
        "/discrepancies/999",
        "/tokens/AAAAAAAAAAAAAAAAAAAAAA",
        "/checkpoints/nowhere",
    ],
)
def test_whether_a_thing_is_there_is_not_told_to_who_may_not_see_it(desk: Desk, path: str) -> None:
    """invalid solely because of who asks: the answer is the same as for what is there."""
    refused(ask(officer(), path, WHY))
    assert problem_of(ask(chief(), path, WHY if "cross" in path or "token" in path else {})) == (404, "not_found")


def test_a_wallets_token_is_no_officers(desk: Desk) -> None:
    """invalid solely because an access token stands in for the session."""
    token = desk.world.access_token()
    known = desk.world.authorized(f"{API}/alerts", token, method="GET")
    refused(desk.world.machine.get(f"{API}/alerts", headers=known))


def test_a_change_needs_the_csrf_token(desk: Desk) -> None:
    """Another site's page, opened in the officer's browser."""
    client = chief(enforce_csrf_checks=True)
    refused(revoke(client, desk))
    _untouched(desk)
    token = ask(client, "/session").json()["csrf_token"]
    assert revoke(client, desk, X_CSRFToken=token).json() == {"tokens": 1}


@pytest.mark.parametrize("path", ["/crossings", "/alerts/1/resolve", "/nothing"])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "DELETE", "BREW"])
def test_another_method_tells_nobody_anything(desk: Desk, path: str, method: str) -> None:
    """OPTIONS that describes the view to whoever asks."""
    stranger = Client(headers={"host": "hk.localhost"}).generic(method, API + path)
    assert problem_of(stranger) == ((404, "not_found") if path == "/nothing" else (403, "forbidden"))
    answer = chief().generic(method, API + path)
    assert answer.status_code == (404 if path == "/nothing" else 405)


def _untouched(desk: Desk) -> None:
    assert DuplicateAlert.objects.get().resolved_at is None
    assert Discrepancy.objects.get().resolved_at is None
    assert IssuedToken.objects.get().revoked_at is None
    assert not AuditEvent.objects.filter(kind="personal_data.read").exists()

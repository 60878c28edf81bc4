"""Documents by the whole of their number, and tokens; each look is an event, and no number goes into a URL or a log."""

import logging
from typing import Any

import pytest
from django.test import Client

from idp.audit.models import AuditEvent, SeenPerson
from idp.border.models import IssuedToken
from tests.border.officers.desk import WHY, Desk, ask, chief, send
from tests.border.officers.desk import officer as with_permissions
from tests.border.world import problem_of

SEARCH = "/documents/search"


@pytest.fixture
def officer(desk: Desk) -> Client:
    return chief()


@pytest.mark.parametrize("typed", ["A1234563", "a123456(3)", " A 123456 3 "])
def test_a_document_is_found_by_its_number_however_typed(officer: Client, desk: Desk, typed: str) -> None:
    answer = send(officer, SEARCH, {**desk.number, "number": typed, **WHY})
    assert answer["Cache-Control"] == "no-store"
    assert answer.json() == {
        "document": str(desk.world.document.pk),
        "traveller": str(desk.world.traveller.pk),
        "status": "valid",
    }
    event = AuditEvent.objects.get(kind="personal_data.read")
    assert event.subject == f"document:{desk.world.document.pk}"
    assert event.data.items() >= {"what": "search", "reason": "referral", "kinds": ["documents"]}.items()
    assert SeenPerson.objects.get().whose == event.subject


@pytest.mark.parametrize("changes", [{"number": "A123456"}, {"number": "A%"}, {"issued_by": "MAC"}, {"type": "bir"}])
def test_there_is_no_search_by_a_part(officer: Client, desk: Desk, changes: dict[str, str]) -> None:
    """invalid solely because one fact is another; also this search is an event."""
    assert problem_of(send(officer, SEARCH, {**desk.number, **WHY, **changes})) == (404, "not_found")
    assert AuditEvent.objects.get(kind="personal_data.read").subject == "document:none"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"number": ""}, ["number"]),
        ({"number": "x" * 33}, ["number"]),
        ({"number": "A\x001"}, ["number"]),
        ({"number": ["A1234563"]}, ["number"]),
        ({"number": {"$ne": ""}}, ["number"]),
        ({"issued_by": "FRA"}, ["issued_by"]),
        ({"type": None}, ["type"]),
        ({"purpose": "referral "}, ["purpose"]),
        ({"name": "CHAN"}, []),
    ],
)
def test_a_member_that_cannot_be_is_named_and_its_value_is_not(
    officer: Client, desk: Desk, changes: dict[str, Any], fields: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """invalid solely because of one member. What was typed may be anybody's number."""
    caplog.set_level(logging.DEBUG)
    answer = send(officer, SEARCH, {**desk.number, **WHY, **changes})
    assert problem_of(answer) == (400, "invalid_request")
    assert answer.json()["fields"] == fields
    if "FRA" in changes.values() or "CHAN" in changes.values():
        assert "FRA" not in caplog.text + answer.content.decode()
        assert "CHAN" not in caplog.text + answer.content.decode()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"number": "a", "number": "b"}', b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(officer: Client, body: bytes) -> None:
    """invalid solely because of the body."""
    answer = officer.post(f"/border/v1/officers{SEARCH}", body, content_type="application/json")
    assert problem_of(answer) == (400, "invalid_request")


@pytest.mark.parametrize("by", ["document", "traveller"])
def test_tokens_are_found_by_document_and_by_traveller(officer: Client, desk: Desk, by: str) -> None:
    whose = getattr(desk.world, by).pk
    other, _ = desk.world.person("other", "B7654321")
    (item,) = ask(officer, "/tokens", {**WHY, by: whose}).json()["items"]
    assert (item["jti"], item["state"], item[by]) == (desk.token.jti, "living", str(whose))
    assert AuditEvent.objects.get(kind="personal_data.read").subject == f"{by}:{whose}"
    assert ask(officer, "/tokens", {**WHY, "traveller": other.pk}).json()["items"] == []


@pytest.mark.parametrize("query", [{}, {"document": "x"}, {"document": "", "traveller": ""}])
def test_tokens_of_everybody_are_not_listed(officer: Client, query: dict[str, str]) -> None:
    """invalid solely because it does not say of whom."""
    assert problem_of(ask(officer, "/tokens", {**WHY, **query})) == (400, "invalid_request")


def test_tokens_of_a_document_and_another_traveller_are_not_asked_for(officer: Client, desk: Desk) -> None:
    """invalid solely because both are named."""
    both = {"document": desk.world.document.pk, "traveller": desk.world.traveller.pk}
    answer = ask(officer, "/tokens", {**WHY, **both})
    assert problem_of(answer) == (400, "invalid_request") and answer.json()["fields"] == ["non_field_errors"]


def test_no_officer_is_shown_a_token(officer: Client, desk: Desk) -> None:
    """Facts, never what opens a gate; nor the phone's key, by which travellers' tokens could be matched elsewhere."""
    told = ask(officer, f"/tokens/{desk.token.jti}", WHY).json()
    assert not {"token", "holder_jkt", "device_jkt", "grant_id", "status_idx"} & told.keys()


def act(client: Client, what: str, which: object, deed: str = "revoke") -> Any:
    return send(client, "/revocations", {"act": deed, "what": what, "which": str(which)})


def test_an_officer_takes_a_token_back_once(officer: Client, desk: Desk) -> None:
    assert [act(officer, "token", desk.token.jti).json() for _ in range(2)] == [{"tokens": 1}, {"tokens": 0}]
    row = IssuedToken.objects.get()
    assert row.revoked_by.startswith("account:")
    told = ask(officer, f"/tokens/{desk.token.jti}", WHY).json()
    assert (told["state"], told["revoked_by"]) == ("revoked", row.revoked_by)
    assert AuditEvent.objects.get(kind="border_token.revoked").actor == row.revoked_by


@pytest.mark.parametrize("what", ["traveller", "device", "document", "authority"])
def test_tokens_are_taken_back_by_what_they_stand_on(officer: Client, desk: Desk, what: str) -> None:
    """A column that is named and not the one that is meant."""
    token = desk.token
    which = {"traveller": token.traveller_id, "device": token.device_jkt, "document": token.document_id}
    assert act(officer, what, which.get(what, token.authority)).json() == {"tokens": 1}
    assert IssuedToken.objects.get().revoked_at == desk.world.now


def test_a_phone_is_taken_back_by_who_may_change_phones(desk: Desk) -> None:
    """invalid solely because of the permission: the phone itself would be revoked."""
    clerk = with_permissions("border.view_issuedtoken", "border.change_issuedtoken")
    assert problem_of(act(clerk, "device", desk.token.device_jkt)) == (403, "forbidden")
    assert act(clerk, "token", desk.token.jti).json() == {"tokens": 1}


@pytest.mark.parametrize(
    ("what", "which"),
    [("token", "A" * 22), ("traveller", "x"), ("endorsement", "9" * 30), ("document", "\u00e9"), ("authority", "é")],
)
def test_what_no_token_stands_on_is_not_found(officer: Client, what: str, which: str) -> None:
    """invalid solely because there is no such thing."""
    assert problem_of(act(officer, what, which)) == (404, "not_found")


@pytest.mark.parametrize("jti", ["A" * 22, "x", "%00", "é"])
def test_a_token_that_is_not_there_is_not_found(officer: Client, jti: str) -> None:
    """invalid solely because there is no such token."""
    assert problem_of(ask(officer, f"/tokens/{jti}", WHY)) == (404, "not_found")

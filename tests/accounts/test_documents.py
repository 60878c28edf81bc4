"""Linking documents: one answer for every wrong fact, and one traveller for each document."""

import datetime
from typing import Any

import pytest

from idp.accounts import documents
from idp.accounts.documents import UnableToLink
from idp.accounts.models import TravelDocument
from idp.accounts.models.registry import NEVER
from idp.audit.models import AuditEvent
from tests.accounts.people import document, traveller

pytestmark = pytest.mark.django_db
FACTS: dict[str, Any] = {
    "type": "hkid",
    "number": "A123456(3)",
    "birth_date": datetime.date(1990, 1, 1),
    "expires_on": datetime.date(2040, 1, 1),
}


def test_the_number_is_found_however_it_was_written() -> None:
    card = document()
    for number in ("A1234563", "a123456(3)", " A 123456（3）"):
        assert documents.find_registered(**{**FACTS, "number": number}) == card


def test_a_document_without_end_is_found_by_leaving_the_date_out() -> None:
    card = document(expires_on=NEVER)
    assert documents.find_registered(**{**FACTS, "expires_on": None}) == card


@pytest.mark.parametrize(
    ("member", "value"),
    [("type", "bir"), ("number", "A1234564"), ("birth_date", datetime.date(1990, 1, 2)), ("expires_on", None)],
)
def test_one_wrong_fact_is_answered_as_any_other(member: str, value: object) -> None:
    """Invalid solely because of that fact."""
    document()
    with pytest.raises(UnableToLink) as caught:
        documents.find_registered(**{**FACTS, member: value})
    assert (str(caught.value), caught.value.code) == (
        "no valid document of the register has these facts",
        "document_not_eligible",
    )


@pytest.mark.parametrize("changes", [{"status": "revoked"}, {"expires_on": datetime.date(2027, 1, 14)}])
def test_a_dead_document_is_answered_as_one_that_is_not_there(now: int, changes: dict[str, Any]) -> None:
    """Invalid solely because it was revoked, or expired the day before."""
    document(**changes)
    with pytest.raises(UnableToLink, match="no valid document"):
        documents.find_registered(**{**FACTS, **{k: v for k, v in changes.items() if k == "expires_on"}})


def test_the_last_day_is_a_day_of_the_territories_and_not_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> None:
    document(expires_on=datetime.date(2027, 1, 15))
    facts = {**FACTS, "expires_on": datetime.date(2027, 1, 15)}
    midnight = int(datetime.datetime(2027, 1, 15, 16, tzinfo=datetime.UTC).timestamp())  # 24:00 in Hong Kong
    monkeypatch.setattr("idp.clock.now", lambda: midnight - 1)
    documents.find_registered(**facts)
    monkeypatch.setattr("idp.clock.now", lambda: midnight)
    with pytest.raises(UnableToLink):
        documents.find_registered(**facts)


def test_linking_happens_once_and_is_audited_without_personal_data() -> None:
    card, person, other = document(), traveller("first"), traveller("other")
    linked = documents.link(document=card, traveller=person, actor="account:1")
    assert linked.traveller == person and linked.linked_at is not None
    for again in (person, other):
        with pytest.raises(UnableToLink) as caught:
            documents.link(document=card, traveller=again, actor="account:1")
        assert caught.value.code == "conflict"
    assert TravelDocument.objects.get().traveller == person
    event = AuditEvent.objects.get(kind="accounts.document_linked")
    assert event.subject == f"document:{card.pk}"
    assert event.data == {"traveller": str(person.pk), "type": "hkid"}


def test_a_document_revoked_since_it_was_found_is_not_linked() -> None:
    card = document()
    TravelDocument.objects.update(status="revoked")
    with pytest.raises(UnableToLink) as caught:
        documents.link(document=card, traveller=traveller(), actor="a")
    assert caught.value.code == "document_not_eligible"


def test_a_document_shows_no_number_in_a_log() -> None:
    card = document()
    assert card.number not in str(card) and card.number not in repr(card)


@pytest.mark.parametrize(("day", "usable"), [(datetime.date(2040, 1, 1), True), (datetime.date(2040, 1, 2), False)])
def test_a_document_is_usable_to_its_last_day(day: datetime.date, usable: bool) -> None:
    assert document().usable_on(day) is usable


def test_a_revoked_document_is_usable_on_no_day() -> None:
    assert not document(status="revoked").usable_on(datetime.date(2026, 1, 1))

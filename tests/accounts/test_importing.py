"""Taking in the register: all of a file or nothing, and nothing personal in what goes wrong."""

import contextlib
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from idp import clock
from idp.accounts import documents, guardians, importing
from idp.accounts.importing import UnableToImport, import_register
from idp.accounts.models import Endorsement, Guardianship, TravelDocument
from idp.accounts.models.registry import NEVER
from idp.audit.models import AuditEvent
from tests.accounts.people import traveller

pytestmark = pytest.mark.django_db
ENDORSEMENT: dict[str, Any] = {
    "kind": "G",
    "destination": "HKG",
    "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
    "entries_left": 2,
    "stay_days": 7,
}
PERMIT: dict[str, Any] = {
    "type": "eep",
    "number": "c12345678",
    "name_native": "張三",
    "name_latin": "ZHANG SAN",
    "birth_date": "1990-01-01",
    "sex": "F",
    "nationality": "CHN",
    "expires_on": "2033-01-01",
    "endorsements": [ENDORSEMENT],
}


def take(*entries: Any) -> importing.Imported:
    content = json.dumps({"documents": list(entries)}).encode()
    return import_register(content=content, issued_by="CHN", actor="console")


def test_what_travel_rules_ask_of_the_register_is_kept() -> None:
    """A place of issue or a right of residence that is lost makes a rule hold that should not."""
    take({**PERMIT, "residence": "temporary", "endorsements": [{**ENDORSEMENT, "place": "440300"}]})
    permit = TravelDocument.objects.get()
    assert (permit.residence, permit.endorsements.get().place) == ("temporary", "440300")
    take(PERMIT)
    assert permit.endorsements.get().place == ""
    with pytest.raises(UnableToImport, match="residence: not acceptable"):
        take({**PERMIT, "residence": "somewhere"})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PERMIT.items() if key != name}


def test_a_file_is_taken_in_and_then_brought_up_to_date() -> None:
    assert take(PERMIT, {**without("expires_on"), "number": "C87654321"}) == importing.Imported(2, 0)
    permit = TravelDocument.objects.get(number="C12345678")
    assert (permit.issued_by, permit.traveller) == ("CHN", None)
    assert TravelDocument.objects.get(number="C87654321").expires_on == NEVER
    documents.link(document=permit, traveller=traveller(), actor="a")
    Endorsement.objects.filter(document=permit).update(entries_left=1)  # a crossing was confirmed
    later = {**ENDORSEMENT, "kind": "S", "weekly": True}
    changed = {**PERMIT, "status": "revoked", "endorsements": [ENDORSEMENT, later]}
    assert take(changed) == importing.Imported(0, 1)
    permit.refresh_from_db()
    assert permit.status == "revoked" and permit.traveller is not None
    assert [(item.kind, item.entries_left) for item in permit.endorsements.order_by("kind")] == [("G", 1), ("S", 2)]
    take({**PERMIT, "endorsements": []})
    assert not permit.endorsements.filter(withdrawn_at=None).exists()
    assert set(AuditEvent.objects.filter(kind="accounts.register_imported").last().data) == {
        "created", "updated", "sha256"
    }  # fmt: skip


def test_the_day_of_issue_may_be_known_or_not() -> None:
    take({**PERMIT, "issued_on": "2023-01-02"}, {**PERMIT, "number": "C87654321", "issued_on": None})
    days = TravelDocument.objects.order_by("number").values_list("issued_on", flat=True)
    assert list(days) == [datetime.date(2023, 1, 2), None]
    take(PERMIT)  # the file is the whole truth: it does not know any more
    assert TravelDocument.objects.get(number="C12345678").issued_on is None


def test_an_endorsement_is_withdrawn_with_its_date_and_comes_back() -> None:
    """Deleted, it would leave border tokens behind that nobody finds any more."""
    withdrawn = {**ENDORSEMENT, "withdrawn": True}
    for entries in ([withdrawn], []):
        take({**PERMIT, "endorsements": [ENDORSEMENT]})
        row = Endorsement.objects.get()
        assert row.withdrawn_at is None
        take({**PERMIT, "endorsements": entries})
        at = Endorsement.objects.get(pk=row.pk).withdrawn_at
        assert at is not None
        Endorsement.objects.update(withdrawn_at=at - 60)
        take({**PERMIT, "endorsements": entries})
        assert Endorsement.objects.get().withdrawn_at == at - 60, "the first time counts"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (without("number"), "document 1: number: missing"),
        ({**PERMIT, "portrait": "x"}, "document 1: portrait: unknown"),
        ({**PERMIT, "issued_on": "2023-13-01"}, "document 1: issued_on: not a date"),
        ({**PERMIT, "birth_date": "01.01.1990"}, "document 1: birth_date: not a date"),
        ({**PERMIT, "birth_date": 1990}, "document 1: birth_date: not a date"),
        ({**PERMIT, "sex": "W"}, "document 1: sex: not acceptable"),
        ({**PERMIT, "type": "pass"}, "document 1: type: not acceptable"),
        ({**PERMIT, "name_native": ["張"] * 99}, "document 1: name_native: not acceptable"),
        ({**PERMIT, "endorsements": {}}, "document 1: endorsements: not a list"),
        ({**PERMIT, "endorsements": [{**ENDORSEMENT, "withdrawn": "no"}]}, "document 1: withdrawn: not true or false"),
        ({**PERMIT, "endorsements": [7]}, "document 1: not an object"),
        ({**PERMIT, "endorsements": [{**ENDORSEMENT, "stay_days": "many"}]}, "document 1: stay_days: not acceptable"),
        ({**PERMIT, "endorsements": [{**ENDORSEMENT, "stay_days": 0}]}, "document 1: __all__: not acceptable"),
        ("text", "document 1: not an object"),
    ],
)
def test_one_bad_document_keeps_the_whole_file_out(entry: Any, message: str) -> None:
    """Invalid solely because of the member named."""
    good = {**PERMIT, "number": "C87654321"}
    with pytest.raises(UnableToImport) as caught:
        take(good, entry)
    assert str(caught.value) == message
    assert not TravelDocument.objects.exists() and not AuditEvent.objects.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"documents": {}}', b'{"documents":[],"documents":[]}'])
def test_what_is_no_register_is_refused(content: bytes) -> None:
    with pytest.raises(UnableToImport):
        import_register(content=content, issued_by="CHN", actor="console")


VALUES = st.none() | st.booleans() | st.integers(-5, 10**10) | st.text(max_size=6) | st.lists(st.integers(), max_size=2)


@given(name=st.sampled_from(sorted(PERMIT)), value=VALUES)
def test_no_value_of_any_kind_crashes_the_import(name: str, value: Any) -> None:
    with contextlib.suppress(UnableToImport):
        take({**PERMIT, name: value})


@given(name=st.sampled_from(sorted(ENDORSEMENT)), value=VALUES)
def test_no_value_in_an_endorsement_crashes_the_import(name: str, value: Any) -> None:
    with contextlib.suppress(UnableToImport):
        take({**PERMIT, "endorsements": [{**ENDORSEMENT, name: value}]})


def test_the_command_takes_the_jurisdiction_from_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "register.json"
    file.write_text(json.dumps({"documents": [{**PERMIT, "type": "hkid", "number": "A123456(3)"}]}))
    call_command("documents", "import", str(file))
    assert "1 documents added" in capsys.readouterr().out
    assert TravelDocument.objects.get().issued_by == "HKG"
    file.write_text("{}")
    for path in (file, tmp_path / "none.json"):
        with pytest.raises(CommandError):
            call_command("documents", "import", str(path))


def test_guardians_come_with_the_register_and_go_with_it() -> None:
    """Who is named no more must answer for the child no more; and a removed name must not stay."""
    child = {**without("expires_on"), "number": "C00000001", "birth_date": "2020-01-01", "endorsements": []}
    both = [{"type": "eep", "number": "c1234 5678"}, {"type": "eep", "number": "C99999999"}]
    take(PERMIT, {**child, "guardians": both})
    card = TravelDocument.objects.get(number="C00000001")
    assert {row.number for row in card.guardians.all()} == {"C12345678", "C99999999"}
    mother = traveller()
    documents.link(document=TravelDocument.objects.get(number="C12345678"), traveller=mother, actor="a")
    now = clock.now()
    guardians.take_up(document=card, guardian=mother, consented_at=now, actor="worker", now=now)
    take({**child, "guardians": both[:1]})  # the other goes
    assert Guardianship.objects.get().ended_at is None
    take(child)
    assert not card.guardians.exists()
    assert Guardianship.objects.get().ended_by == "register"


@pytest.mark.parametrize(
    "named",
    [
        "C12345678",
        [{"type": "eep"}],
        [{"type": "pass", "number": "C1"}],
        [{"type": "eep", "number": "C1", "name": "x"}],
        [{"type": "eep", "number": "C1234 5678"}],
        [{"type": "eep", "number": "9" * 25}],
        [{"type": 7, "number": "C1"}],
        [None],
    ],
)
def test_a_bad_guardian_spoils_the_file_and_is_not_shown(named: Any) -> None:
    """invalid solely because of the guardians: not a list, a member missing, unknown or wrong, or the child itself."""
    with pytest.raises(UnableToImport) as caught:
        take(PERMIT, {**PERMIT, "guardians": named})
    assert "C1" not in str(caught.value) and not TravelDocument.objects.exists()

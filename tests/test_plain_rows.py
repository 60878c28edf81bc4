"""A plain statement reads and stores what the ORM would; each model that goes this way, with every column filled."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, models, transaction

from idp import prepared
from idp.accounts.models import Account, TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics.models import FaceReference, Job
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, UsedOnce
from idp.oidc.replay import digest
from idp.plain_rows import Columns, insert_new

AWKWARD = "Ü \" ' \\ $1 %s 界"
JSON = {"ü": [1, None, True, {"'": '"'}]}


def client(**changes: Any) -> Client:
    values = {"client_id": "https://a.example", "profile": "border", "registration": "admin", "sector": "a.example"}
    return Client(**{**values, "metadata": JSON, "disabled": True, "created_at": 1, **changes})


def grant() -> Grant:
    account = Account.objects.create_user("mei")
    held = client()
    held.save()
    traveller = Traveller.objects.create(account=account)
    return Grant(traveller=traveller, client=held, acr=AWKWARD, auth_time=2**40, amr=["a"], claims=JSON, created_at=3)


def pushed() -> PushedRequest:
    held = client()
    held.save()
    return PushedRequest(handle_hash="a", client=held, parameters=JSON, created_at=1, expires_at=2, completed_at=None)


def code() -> AuthorizationCode:
    given = grant()
    given.save()
    return AuthorizationCode(code_hash="b", grant=given, code_challenge=None, nonce=AWKWARD, expires_at=4)


def event() -> AuditEvent:
    return AuditEvent(kind="a.b", actor=AWKWARD, subject="", data=JSON, at=5)


def state_of(row: models.Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("make", [client, grant, pushed, code, event])
def test_what_is_stored_is_what_the_orm_reads_and_what_is_read_is_what_it_reads(db: None, make: Any) -> None:
    """A column in another place, text for a document or a boolean, a NULL that is the text null."""
    row = make()
    columns = Columns(type(row), "x")
    columns.insert(row)
    kept = type(row)._default_manager.get()
    assert row == kept and state_of(row) == state_of(kept)
    [found] = prepared.rows(f"SELECT {columns.sql} FROM {columns.table}", [])  # noqa: S608
    assert state_of(columns.read(found)) == state_of(kept)


def test_what_is_stored_or_read_is_not_new_to_the_orm(db: None) -> None:
    """One that counted as new would be inserted a second time."""
    columns = Columns(Client, "x")
    stored = client()
    columns.insert(stored)
    for row in (stored, columns.read(prepared.rows(f"SELECT {columns.sql} FROM {columns.table}", [])[0])):  # noqa: S608
        row.sector = uuid.uuid4().hex
        row.save()
        assert Client.objects.get().sector == row.sector


def test_columns_that_were_left_out_are_fetched_when_they_are_asked_for(db: None) -> None:
    """A row that was read in part must not say that the rest is empty."""
    client(sector="kept.example").save()
    columns = Columns(Client, "x", ["id", "client_id"])
    found = columns.read(prepared.rows(f"SELECT {columns.sql} FROM {columns.table}", [])[0])  # noqa: S608
    assert found.get_deferred_fields() >= {"sector", "metadata"} and found.sector == "kept.example"


def test_a_constraint_holds_here_too(db: None) -> None:
    """invalid solely because the profile is none."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Columns(Client, "x").insert(client(profile="lax"))


def test_a_null_character_is_an_error_and_does_not_end_the_text(transactional_db: None) -> None:
    """PostgreSQL's library would store what stands before it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite stores it")
    with pytest.raises(DataError):
        Columns(Client, "x").insert(client(client_id="https://a.example\x00.evil.example"))
    assert not Client.objects.exists()


def test_a_column_of_an_unknown_kind_is_found_when_the_program_starts() -> None:
    """A fraction that is read as text goes wrong in the one request that looks at it."""
    with pytest.raises(RuntimeError):
        Columns(Job, "x")


def document() -> TravelDocument:
    """With days, times of day and a NULL among them."""
    facts = {"type": "hkid", "number": "A1", "name_native": AWKWARD, "name_latin": "X", "birth_date": date(1990, 2, 28)}
    more = {"sex": "X", "nationality": "CHN", "issued_by": "HKG", "issued_on": None, "expires_on": date.max}
    holder = Traveller.objects.create(account=None, ward_since=7)
    linked = datetime(2027, 1, 15, 8, 0, 0, 250_000, tzinfo=UTC)
    return TravelDocument(**facts, **more, traveller=holder, linked_at=linked)


def face() -> FaceReference:
    """With bytes that are no text."""
    card = document()
    card.save()
    facts = {"model": "m", "profile": "q8", "sealed": bytes(range(256)), "enrolled_at": 1}
    return FaceReference(traveller=card.traveller, document=card, **facts)


@pytest.mark.parametrize("make", [document, face])
def test_what_the_orm_stores_is_read_as_it_reads_it(db: None, make: Any) -> None:
    """Days, times and bytes come as text from the one database, and as themselves from the other."""
    make().save()
    columns = Columns(make.__annotations__["return"], "x")
    [found] = prepared.rows(f"SELECT {columns.sql} FROM {columns.table}", [])  # noqa: S608
    kept = state_of(make.__annotations__["return"]._default_manager.get())
    read = state_of(columns.read(found))
    assert {name: bytes(value) if name == "sealed" else value for name, value in kept.items()} == read


def test_the_first_statement_of_a_transaction_is_undone_with_it(transactional_db: None) -> None:
    """The driver begins a transaction with a cursor's first statement, and here is none."""
    with pytest.raises(RuntimeError), transaction.atomic():
        Columns(Client, "x").insert(client())
        raise RuntimeError
    assert not Client.objects.exists()


# --- many at once ---------------------------------------------------------------------------------------------------

SPENT = ("kind", "key_hash", "expires_at")


@pytest.mark.usefixtures("transactional_db")
def test_what_is_there_is_left_out_and_the_rest_is_counted() -> None:
    """A caller that is told the number of its rows, and not of those stored, finds nothing twice."""
    rows = [("a", digest(str(number)), 2**40 + number) for number in range(300)]
    assert insert_new(UsedOnce, SPENT, rows[:100]) == 100
    assert insert_new(UsedOnce, SPENT, [*rows, rows[299]]) == 200
    assert insert_new(UsedOnce, SPENT, []) == 0
    assert sorted(UsedOnce.objects.values_list(*SPENT)) == sorted(rows)


@pytest.mark.usefixtures("transactional_db")
def test_many_rows_have_their_values_and_the_others_their_defaults() -> None:
    """A text that ends a JSON text or a statement, a number that a float would round, a default that is no NULL."""
    rows = [(AWKWARD, "border", "admin", "s", 2**53 + 1), ("b", "basic", "admin", "s", 0)]
    assert insert_new(Client, ("client_id", "profile", "registration", "sector", "created_at"), rows) == 2
    stored = Client.objects.get(client_id=AWKWARD)
    assert (stored.profile, stored.created_at, stored.disabled, stored.metadata) == ("border", 2**53 + 1, False, {})


@pytest.mark.usefixtures("transactional_db")
def test_a_row_that_cannot_be_takes_the_others_along() -> None:
    rows = [("a", digest("a"), 1), ("a", None, 1)]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_new(UsedOnce, SPENT, rows)
    assert not UsedOnce.objects.exists()

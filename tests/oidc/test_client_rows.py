"""The plain statement gives what the ORM gives, and survives a connection that died between two requests."""

import pytest
from django.db import InterfaceError, OperationalError, connections, transaction

from idp.oidc import client_rows
from idp.oidc.models import Client
from tests.oidc.world import World

EVERYTHING = {
    "client_id": "https://rp.example/ü",
    "profile": "basic",
    "registration": "explicit",
    "metadata": {"client_name": "Ü", "nested": {"list": [1, None, True]}},
    "sector": "rp.example",
    "expires_at": 1_900_000_000,
    "disabled": True,
    "chain_path": ["https://rp.example", "https://anchor.example"],
    "stated_at": 5,
    "fetched_jwks": {"keys": []},
    "jwks_asked_at": 6,
    "jwks_until": 7,
    "secret_hash": "a" * 64,
    "created_at": 8,
}


def state_of(client: Client | None) -> dict[str, object]:
    assert client is not None
    return {field.attname: getattr(client, field.attname) for field in Client._meta.concrete_fields}


@pytest.mark.parametrize("left_out", [set(), {"expires_at", "stated_at", "fetched_jwks", "disabled"}])
def test_row_is_the_one_that_the_orm_gives(db: None, left_out: set[str]) -> None:
    """A column in another place, a number for a boolean, text for a document."""
    values = {name: value for name, value in EVERYTHING.items() if name not in left_out}
    if left_out:
        values["registration"] = "admin"
    kept = Client.objects.create(**values)
    found = client_rows.find(kept.client_id)
    assert state_of(found) == state_of(Client.objects.get())
    assert found == kept and found is not None and found.disabled is (not left_out)


def test_what_is_found_can_be_saved(db: None) -> None:
    """One that counted as new would be inserted a second time."""
    Client.objects.create(**EVERYTHING)
    found = client_rows.find(str(EVERYTHING["client_id"]))
    assert found is not None
    found.disabled = False
    found.save()
    assert Client.objects.get().disabled is False


@pytest.mark.parametrize("client_id", ["https://nobody.example", "", "a\x00b", "' OR ''='", "%s"])
def test_unknown_is_none(db: None, client_id: str) -> None:
    """invalid solely because nobody is registered so: a null character is PostgreSQL's 500, a quote an injection."""
    Client.objects.create(**EVERYTHING)
    assert client_rows.find(client_id) is None


def test_a_change_shows_at_once(db: None) -> None:
    """A memory of rows would let a client work on that an officer has stopped."""
    client = Client.objects.create(**{**EVERYTHING, "disabled": False})
    assert state_of(client_rows.find(client.client_id))["disabled"] is False
    Client.objects.update(disabled=True)
    assert state_of(client_rows.find(client.client_id))["disabled"] is True


class Dying:
    """The first statements fail as they do on a connection that the server has closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
        self.errors, self.closed, read = list(errors), 0, client_rows._read

        def dying(client_id: str) -> object:
            if self.errors:
                raise self.errors.pop(0)
            return read(client_id)

        def close() -> None:
            self.closed += 1

        monkeypatch.setattr(client_rows, "_read", dying)
        monkeypatch.setattr(connections["default"], "close", close)
        monkeypatch.setattr(connections["default"], "health_check_done", False)


@pytest.mark.parametrize("error", [OperationalError("closed"), InterfaceError("closed")])
def test_a_dead_connection_is_replaced(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A node that was left alone for an hour answers its first client with an error."""
    Client.objects.create(**EVERYTHING)
    dying = Dying(monkeypatch, error)
    assert client_rows.find(str(EVERYTHING["client_id"])) is not None
    assert dying.closed == 1


def test_a_database_that_is_gone_is_asked_twice_and_no_more(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Dying(monkeypatch, *[OperationalError("gone")] * 2)
    with pytest.raises(OperationalError):
        client_rows.find("https://rp.example")


def test_a_connection_that_was_good_a_moment_ago_is_not_replaced(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another kind of failure, in the middle of a request: Django's own rules hold."""
    dying = Dying(monkeypatch, OperationalError("timeout"))
    monkeypatch.setattr(connections["default"], "health_check_done", True)
    with pytest.raises(OperationalError):
        client_rows.find("https://rp.example")
    assert dying.closed == 0


def test_within_a_transaction_nothing_is_repeated(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before on the lost connection is gone."""
    dying = Dying(monkeypatch, OperationalError("closed"))
    with pytest.raises(OperationalError), transaction.atomic():
        client_rows.find("https://rp.example")
    assert dying.closed == 0


def test_a_request_reads_its_client_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain statement is the one in use."""
    asked: list[str] = []
    find = client_rows.find
    monkeypatch.setattr(client_rows, "find", lambda client_id: asked.append(client_id) or find(client_id))
    world.push()
    assert asked == [world.messenger.client_id]

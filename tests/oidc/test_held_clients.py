"""A remembered row is as good as one read at the end of the request: whatever an officer changed counts at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from idp.audit.models import AuditEvent
from idp.oidc import client_rows, replay
from idp.oidc.models import Client, UsedOnce
from idp.protocol import keys
from tests.oidc.test_client_credentials import SPEAKS
from tests.oidc.world import Messenger, World, error_of


@pytest.fixture(autouse=True)
def memory() -> Iterator[dict[str, Any]]:
    client_rows._memory.clear()
    yield client_rows._memory
    client_rows._memory.clear()


@pytest.fixture
def server(world: World) -> Messenger:
    """A server of the profile border, which the worker has answered before."""
    who = world.messenger
    metadata = {**who.metadata(), **SPEAKS}
    del metadata["authorization_details_types"]
    row = {"profile": "border", "registration": "admin", "metadata": metadata, "sector": "messenger.example"}
    Client.objects.create(client_id=who.client_id, created_at=world.now, **row)
    assert ask(world).status_code == 200
    return who


def ask(world: World, **form: str) -> HttpResponse:
    who = world.messenger
    return world.post(
        "/oidc/token",
        who.authenticated(grant_type="client_credentials", **form),
        proof=who.proof("/oidc/token"),
    )


def issued() -> int:
    return AuditEvent.objects.filter(kind="oidc.token_issued").count()


def test_second_request_reads_no_row(world: World, server: Messenger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement that nobody needs any more; without PostgreSQL every request reads it."""
    read: list[str] = []
    real = client_rows._read
    monkeypatch.setattr(client_rows, "_read", lambda client_id: read.append(client_id) or real(client_id))
    assert ask(world).status_code == 200
    assert len(read) == (0 if connection.vendor == "postgresql" else 1)
    assert issued() == 2


def test_disabled_client_is_refused_at_once(world: World, server: Messenger) -> None:
    """invalid solely because an officer stopped the client since the worker read its row."""
    Client.objects.update(disabled=True)
    assert error_of(ask(world)) == (400, "unauthorized_client")
    assert issued() == 1


def test_grant_type_that_was_taken_back_is_refused_at_once(world: World, server: Messenger) -> None:
    """invalid solely because the metadata lists client_credentials no more."""
    row = Client.objects.get()
    row.metadata["grant_types"] = ["authorization_code"]
    row.save()
    assert error_of(ask(world)) == (400, "unauthorized_client")


def test_key_that_was_taken_back_is_refused_at_once(world: World, server: Messenger) -> None:
    """invalid solely because the assertion is by a key that is the client's no more."""
    row = Client.objects.get()
    row.metadata["jwks"] = keys.KeySet([keys.generate().public]).jwks()
    row.save()
    assert error_of(ask(world)) == (401, "invalid_client")
    assert issued() == 1


def test_what_was_allowed_since_is_granted_at_once(world: World, server: Messenger) -> None:
    """A row that is remembered refuses nobody: the scope was registered a moment ago."""
    assert error_of(ask(world, scope="new:scope")) == (400, "invalid_scope")
    row = Client.objects.get()
    row.metadata["scope"] += " new:scope"
    row.save()
    assert ask(world, scope="new:scope").json()["scope"] == "new:scope"


def test_deleted_client_is_unknown_at_once(world: World, server: Messenger) -> None:
    """invalid solely because there is no such client any more."""
    Client.objects.all().delete()
    response = ask(world)
    assert response.status_code != 200 or Client.objects.get().registration == "automatic"


def test_refused_request_spends_what_it_brought_once(world: World, server: Messenger) -> None:
    """Asked twice, by an old row and by a new one, it must neither fail by itself nor be good again."""
    assertion, proof = server.assertion(), server.proof("/oidc/token")
    form = server.authenticated(grant_type="client_credentials", client_assertion=assertion)
    Client.objects.update(disabled=True)
    assert error_of(world.post("/oidc/token", form, proof=proof)) == (400, "unauthorized_client")
    Client.objects.update(disabled=False)
    assert error_of(world.post("/oidc/token", form, proof=server.proof("/oidc/token"))) == (401, "invalid_client")
    assert UsedOnce.objects.filter(kind=replay.ASSERTION).count() == 2


def test_row_is_read_again_after_a_minute(world: World, server: Messenger, memory: dict[str, Any]) -> None:
    """Whatever else goes wrong, it does not go wrong for ever."""
    held = client_rows.Held(now=world.now + client_rows.MAX_AGE)
    held.find(server.client_id)
    assert held.version is None


def test_memory_does_not_grow_without_end(
    world: World, memory: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by clients nor by names that are nobody's."""
    monkeypatch.setattr(client_rows, "MEMORY", 3)
    for number in range(10):
        name = f"client-{number}"
        Client.objects.create(client_id=name, profile="basic", registration="admin", sector="s", created_at=0)
        client_rows.Held(now=0).find(name)
        client_rows.Held(now=0).find(f"nobody-{number}")
    assert len(memory) <= 3


def test_no_token_where_the_row_changes_between_checks_and_statement(
    world: World, server: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because the client was stopped while its request was being checked."""
    real = replay._write

    def late(*what: Any) -> Any:
        if what[1] is not None:
            Client.objects.filter(disabled=False).update(disabled=True)
        return real(*what)

    monkeypatch.setattr(replay, "_write", late)
    if connection.vendor == "postgresql":  # elsewhere the row was read before, by this very request
        assert error_of(ask(world)) == (400, "unauthorized_client")
        assert issued() == 1

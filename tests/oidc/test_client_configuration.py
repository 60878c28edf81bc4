"""Clients that look after their registration themselves (RFC 7592)."""

import json
from typing import Any

import pytest

from idp.oidc import dynamic_registration
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant
from idp.oidc.replay import digest
from tests.oidc.basic_party import BasicParty
from tests.oidc.registrant import METADATA, Registrant, party, path, refusal
from tests.oidc.world import World
from tests.simulators.federation import REMOVE


def test_client_reads_its_registration(anybody: Registrant) -> None:
    """RFC 7592 §2.1: all of it but the secret, which is not known any more."""
    made = anybody.registered()
    answer = anybody.send("GET", path(made), token=made["registration_access_token"])
    assert answer.status_code == 200
    assert answer.json() == {name: value for name, value in made.items() if name != "client_secret"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_registration_is_its_own_client_s(anybody: Registrant, method: str) -> None:
    """Invalid solely because the token is another's, or none, or the client unknown; the three look the same."""
    mine, other = anybody.registered(), anybody.registered()
    body = {**METADATA, "client_id": mine["client_id"]}
    for target, token in [
        (path(mine), other["registration_access_token"]),
        (path(mine), None),
        (path(mine), mine["client_secret"]),
        ("/oidc/register/unknown", mine["registration_access_token"]),
        ("/oidc/register/a%00b", mine["registration_access_token"]),
    ]:
        assert refusal(anybody.send(method, target, body, token=token)) == (401, "invalid_token")
    assert Client.objects.count() == 2


def test_client_of_an_officer_is_not_reached_this_way(anybody: Registrant, basic: BasicParty) -> None:
    """Invalid solely because it has no registration token: an empty hash must not be somebody's."""
    for token in (None, "", "x"):
        assert anybody.send("GET", f"/oidc/register/{basic.client_id}", token=token).status_code == 401


def changed(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of an update: what was registered, without what is the server's to say."""
    ours = {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}
    body = {name: value for name, value in of.items() if name not in ours}
    return {name: value for name, value in {**body, **changes}.items() if value is not REMOVE}


def test_update_replaces_and_gives_another_token(anybody: Registrant) -> None:
    """RFC 7592 §2.2: what is left out is gone; the token before is good no more; the secret stays."""
    made = anybody.registered(contacts=["duty@rp.example"])
    old = made["registration_access_token"]
    body = changed(made, client_name="Hospital", contacts=REMOVE)
    answer = anybody.send("PUT", path(made), body, token=old)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["client_name"] == "Hospital" and "contacts" not in told and "client_secret" not in told
    assert Client.objects.get().secret_hash == digest(made["client_secret"])
    assert refusal(anybody.send("GET", path(made), token=old)) == (401, "invalid_token")
    assert anybody.send("GET", path(made), token=told["registration_access_token"]).status_code == 200


def test_update_to_a_key_and_back_makes_another_secret(anybody: Registrant) -> None:
    """A secret that comes back to life with the method."""
    made = anybody.registered()
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://rp.example/jwks"}
    body = changed(made, client_secret=REMOVE, **keyed)
    told = anybody.send("PUT", path(made), body, token=made["registration_access_token"]).json()
    assert "client_secret_expires_at" not in told and Client.objects.get().secret_hash == ""
    back = changed(made, client_secret=REMOVE)
    again = anybody.send("PUT", path(made), back, token=told["registration_access_token"]).json()
    assert again["client_secret"] not in ("", made["client_secret"])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": REMOVE},
        {"client_secret": "chosen by the client"},
        {"client_id_issued_at": 1},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://rp.example"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_bad_update_changes_nothing(anybody: Registrant, changes: dict[str, Any]) -> None:
    """Invalid solely because of the one member: another's identifier, a chosen secret, or what is ours to say."""
    made = anybody.registered()
    before = Client.objects.values().get()
    answer = anybody.send("PUT", path(made), changed(made, **changes), token=made["registration_access_token"])
    assert refusal(answer) == (400, "invalid_client_metadata")
    assert Client.objects.values().get() == before


def test_update_to_another_sector_is_refused(anybody: Registrant) -> None:
    """Invalid solely because of the host: subjects of a neighbour, whose host was named first, would be collected."""
    made = anybody.registered()
    body = changed(made, redirect_uris=["https://mine.example/cb"])
    answer = anybody.send("PUT", path(made), body, token=made["registration_access_token"])
    assert refusal(answer) == (400, "invalid_redirect_uri")


def test_disabled_client_keeps_out(anybody: Registrant) -> None:
    """Invalid solely because an officer stopped it: it must not change into something else meanwhile."""
    made = anybody.registered()
    Client.objects.update(disabled=True)
    for method in ("GET", "PUT", "DELETE"):
        answer = anybody.send(method, path(made), changed(made), token=made["registration_access_token"])
        assert refusal(answer) == (403, "access_denied")


def test_client_leaves(anybody: Registrant) -> None:
    """RFC 7592 §2.3: gone, and its token with it."""
    made = anybody.registered()
    answer = anybody.send("DELETE", path(made), token=made["registration_access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Client.objects.exists()
    assert refusal(anybody.send("GET", path(made), token=made["registration_access_token"])) == (401, "invalid_token")


def test_client_with_grants_leaves_and_they_end(world: World, anybody: Registrant) -> None:
    """A grant that outlives its client; a row that is gone, so that nobody can say whose the grant was."""
    made = anybody.registered()
    party(world, made).code()
    token = made["registration_access_token"]
    assert anybody.send("DELETE", path(made), token=token).status_code == 204
    row = Client.objects.get()
    assert (row.disabled, row.secret_hash, row.registration_token_hash) == (True, "", "")
    assert Grant.objects.get().revoked_at == world.now
    assert refusal(anybody.send("GET", path(made), token=token)) == (401, "invalid_token")


def test_of_two_updates_with_one_token_one_is_too_late(anybody: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both would be told a token, and one of them a wrong one."""
    made = anybody.registered()
    before = dynamic_registration._own(made["client_id"], made["registration_access_token"])
    monkeypatch.setattr(dynamic_registration, "_own", lambda *_: before)
    body = json.dumps(changed(made)).encode()
    dynamic_registration.update(made["client_id"], body, token="x", now=1)
    with pytest.raises(OAuthError, match="invalid_token"):
        dynamic_registration.update(made["client_id"], body, token="x", now=1)

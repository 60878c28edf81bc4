"""Who becomes a client by a trust chain, and who does not (OpenID Federation 1.0 §12.1, rows 7, 8, 27, 31)."""

from typing import Any

import pytest

from idp.federation import entities, statements
from idp.oidc.models import Client
from tests.oidc.world import Messenger, World, error_of
from tests.simulators.federation import REMOVE, chain


def test_stranger_is_told_that_nobody_vouches(world: World) -> None:
    """invalid solely because no chain leads from the client to this node (row 8)."""
    stranger = Messenger(world.federation, "https://stranger.example", world.now)
    form = stranger.authenticated(request=stranger.signed())
    response = world.post("/oidc/par", form)
    assert error_of(response)[1] in ("invalid_trust_anchor", "invalid_trust_chain")
    assert not Client.objects.exists()


def test_client_that_is_neither_known_nor_an_entity_is_refused(world: World) -> None:
    """invalid solely because client_id is no entity identifier."""
    assertion = world.messenger.assertion(iss="wallet", sub="wallet")
    assert error_of(world.push(client_id="wallet", client_assertion=assertion)) == (401, "invalid_client")


def test_trust_chain_of_another_entity_is_refused(world: World) -> None:
    """invalid solely because the chain in the header is a sound chain of another entity (row 27)."""
    world.push()  # so that it is known already
    other = Messenger(world.federation, "https://other.example", world.now)
    world.vouch_for(other)
    sent = [other.entity.configuration(), statements.subordinate_statement(other.client_id, world.now)]
    for form in (
        {"client_assertion": world.messenger.assertion(headers={"trust_chain": sent})},
        {"request": world.messenger.signed(headers={"trust_chain": sent})},
        {"request": world.messenger.signed(headers={"peer_trust_chain": sent})},
    ):
        assert error_of(world.push(**form)) == (400, "invalid_trust_chain")


def test_own_trust_chain_serves_while_the_client_is_unreachable(world: World) -> None:
    """OpenID Federation §4.3: a client may bring its chain; it is verified like any other."""
    who = world.messenger
    sent = [who.entity.configuration(), statements.subordinate_statement(who.client_id, world.now)]
    world.federation.down.add("messenger.example")
    assert world.push().status_code == 503
    assert world.push(client_assertion=who.assertion(headers={"trust_chain": sent})).status_code == 201
    forged = [*chain(who.entity), sent[1].rsplit(".", 1)[0] + ".AAAA"]
    broken = who.assertion(headers={"trust_chain": forged})
    assert error_of(world.push(client_assertion=broken)) == (400, "invalid_trust_chain")


def test_client_whose_recognition_ended_is_refused_at_once(world: World) -> None:
    """invalid solely because this node stopped vouching, long before the chain's end (row 31)."""
    assert world.push().status_code == 201
    entities.end_subordinate(entity_id=world.messenger.client_id, now=world.now)
    assert error_of(world.push()) == (404, "invalid_trust_anchor")


def test_client_stopped_by_an_officer_is_refused(world: World) -> None:
    """invalid solely because the client is disabled, and its next resolution does not undo that."""
    world.push()
    Client.objects.update(disabled=True)
    assert error_of(world.push()) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["http://messenger.example/cb"]},
        {"redirect_uris": ["https://messenger.example/cb#x"]},
        {"redirect_uris": ["https://user@messenger.example/cb"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://messenger.example/\\evil"]},
        {"redirect_uris": "https://messenger.example/cb"},
        {"jwks": REMOVE},
        {"jwks": {"keys": []}},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"client_registration_types": ["explicit"]},
    ],
)
def test_metadata_that_cannot_be_used_is_refused(world: World, metadata: dict[str, Any]) -> None:
    """invalid solely because of one member of the client's metadata."""
    world.messenger.entity.metadata = {"openid_relying_party": world.messenger.metadata(**metadata)}
    assert error_of(world.push()) == (400, "invalid_metadata")
    assert not Client.objects.exists()

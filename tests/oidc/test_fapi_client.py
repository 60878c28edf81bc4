"""A server that is a FAPI 2.0 client: the profile ``border`` without being a wallet, registered by an officer."""

from typing import Any

import pytest

from idp.accounts.models import Device
from idp.oidc.models import Client
from tests.oidc.world import NODE, Messenger, World, answer, error_of
from tests.simulators.federation import REMOVE


@pytest.fixture
def bank(world: World) -> Messenger:
    """The world's client from now on; its DPoP key is a server's."""
    made = Messenger(world.federation, "https://bank.example", world.now)
    Client.objects.create(
        client_id=made.client_id,
        profile=Client.Profile.BORDER,
        registration=Client.Registration.ADMIN,
        metadata=made.metadata(authorization_details_types=REMOVE),
        sector="bank.example",
        created_at=world.now,
    )
    world.messenger = made
    return made


def request(bank: Messenger, **changes: Any) -> dict[str, Any]:
    return bank.request(authorization_details=REMOVE, **changes)


def test_its_key_is_no_phone(world: World, bank: Messenger) -> None:
    """A server in the traveller's list of phones, and its tokens dead when that phone is revoked."""
    got = world.tokens(request(bank))
    assert got["token_type"] == "DPoP" and not Device.objects.exists()
    assert world.userinfo(got["access_token"]).json()["sub"]


def test_its_request_object_may_have_more_audiences_and_no_jti(world: World, bank: Messenger) -> None:
    """FAPI 2.0 Message Signing leaves both to the client."""
    text = bank.signed(request(bank), aud=["https://other.example", NODE], jti=REMOVE)
    assert world.push(request=text).status_code == 201
    assert error_of(world.push(request=text)) == (400, "invalid_request_object")


@pytest.mark.parametrize("claim", ["exp", "nbf", "aud", "iss"])
def test_its_request_object_lacks_what_message_signing_wants(world: World, bank: Messenger, claim: str) -> None:
    """invalid solely because a claim is missing (row 39)."""
    text = bank.signed(request(bank), **{claim: REMOVE})
    assert error_of(world.push(request=text)) == (400, "invalid_request_object")


def test_unsigned_request_where_signed_ones_were_promised(world: World, bank: Messenger) -> None:
    """invalid solely because of the registration (RFC 9101 §10.5)."""
    promised = bank.metadata(authorization_details_types=REMOVE, require_signed_request_object=True)
    Client.objects.update(metadata=promised)
    form = bank.authenticated(**request(bank))
    assert error_of(world.post("/oidc/par", form)) == (400, "invalid_request")


def test_wallet_of_a_chain_keeps_to_the_federations_rules(world: World) -> None:
    """invalid solely because of a second audience, or of no jti (row 26)."""
    who = world.messenger
    for changes in ({"aud": [NODE, "https://other.example"]}, {"jti": REMOVE}):
        assert error_of(world.push(request=who.signed(**changes))) == (400, "invalid_request_object")


def test_denied_by_the_traveller(world: World, bank: Messenger) -> None:
    world.log_in()
    assert answer(world.decide(world.pushed(request(bank)), decision="deny"))["error"] == "access_denied"

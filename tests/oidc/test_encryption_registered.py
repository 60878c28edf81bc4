"""Clients that register how their answers are encrypted (OpenID Connect Registration §2, JARM §3)."""

from typing import Any

import pytest

from idp.oidc import client_registration
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import keys, strict_json
from tests.oidc.registrant import Registrant, refusal
from tests.oidc.relying_party import RelyingParty
from tests.oidc.sealed import SEALING, jwk, wants
from tests.oidc.world import CALLBACK, World, error_of
from tests.simulators.federation import REMOVE

WEAK = jwk(n=strict_json.b64encode((2**1024 - 1).to_bytes(128)))
SECRET = {**SEALING["RSA"].as_dict(private=True), "use": "enc", "kid": "private"}
SIGNING = {"keys": [keys.generate().public.jwk()]}
REFUSED: list[dict[str, Any]] = [
    *(wants("id_token", alg) for alg in ("RSA1_5", "dir", "A128KW", "ECDH-ES+A128KW", "PBES2-HS256+A128KW", "")),
    *(wants("userinfo", "RSA-OAEP", enc) for enc in ("A256CBC-HS512", "A192GCM", "none", "RSA-OAEP")),
    wants("authorization", "RSA-OAEP", "zip"),
    {"id_token_encrypted_response_enc": "A128CBC-HS256"},
    {"userinfo_encrypted_response_alg": "none", "userinfo_encrypted_response_enc": "A256GCM"},
    {"id_token_encrypted_response_alg": ["RSA-OAEP"]},
    {"id_token_encrypted_response_alg": "RSA-OAEP", "id_token_encrypted_response_enc": {}},
    wants("id_token", "ECDH-ES"),  # there is no such key
    {**wants("id_token"), "jwks": SIGNING},
    {**wants("id_token"), "jwks": {"keys": [WEAK]}},
    {**wants("id_token"), "jwks": {"keys": [SECRET]}},
    {"jwks": {"keys": [jwk(), SECRET]}},
    {**wants("id_token"), "jwks": {"keys": [jwk(use="sig")]}},
    {**wants("id_token"), "jwks": {"keys": [jwk(alg="RSA-OAEP-256")]}},
    {**wants("id_token"), "jwks": {"keys": []}},
    {**wants("id_token"), "jwks": REMOVE},
    {"introspection_encrypted_response_alg": "RSA-OAEP"},
]


@pytest.mark.parametrize("members", REFUSED, ids=range(len(REFUSED)))
def test_what_could_not_be_given_is_refused_when_a_client_registers_itself(
    anybody: Registrant, members: dict[str, Any]
) -> None:
    """invalid solely because of these members: found out by travellers, or answered in clear, it would be worse."""
    said = {"jwks": {"keys": [jwk()]}, **members}
    assert refusal(anybody.register(**said)) == (400, "invalid_client_metadata")
    assert not Client.objects.exists()


@pytest.mark.parametrize("members", REFUSED, ids=range(len(REFUSED)))
def test_what_could_not_be_given_is_refused_in_a_chain(world: World, rp: RelyingParty, members: dict[str, Any]) -> None:
    """invalid solely because of these members; the client has a key that signs beside those."""
    said = {"jwks": {"keys": [jwk()]}, **members}
    inside = said["jwks"] if said["jwks"] is not REMOVE else {"keys": []}
    both = {"keys": [*keys.KeySet([rp.key.public]).jwks()["keys"], *inside["keys"]]}
    rp.says(**{**said, "jwks": both})
    assert error_of(world.push()) == (400, "invalid_metadata")


@pytest.mark.parametrize("profile", ["border", "federation", "basic"])
def test_officer_cannot_register_what_could_not_be_given(world: World, profile: str) -> None:
    said = {"client_name": "x", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt"}
    known = {"client_id": "new", "profile": profile, "registration": "admin", "actor": "account:7", "now": world.now}
    for members in (wants("id_token", "RSA1_5"), wants("authorization", "ECDH-ES")):
        with pytest.raises(OAuthError) as caught:
            client_registration.register(**known, metadata={**said, "jwks": SIGNING, **members})
        assert caught.value.error == "invalid_client_metadata"


@pytest.mark.parametrize("members", [wants("userinfo", "RSA1_5"), {"introspection_encrypted_response_alg": "ECDH-ES"}])
def test_wallet_of_a_chain_cannot_ask_for_it_either(world: World, members: dict[str, Any]) -> None:
    """invalid solely because of the algorithm; a wallet's other members are as the profile has them."""
    who = world.messenger
    who.entity.metadata = {"openid_relying_party": who.metadata(**members)}
    assert error_of(world.push()) == (400, "invalid_metadata")


def test_registered_client_is_told_what_it_gets(world: World, anybody: Registrant) -> None:
    """RFC 7591 §3.2.1: with the encryption that is taken where the client names none."""
    chosen = {**wants("id_token"), **wants("userinfo", "RSA-OAEP-256", "A256GCM"), **wants("authorization", "none")}
    made = anybody.registered(jwks={"keys": [jwk()]}, **chosen)
    assert {name: made[name] for name in made if "_encrypted_" in name} == {
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A128CBC-HS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A256GCM",
        "authorization_encrypted_response_alg": "none",
    }


def test_client_with_a_secret_may_publish_nothing_but_keys_for_encryption(anybody: Registrant) -> None:
    """Such a client signs nothing, so a key that verifies would be asked for in vain."""
    made = anybody.registered(jwks={"keys": [jwk("EC"), jwk()]}, **wants("id_token"))
    assert made["jwks"]["keys"][0]["kid"] == "EC-1"


def test_client_that_signs_needs_a_key_that_verifies(anybody: Registrant) -> None:
    """invalid solely because every key is for encryption."""
    said = {"jwks": {"keys": [jwk()]}, "token_endpoint_auth_method": "private_key_jwt", **wants("id_token")}
    assert refusal(anybody.register(**said)) == (400, "invalid_client_metadata")

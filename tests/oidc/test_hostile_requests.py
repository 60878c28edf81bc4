"""What a hostile client or stranger may bring and no other test of this room does (rows 28, 54, 69, 70, 74)."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.accounts import registration
from idp.federation import signing, statements
from idp.oidc import subjects
from idp.oidc.models import Client, PushedRequest
from idp.protocol import encrypted_request, jws, keys, strict_json, trust_chain
from idp.protocol.entity_statements import ENTITY_STATEMENT
from tests.oidc.registrant import Registrant, refusal
from tests.oidc.relying_party import RelyingParty, enter
from tests.oidc.test_authorize import code_on
from tests.oidc.world import NODE, World, error_of
from tests.protocol import test_encrypted_request
from tests.simulators.federation import AuthoritySimulator

# --- chains (row 28) -----------------------------------------------------------------------------------------------


def chain_of_ours_to(elsewhere: AuthoritySimulator, now: int) -> list[str]:
    """A sound chain from this node to an anchor that is not ours: we may have accepted its recognition once."""
    claims = jws.parse_unverified(statements.entity_configuration(now), ENTITY_STATEMENT).claims
    hinting = {**claims, "authority_hints": [elsewhere.entity_id]}
    elsewhere.federation.authority(NODE)  # known to the simulator, which has other keys for it
    statement = elsewhere.statement(NODE, jwks=signing.published("federation").jwks())
    del elsewhere.federation.entities[NODE]
    chain = [jws.sign(ENTITY_STATEMENT, hinting, signing.signer("federation")), statement, elsewhere.configuration()]
    verified = trust_chain.verify_chain(tuple(chain), anchors=elsewhere.federation.anchors(elsewhere), now=now)
    assert (verified.entity_id, verified.anchor) == (NODE, elsewhere.entity_id)
    return chain


@pytest.mark.parametrize("way", ["pushed", "by value"])
def test_peer_chain_to_another_anchor_is_refused(world: World, rp: RelyingParty, way: str) -> None:
    """invalid solely because the chain for us ends in another anchor than the relying party's (row 28)."""
    elsewhere = world.federation.authority("https://elsewhere.example")
    own = [rp.entity.configuration(), statements.subordinate_statement(rp.client_id, world.now)]
    headers = {"trust_chain": own, "peer_trust_chain": chain_of_ours_to(elsewhere, world.now)}
    text = rp.signed(headers=headers)
    if way == "pushed":
        assert error_of(world.push(request=text)) == (400, "invalid_trust_chain")
    else:
        assert code_on(enter(world, text)) == "invalid_client"
    assert not PushedRequest.objects.exists()


# --- rich authorization (row 54) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"document": "another-persons"},
        {"locations": [f"{NODE}/checkpoints/elsewhere"]},
        {"locations": [f"{NODE}/checkpoints/lok-ma-chau", f"{NODE}/checkpoints/elsewhere"]},
        {"directions": ["exit", "entry"]},
        {"directions": ["entry"]},
        {"valid_from": 1_800_000_000 - 1},
        {"valid_until": 1_800_000_000 + 86_401},
        {"max_tokens": 3},
        {"ahead": True},
        {"extra": 1},
        {"type": "payment"},
    ],
)
@pytest.mark.parametrize("with_code", [True, False])
def test_token_request_for_another_crossing_is_refused(world: World, change: dict[str, Any], with_code: bool) -> None:
    """invalid solely because of one member of what was granted: person, gate, time, number (row 54)."""
    who = world.messenger
    code = world.code()
    granted = {**who.detail(), "document": "card"}
    wider = json.dumps([{**granted, **change}])
    if with_code:
        refused = world.redeem(code, authorization_details=wider)
    else:
        token = world.redeem(code).json()
        assert token["authorization_details"] == [granted]
        refused = world.refresh(token["refresh_token"], authorization_details=wider)
    assert error_of(refused) == (400, "invalid_authorization_details")


# --- encrypted request objects (row 69) ----------------------------------------------------------------------------

UNSIGNED = strict_json.b64encode(b'{"alg":"none"}') + "."
SEALED: dict[str, dict[str, Any]] = {
    "no agreement": {"alg": "dir"},
    "RSA with PKCS 1.5": {"alg": "RSA1_5"},
    "password": {"alg": "PBES2-HS256+A128KW", "p2c": 2**31 - 1, "p2s": "AAAAAAAAAAA"},
    "compressed": {"zip": "DEF"},
    "another cipher": {"enc": "A128GCM"},
    "point off the curve": {
        "epk": {
            "kty": "EC",
            "crv": "P-256",
            "x": strict_json.b64encode(bytes(32)),
            "y": strict_json.b64encode(bytes(32)),
        }
    },
    "critical": {"crit": ["x"]},
}


@pytest.mark.parametrize("name", SEALED)
@pytest.mark.parametrize("way", ["pushed", "by value"])
def test_request_that_was_encrypted_otherwise_is_refused(
    world: World, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    """invalid solely because of the means of encryption (row 69), under which it is sound."""
    monkeypatch.setattr(test_encrypted_request, "KEY", signing.private_key("request"))
    sound = test_encrypted_request.rewritten(plaintext=rp.signed())
    assert world.push(request=sound).status_code == 201
    PushedRequest.objects.all().delete()
    sealed = test_encrypted_request.rewritten(plaintext=rp.signed(), **SEALED[name])
    if way == "pushed":
        assert error_of(world.push(request=sealed)) == (400, "invalid_request_object")
    else:
        assert code_on(enter(world, sealed)) == "invalid_request_object"
    assert not PushedRequest.objects.exists()


def test_encryption_is_no_signature(world: World, rp: RelyingParty) -> None:
    """invalid solely because what was sealed to us is signed by nobody (row 69)."""
    recipient = signing.private_key("request").public
    unsigned = UNSIGNED + rp.signed().split(".")[1] + "."
    for inside in (unsigned, json.dumps(rp.request())):
        sealed = encrypted_request.seal_request(inside, recipient=recipient)
        assert error_of(world.push(request=sealed)) == (400, "invalid_request_object")
        assert code_on(enter(world, sealed)) == "invalid_request_object"


# --- keys (row 70) -------------------------------------------------------------------------------------------------


def _rsa(bits: int, exponent: int) -> dict[str, Any]:
    modulus = rsa.generate_private_key(65537, bits).public_key().public_numbers().n
    numbers = {"n": modulus, "e": exponent}
    return {
        "kty": "RSA",
        **{
            name: strict_json.b64encode(value.to_bytes((value.bit_length() + 7) // 8))
            for name, value in numbers.items()
        },
    }


def weak_keys() -> dict[str, dict[str, Any]]:
    ours, other = keys.generate(), keys.generate()
    point = {name: value for name, value in ours.public.jwk().items() if name != "kid"}
    return {
        "point off the curve": {**point, "y": other.public.jwk()["y"]},
        "short modulus": _rsa(1024, 65537),
        "exponent one": _rsa(2048, 1),
        "small order": {"kty": "OKP", "crv": "Ed25519", "x": strict_json.b64encode((1).to_bytes(32, "little"))},
        "private member": {name: value for name, value in ours.jwk().items() if name != "kid"},
        "symmetric": {"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAA"},
    }


WEAK = weak_keys()


@pytest.mark.parametrize("name", WEAK)
def test_client_of_a_chain_with_a_weak_key_is_refused(world: World, name: str) -> None:
    """invalid solely because of one key of its set, beside a sound one (row 70)."""
    who = world.messenger
    jwks = {"keys": [*who.metadata()["jwks"]["keys"], {**WEAK[name], "kid": "weak"}]}
    who.entity.metadata = {"openid_relying_party": who.metadata(jwks=jwks)}
    assert error_of(world.push()) == (400, "invalid_metadata")
    assert not Client.objects.exists()


@pytest.mark.parametrize("name", WEAK)
def test_client_that_registers_itself_with_a_weak_key_is_refused(anybody: Registrant, name: str) -> None:
    """invalid solely because of one key of its set, beside a sound one (row 70)."""
    sound = keys.generate().public.jwk()
    jwks = {"keys": [sound, {**WEAK[name], "kid": "weak"}]}
    refused = anybody.register(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    assert refusal(refused) == (400, "invalid_client_metadata")
    assert anybody.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [sound]}).status_code == 201


# --- who is known here (row 74) ------------------------------------------------------------------------------------


def test_hint_does_not_tell_who_has_an_account(world: World) -> None:
    """invalid solely if an answer differed: whoever pushes a request would learn who travels (row 74)."""
    registration.with_password(username="known.person", display_name="", password="a long and quiet word")
    seen = []
    for name in ("known.person", "nobody.at.all"):
        answered = world.push(world.messenger.request(login_hint=name))
        body = answered.json()
        page = world.open(body.pop("request_uri"))
        location = page["Location"].replace(name, "NAME")
        shown = world.browser.get(page["Location"]).content.decode().replace(name, "NAME")
        seen.append((answered.status_code, body, page.status_code, location.split("request_uri")[0], len(shown)))
    assert seen[0][:4] == seen[1][:4]
    assert abs(seen[0][4] - seen[1][4]) < 8  # but for the request's own identifier and token, which are as long


def test_expected_subject_does_not_tell_who_has_an_account(world: World) -> None:
    """invalid solely if an answer differed: a subject that is somebody's and one that is nobody's (row 74)."""
    mine = subjects.pairwise(sector="messenger.example", traveller_id=world.traveller.pk)
    seen = []
    for sub in (mine, "A" * 43):
        claims = {"id_token": {"sub": {"value": sub}}}
        answered = world.push(world.messenger.request(claims=claims))
        page = world.open(answered.json()["request_uri"])
        seen.append((answered.status_code, page.status_code, page["Location"].split("?")[0]))
    assert seen[0] == seen[1] == (201, 303, "/account/login")

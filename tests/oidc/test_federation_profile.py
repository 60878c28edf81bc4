"""Tokens of conventional relying parties: what they get, and what is not theirs (rows 40, 50)."""

import json
from typing import Any

import pytest

from idp.accounts.models import Device
from idp.federation import entities, signing
from idp.oidc import access, issuance
from idp.oidc import tokens as made
from idp.oidc.errors import OAuthError
from idp.oidc.models import AuthorizationCode, Client, Grant
from idp.protocol import jws, keys, pkce
from tests.oidc.relying_party import RelyingParty, client, code, enter, kept, tokens
from tests.oidc.test_access import problem_of, request
from tests.oidc.world import NODE, VERIFIER, World, error_of
from tests.simulators.federation import REMOVE


def test_bearer_token_and_rs256_by_default(world: World, rp: RelyingParty) -> None:
    """OpenID Connect Core §15.1: what a relying party expects that has never heard of DPoP."""
    token = tokens(world)
    assert token["token_type"] == "Bearer" and token["scope"] == "openid"
    verified = jws.verify(token["id_token"], made.ID_TOKEN, signing.published("oidc"), now=world.now)
    assert verified.header["alg"] == "RS256" and verified.claims["aud"] == rp.client_id
    assert (verified.claims["iss"], verified.claims["nonce"]) == (NODE, "n" * 64)
    said = world.userinfo(token["access_token"], scheme="Bearer", proof=None)
    assert said.json() == {"sub": verified.claims["sub"]}
    assert not Device.objects.exists()  # nobody's phone


def test_relying_party_may_ask_for_es256(world: World, rp: RelyingParty) -> None:
    """A registered algorithm that is not kept to fails at every relying party."""
    rp.says(id_token_signed_response_alg="ES256")
    header = jws.parse_unverified(tokens(world)["id_token"], made.ID_TOKEN).header
    assert header["alg"] == "ES256" and header["kid"] == signing.signer("oidc", algorithm="ES256").kid


def test_wallet_keeps_es256_whatever_it_says(world: World) -> None:
    """FAPI 2.0 §5.4.1 leaves RS256 out."""
    world.messenger.entity.metadata["openid_relying_party"]["id_token_signed_response_alg"] = "RS256"
    assert jws.parse_unverified(world.tokens()["id_token"], made.ID_TOKEN).header["alg"] == "ES256"


def test_wallet_gets_no_bearer_token(world: World) -> None:
    """invalid solely because the border profile wants a proof."""
    assert error_of(world.redeem(world.code(), proof=None)) == (400, "invalid_request")


def test_proof_that_is_offered_binds(world: World, rp: RelyingParty) -> None:
    """invalid solely because the scheme is another than the token's, in either direction (row 50)."""
    bound = tokens(world, proof=rp.proof("/oidc/token"))["access_token"]
    claims = jws.parse_unverified(bound, made.ACCESS_TOKEN).claims
    assert claims["cnf"] == {"jkt": rp.jkt}
    assert world.userinfo(bound).status_code == 200
    refused = world.userinfo(bound, scheme="Bearer", proof=None)
    assert problem_of(refused) == (401, "invalid_token") and refused["WWW-Authenticate"].startswith("Bearer error=")
    assert problem_of(world.userinfo(bound, proof=None)) == (401, "invalid_dpop_proof")
    stranger = rp.proof("/oidc/userinfo", method="GET", access_token=bound, key=keys.generate())
    assert problem_of(world.userinfo(bound, proof=stranger)) == (401, "invalid_dpop_proof")
    free = tokens(world)["access_token"]
    assert "cnf" not in jws.parse_unverified(free, made.BEARER_TOKEN).claims
    assert problem_of(world.userinfo(free)) == (401, "invalid_token")
    assert not Device.objects.exists()


def test_one_key_may_serve_many_travellers(world: World, rp: RelyingParty) -> None:
    """A relying party's key is no phone: the second traveller's login would fail as another's device."""
    from idp.accounts.models import Account, Traveller

    assert tokens(world, proof=rp.proof("/oidc/token"))["token_type"] == "DPoP"
    account = Account.objects.create_user("siu", "a long enough password")
    world.traveller = Traveller.objects.create(account=account)
    assert tokens(world, proof=rp.proof("/oidc/token"))["token_type"] == "DPoP"


def test_key_named_in_the_request_binds_the_code(world: World, rp: RelyingParty) -> None:
    """invalid solely because no proof, or another key's, comes with the code (RFC 9449 §10)."""
    given = code(world, rp.request(dpop_jkt=rp.jkt))
    assert error_of(world.redeem(given, proof=None, code_verifier=REMOVE)) == (400, "invalid_grant")
    stranger = rp.proof("/oidc/token", key=keys.generate())
    assert error_of(world.redeem(given, proof=stranger, code_verifier=REMOVE)) == (400, "invalid_grant")
    assert world.redeem(given, code_verifier=REMOVE).json()["token_type"] == "DPoP"


def test_client_that_promised_bound_tokens_gets_no_other(world: World, rp: RelyingParty) -> None:
    """invalid solely because its metadata says dpop_bound_access_tokens (RFC 9449 §5.2)."""
    rp.says(dpop_bound_access_tokens=True)
    assert error_of(world.redeem(code(world), proof=None, code_verifier=REMOVE)) == (400, "invalid_request")


def test_bearer_token_opens_userinfo_only(world: World, rp: RelyingParty) -> None:
    """invalid solely because `require` is for what a traveller consented to in detail."""
    for token, scheme in ((tokens(world)["access_token"], "Bearer"), (tokens(world)["access_token"], "DPoP")):
        asked = request(world, token)
        asked.META["HTTP_AUTHORIZATION"] = f"{scheme} {token}"
        with pytest.raises(access.UnableToAuthorize) as caught:
            access.require(asked)
        assert caught.value.code == "invalid_token"
    bound = tokens(world, proof=rp.proof("/oidc/token"))["access_token"]
    with pytest.raises(access.UnableToAuthorize):  # nor does a bound one: the relying party's key is no phone
        access.require(request(world, bound))


@pytest.mark.parametrize("end", ["grant", "client", "account", "time"])
def test_bearer_token_ends_with_what_it_hangs_on(
    world: World, rp: RelyingParty, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """invalid solely because grant, client or account ended, or an hour passed."""
    token = tokens(world)["access_token"]
    if end == "grant":
        Grant.objects.update(revoked_at=world.now)
    elif end == "client":
        Client.objects.update(disabled=True)
    elif end == "account":
        world.traveller.account.is_active = False
        world.traveller.account.save()
    else:
        monkeypatch.setattr("idp.clock.now", lambda: world.now + 3600)
    refused = world.userinfo(token, scheme="Bearer", proof=None)
    assert problem_of(refused) == (401, "invalid_token") and refused["WWW-Authenticate"].startswith("Bearer ")


def test_id_token_is_no_bearer_token(world: World, rp: RelyingParty) -> None:
    """invalid solely because it is an id token (row 68)."""
    refused = world.userinfo(tokens(world)["id_token"], scheme="Bearer", proof=None)
    assert problem_of(refused) == (401, "invalid_token")


def test_challenge_that_is_sent_is_kept_to(world: World, rp: RelyingParty) -> None:
    """invalid solely because of the verifier: missing, wrong, or for a request without challenge (row 40)."""
    pkce_request = rp.request(code_challenge=pkce.challenge_of(VERIFIER), code_challenge_method="S256")
    given = code(world, pkce_request)
    for verifier in (REMOVE, "w" * 43):
        assert error_of(world.redeem(given, proof=None, code_verifier=verifier)) == (400, "invalid_grant")
    assert world.redeem(given, proof=None).status_code == 200
    assert error_of(world.redeem(code(world), proof=None)) == (400, "invalid_grant")


def test_code_of_a_wallet_without_challenge_is_worth_nothing(world: World) -> None:
    """invalid solely because the challenge is missing, wherever it got lost: PAR is not the only guard."""
    given = world.code()
    AuthorizationCode.objects.update(code_challenge=None)
    assert error_of(world.redeem(given, code_verifier=REMOVE)) == (400, "invalid_grant")


def test_refresh_token_only_for_who_registered_for_it(world: World, rp: RelyingParty) -> None:
    """invalid solely because the metadata does not name the grant type."""
    token = tokens(world)
    again = world.refresh(token["refresh_token"], proof=None)
    assert again.status_code == 200 and again.json()["token_type"] == "Bearer"
    rp.says(grant_types=["authorization_code"])
    entities.forget(rp.client_id)
    assert "refresh_token" not in tokens(world)


def test_grant_once_bound_is_refreshed_with_its_key_only(world: World, rp: RelyingParty) -> None:
    """invalid solely because a thief of the client's key leaves the proof out (row 52)."""
    token = tokens(world, proof=rp.proof("/oidc/token"))["refresh_token"]
    assert error_of(world.refresh(token, proof=None)) == (400, "invalid_grant")
    assert world.refresh(token).json()["token_type"] == "DPoP"


def test_no_bearer_token_comes_of_a_bound_grant(world: World, rp: RelyingParty) -> None:
    """invalid solely because the key was bound between the check and the token; storing is guarded once more."""
    tokens(world, proof=rp.proof("/oidc/token"))
    grant = Grant.objects.select_related("client").get()
    for jkt in (None, "x" * 43):
        with pytest.raises(OAuthError) as caught:
            issuance._bound(grant, jkt)
        assert caught.value.error == "invalid_grant"


def test_no_border_token_for_another_profile(world: World, rp: RelyingParty) -> None:
    """invalid solely because the client is no wallet: pushed, at the token endpoint or at refresh."""
    assert error_of(world.push(rp.request(authorization_details=[rp.detail()]))) == (
        400,
        "invalid_authorization_details",
    )
    details = json.dumps([rp.detail()])
    refused = world.redeem(code(world), proof=None, code_verifier=REMOVE, authorization_details=details)
    assert error_of(refused) == (400, "invalid_authorization_details")


def test_client_that_becomes_a_wallet_stays_one(world: World, rp: RelyingParty) -> None:
    """Nobody weakens itself: neither by leaving the type out nor by asking for less."""
    kept(enter(world))
    assert client().profile == "federation"
    rp.says(authorization_details_types=["border_crossing"])
    entities.forget(rp.client_id)
    world.push()
    assert client().profile == "border"
    rp.says()
    entities.forget(rp.client_id)
    world.push()
    assert client().profile == "border"


def test_pushing_works_with_assertion_and_with_request_object_alone(world: World, rp: RelyingParty) -> None:
    """OpenID Federation §12.1.1.2: either proves the relying party's key; RS256 will do."""
    assert world.push(request=REMOVE, **rp.request()).status_code == 201
    assert world.push().status_code == 201
    alone = world.post("/oidc/par", {"client_id": rp.client_id, "request": rp.signed()})
    assert alone.status_code == 201
    text = rp.signed()
    assert world.post("/oidc/par", {"request": text}).status_code == 201
    assert error_of(world.post("/oidc/par", {"request": text})) == (400, "invalid_request_object")
    other = {"client_id": "https://other.example", "request": rp.signed()}
    assert error_of(world.post("/oidc/par", other)) == (400, "invalid_request_object")


def test_pushed_request_object_alone_is_not_enough_for_a_wallet(world: World) -> None:
    """invalid solely because FAPI 2.0 wants the client authenticated."""
    who = world.messenger
    sent = {"client_id": who.client_id, "request": who.signed()}
    assert error_of(world.post("/oidc/par", sent)) == (401, "invalid_client")


def test_trust_errors_are_named_at_par(world: World, rp: RelyingParty) -> None:
    """§12.1.3: a pushed request is answered to the client's server, which may know."""
    rp.says(id_token_signed_response_alg="HS256")
    assert error_of(world.push()) == (400, "invalid_metadata")
    entities.end_subordinate(entity_id=rp.client_id, now=world.now)
    assert error_of(world.post("/oidc/par", {"request": rp.signed()})) == (404, "invalid_trust_anchor")


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_signed_response_alg": "none"},
        {"id_token_encrypted_response_alg": "ECDH-ES"},
        {"userinfo_encrypted_response_alg": "ECDH-ES"},
        {"userinfo_signed_response_alg": "HS256"},
        {"authorization_signed_response_alg": "HS256"},
        {"response_types": ["code id_token"]},
        {"response_types": 5},
        {"client_registration_types": 5},
    ],
)
def test_answers_that_we_do_not_give_are_refused_at_once(
    world: World, rp: RelyingParty, changes: dict[str, Any]
) -> None:
    """invalid solely because the client waits for an answer that it would not get."""
    rp.says(**changes)
    assert error_of(world.push()) == (400, "invalid_metadata")


def test_consent_page_names_the_relying_party_and_offers_no_phone(world: World, rp: RelyingParty) -> None:
    """The page told of a phone to revoke, and there is none."""
    world.log_in()
    page = world.open(kept(enter(world))).content.decode()
    assert "Relying Party" in page and "revoke the phone" not in page

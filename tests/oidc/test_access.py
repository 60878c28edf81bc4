"""What must not open a protected endpoint: another token, another key, another time (rows 46 to 50, 60, 68)."""

from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from idp.accounts import devices
from idp.accounts.models import Account, Device
from idp.federation import signing
from idp.oidc import access, grants, tokens
from idp.oidc.models import Client, Grant
from idp.protocol import jws, keys
from tests.oidc.world import NODE, World
from tests.simulators.federation import REMOVE

MFA = "urn:causeway:acr:mfa"


def problem_of(response: HttpResponse) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json" and response["Cache-Control"] == "no-store"
    return response.status_code, response.json()["code"]


def request(world: World, token: str) -> HttpRequest:
    proof = world.messenger.proof("/border/v1/tokens", access_token=token)
    return RequestFactory().post("/border/v1/tokens", headers={"Authorization": f"DPoP {token}", "DPoP": proof})


def resigned(world: World, *, typ: str = "at+jwt", use: str = "oidc", **changes: Any) -> str:
    """The token with other claims, signed by this node."""
    claims = jws.parse_unverified(world.tokens()["access_token"], tokens.ACCESS_TOKEN).claims
    kept = {name: value for name, value in {**claims, **changes}.items() if value is not REMOVE}
    return jws.sign(tokens.ACCESS_TOKEN, kept, signing.signer(use), {"typ": typ})


def test_access_says_who_and_what(world: World) -> None:
    """A gatekeeper that refuses everything would pass all the others."""
    token = world.tokens()
    granted = access.require(request(world, token["access_token"]), acr=MFA, max_age=60)
    assert granted.traveller == world.traveller and granted.account == world.traveller.account
    assert granted.jkt == world.messenger.jkt and granted.client_id == world.messenger.client_id
    assert granted.authorization_details == token["authorization_details"]
    assert granted.grant_id == Grant.objects.get().pk


def test_no_credentials_get_the_bare_challenge(world: World) -> None:
    """RFC 6750 §3.1: no error code for somebody who did not try."""
    response = world.machine.get("/oidc/userinfo")
    assert problem_of(response) == (401, "invalid_token")
    assert response["WWW-Authenticate"] == 'DPoP algs="ES256 EdDSA PS256"'


@pytest.mark.parametrize("where", ["query", "body"])
def test_token_outside_the_header_is_not_looked_at(world: World, where: str) -> None:
    """invalid solely because the token is in the URL or the form (row 50)."""
    token = world.tokens()["access_token"]
    proof = world.messenger.proof("/oidc/userinfo", method="GET", access_token=token)
    if where == "query":
        response = world.machine.get("/oidc/userinfo", {"access_token": token}, headers={"DPoP": proof})
    else:
        response = world.machine.post("/oidc/userinfo", {"access_token": token}, headers={"DPoP": proof})
    assert problem_of(response) == (401, "invalid_token")


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "DPoP x"])
def test_other_schemes_are_refused(world: World, scheme: str) -> None:
    """invalid solely because a bound token comes as a bearer token (row 50)."""
    response = world.userinfo(world.tokens()["access_token"], scheme=scheme)
    assert problem_of(response) == (401, "invalid_token")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_id_token_opens_nothing(world: World) -> None:
    """invalid solely because it is an id token (row 68)."""
    assert problem_of(world.userinfo(world.tokens()["id_token"])) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": "border-token+jwt"},
        {"use": "border"},
        {"use": "federation"},
        {"aud": "http://mo.localhost:8003"},
        {"aud": [NODE]},
        {"iss": "http://mo.localhost:8003"},
        {"exp": 1_800_000_000},
        {"iat": 1_800_000_000 + 60},
        {"cnf": REMOVE},
        {"cnf": {}},
        {"grant": REMOVE},
        {"grant": "00000000-0000-0000-0000-000000000000"},
        {"client_id": REMOVE},
    ],
)
def test_token_that_is_not_for_this_node_is_refused(world: World, changes: dict[str, Any]) -> None:
    """invalid solely because of one thing about the token (RFC 9068 §4)."""
    response = world.userinfo(resigned(world, **changes))
    assert problem_of(response) == (401, "invalid_token")


def test_token_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because its hour is over."""
    token = world.tokens()["access_token"]
    later = world.now + tokens.ACCESS_LIFETIME
    monkeypatch.setattr("idp.clock.now", lambda: later)
    assert problem_of(world.userinfo(token, now=later)) == (401, "invalid_token")


@pytest.mark.parametrize(
    "options",
    [
        {"method": "POST"},
        {"url": f"{NODE}/oidc/token"},
        {"access_token": "another"},
        {"access_token": None},
        {"key": keys.generate()},
        {"now": 1_800_000_000 - 3600},
        {"now": 1_800_000_000 + 3600},
        {"proof": None},
        {"proof": "x"},
    ],
)
def test_proof_that_does_not_hold_is_refused_and_the_token_stays_good(world: World, options: dict[str, Any]) -> None:
    """invalid solely because of one thing about the proof (rows 46 to 50)."""
    token = world.tokens()["access_token"]
    response = world.userinfo(token, **options)
    assert problem_of(response) == (401, "invalid_dpop_proof")
    assert 'error="invalid_dpop_proof"' in response["WWW-Authenticate"]
    assert world.userinfo(token).status_code == 200


def test_proof_is_accepted_once(world: World) -> None:
    """invalid solely because its jti was seen (row 48)."""
    token = world.tokens()["access_token"]
    proof = world.messenger.proof("/oidc/userinfo", method="GET", access_token=token)
    assert world.userinfo(token, proof=proof).status_code == 200
    assert problem_of(world.userinfo(token, proof=proof)) == (401, "invalid_dpop_proof")


def test_query_of_the_request_does_not_matter_to_the_proof(world: World) -> None:
    """RFC 9449 §4.2: htu has neither query nor fragment."""
    assert world.userinfo(world.tokens()["access_token"], path="/oidc/userinfo?a=b").status_code == 200


def test_revoked_grant_opens_nothing(world: World) -> None:
    """invalid solely because the grant was revoked a moment ago."""
    token = world.tokens()["access_token"]
    assert grants.revoke(grant=Grant.objects.get(), actor="test", reason="test", now=world.now)
    assert not grants.revoke(grant=Grant.objects.get(), actor="test", reason="test", now=world.now)
    assert problem_of(world.userinfo(token)) == (401, "invalid_token")


def test_revoked_phone_opens_nothing(world: World) -> None:
    """invalid solely because the traveller revoked the phone."""
    token = world.tokens()["access_token"]
    devices.revoke(device=Device.objects.get(), actor="test")
    assert problem_of(world.userinfo(token)) == (403, "device_revoked")


@pytest.mark.parametrize("ended", ["account", "client"])
def test_ended_account_or_client_opens_nothing(world: World, ended: str) -> None:
    """invalid solely because the account was closed, or an officer stopped the client."""
    token = world.tokens()["access_token"]
    if ended == "account":
        Account.objects.update(is_active=False)
    else:
        Client.objects.update(disabled=True)
    assert problem_of(world.userinfo(token)) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("changes", "needed", "header"),
    [
        ({"acr": "urn:causeway:acr:pwd"}, {"acr": MFA}, f'acr_values="{MFA}"'),
        ({"auth_time": 1_800_000_000 - 301}, {"max_age": 300}, 'max_age="300"'),
        ({}, {"acr": "urn:causeway:acr:unknown"}, "acr_values"),
    ],
)
def test_weak_or_old_authentication_asks_for_more(
    world: World, changes: dict[str, Any], needed: dict[str, Any], header: str
) -> None:
    """invalid solely because of level or age (row 60, RFC 9470 §3)."""
    with pytest.raises(access.UnableToAuthorize) as caught:
        access.require(request(world, resigned(world, **changes)), **needed)
    assert (caught.value.status_code, caught.value.code) == (401, "insufficient_user_authentication")
    challenge = caught.value.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge and header in challenge


def test_inside_a_transaction_it_refuses_to_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback would give a spent proof back."""
    token = world.tokens()["access_token"]
    with pytest.raises(RuntimeError), transaction.atomic():
        access.require(request(world, token))

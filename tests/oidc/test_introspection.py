"""Introspection (RFC 7662, RFC 9701): who is concerned learns what it needs, everybody else nothing."""

from typing import Any

import pytest
from django.http import HttpResponse

from idp.accounts import devices
from idp.accounts.models import Account, Device
from idp.federation import signing
from idp.oidc import client_metadata, introspection
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant, RefreshToken
from idp.protocol import jws
from tests.oidc import relying_party
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.resource_server import RESOURCE, ResourceServer, introspected
from tests.oidc.world import NODE, World, error_of

DEAD = {"active": False}


def by_assertion(world: World, token: str, **headers: str) -> HttpResponse:
    return world.post("/oidc/introspect", world.messenger.authenticated(token=token), headers=headers)


@pytest.fixture
def api(world: World) -> ResourceServer:
    signing.ensure_key(use="oidc", algorithm="RS256")
    return ResourceServer(world)


@pytest.fixture
def reader(basic: BasicParty) -> BasicParty:
    """A client that speaks for itself."""
    basic.says(grant_types=["client_credentials"], scope="report:read")
    return basic


def own_token(reader: BasicParty, resource: str = RESOURCE) -> str:
    response = reader.post("/oidc/token", {"grant_type": "client_credentials", "resource": resource})
    return str(response.json()["access_token"])


def test_client_learns_of_its_own_access_token(basic: BasicParty) -> None:
    got = basic.tokens()
    answer = introspected(basic, got["access_token"])
    sub = basic.world.userinfo(got["access_token"], scheme="Bearer", proof=None).json()["sub"]
    now = basic.world.now
    assert answer == {
        "active": True,
        "iss": NODE,
        "sub": sub,
        "aud": NODE,
        "client_id": "basic-party",
        "exp": now + 3600,
        "iat": now,
        "jti": answer["jti"],
        "scope": "openid",
        "acr": "urn:causeway:acr:mfa",
        "auth_time": now,
        "token_type": "Bearer",
    }


def test_bound_token_is_told_with_its_key_and_details(world: World) -> None:
    """A resource that does not learn the key cannot check the proof (RFC 9449 §6.2, RFC 9396 §9.2)."""
    got = world.tokens()
    answer = by_assertion(world, got["access_token"]).json()
    assert answer["cnf"] == {"jkt": world.messenger.jkt} and answer["token_type"] == "DPoP"
    assert answer["authorization_details"] == got["authorization_details"]
    assert "grant" not in answer


def test_client_learns_of_its_own_refresh_token(world: World) -> None:
    token = world.tokens()["refresh_token"]
    answer = by_assertion(world, token).json()
    assert answer["active"] is True and answer["client_id"] == world.messenger.client_id
    assert answer["exp"] == world.now + 30 * 86_400 and answer["cnf"] == {"jkt": world.messenger.jkt}
    assert "token_type" not in answer and "aud" not in answer


def test_resource_learns_of_tokens_for_itself(reader: BasicParty, api: ResourceServer) -> None:
    """What introspection is for."""
    answer = introspected(api, own_token(reader))
    assert answer["active"] is True and answer["aud"] == RESOURCE and answer["sub"] == "basic-party"
    assert answer["scope"] == "report:read" and "acr" not in answer


def test_stranger_learns_nothing(reader: BasicParty, api: ResourceServer) -> None:
    """invalid solely because the token is neither the caller's nor for a resource of its (row 66)."""
    token = own_token(reader, NODE)
    assert introspected(reader, token)["active"] is True
    assert introspected(api, token) == DEAD


def test_resource_learns_nothing_of_refresh_tokens(world: World, api: ResourceServer) -> None:
    """invalid solely because a refresh token is for us alone."""
    assert introspected(api, world.tokens()["refresh_token"]) == DEAD


def test_caller_is_authenticated(basic: BasicParty) -> None:
    """invalid solely because nobody says who asks; a token would be told to whoever has stolen it."""
    token = basic.tokens()["access_token"]
    form = {"token": token}
    assert error_of(basic.post("/oidc/introspect", form, authorization=None)) == (401, "invalid_client")
    wrong = basic.basic(secret="wrong")
    assert error_of(basic.post("/oidc/introspect", form, authorization=wrong)) == (401, "invalid_client")


def test_request_is_a_form_with_a_token(basic: BasicParty) -> None:
    """invalid solely because the token is missing, or in the URL where logs keep it."""
    assert error_of(basic.post("/oidc/introspect", {})) == (400, "invalid_request")
    assert error_of(basic.post("/oidc/introspect?token=x", {"token": "x"})) == (400, "invalid_request")
    assert error_of(basic.world.machine.get("/oidc/introspect")) == (405, "invalid_request")


def test_disabled_caller_is_refused(basic: BasicParty) -> None:
    """invalid solely because an officer stopped the caller."""
    token = basic.tokens()["access_token"]
    Client.objects.update(disabled=True)
    assert error_of(basic.post("/oidc/introspect", {"token": token})) == (400, "unauthorized_client")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_hint_is_a_hint(basic: BasicParty, hint: str) -> None:
    """RFC 7662 §2.1: a wrong one must not hide the token."""
    got = basic.tokens()
    assert introspected(basic, got["access_token"], token_type_hint=hint)["active"] is True
    assert introspected(basic, got["refresh_token"], token_type_hint=hint)["active"] is True


@pytest.mark.parametrize("text", ["x", "a.b.c", "é", "." * 40_000, "x" * 40_000])
def test_what_is_no_token_is_inactive(basic: BasicParty, text: str) -> None:
    """invalid solely because it is not a token of ours."""
    assert introspected(basic, text) == DEAD


def test_id_token_is_no_access_token(basic: BasicParty) -> None:
    """invalid solely because of its typ (row 68)."""
    assert introspected(basic, basic.tokens()["id_token"]) == DEAD


def test_token_dies_with_its_time(basic: BasicParty, monkeypatch: pytest.MonkeyPatch) -> None:
    """invalid solely because an hour has passed; the refresh token has a month."""
    got = basic.tokens()
    monkeypatch.setattr("idp.clock.now", lambda: basic.world.now + 3600)
    assert introspected(basic, got["access_token"]) == DEAD
    assert introspected(basic, got["refresh_token"])["active"] is True
    monkeypatch.setattr("idp.clock.now", lambda: basic.world.now + 30 * 86_400)
    assert introspected(basic, got["refresh_token"]) == DEAD


@pytest.mark.parametrize(
    "end",
    [
        lambda: Grant.objects.update(revoked_at=1_800_000_000),
        lambda: Account.objects.update(is_active=False),
        lambda: devices.revoke(device=Device.objects.get(), actor="test"),
    ],
)
@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_token_dies_with_what_it_hangs_on(world: World, end: Any, name: str) -> None:
    """invalid solely because the grant, the account or the phone has ended (row 66)."""
    token = world.tokens()[name]
    assert by_assertion(world, token).json()["active"] is True
    end()
    assert by_assertion(world, token).json() == DEAD


def test_token_dies_with_its_client(reader: BasicParty, api: ResourceServer) -> None:
    """invalid solely because an officer stopped the client that holds the token."""
    token = own_token(reader)
    Client.objects.filter(client_id="basic-party").update(disabled=True)
    assert introspected(api, token) == DEAD


def test_key_of_a_relying_party_is_no_phone(rp: RelyingParty, world: World) -> None:
    """A conventional client has no enrolled device; its tokens live without one."""
    assert by_assertion(world, relying_party.tokens(world)["access_token"]).json()["active"] is True
    assert not Device.objects.exists()


def test_rotated_refresh_token_is_inactive(basic: BasicParty) -> None:
    """invalid solely because another took its place."""
    token = basic.tokens()["refresh_token"]
    RefreshToken.objects.update(rotated_at=basic.world.now)
    assert introspected(basic, token) == DEAD


def signed(response: HttpResponse) -> jws.Parsed:
    assert response.status_code == 200 and response["Content-Type"] == introspection.SIGNED
    text = response.content.decode()
    jws.verify(text, introspection.RESPONSE, signing.published("oidc"), now=1_800_000_000)
    return jws.parse_unverified(text, introspection.RESPONSE)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_answer_is_signed_where_that_is_preferred(reader: BasicParty, api: ResourceServer, algorithm: str) -> None:
    """RFC 9701 §5: for the caller alone, and with the algorithm that it registered."""
    api.says(introspection_signed_response_alg=algorithm)
    headers = {"Accept": introspection.SIGNED, "Authorization": api.basic()}
    parsed = signed(api.world.post("/oidc/introspect", {"token": own_token(reader)}, headers=headers))
    assert (parsed.header["alg"], parsed.header["typ"]) == (algorithm, "token-introspection+jwt")
    assert set(parsed.claims) == {"iss", "aud", "iat", "token_introspection"}
    assert (parsed.claims["iss"], parsed.claims["aud"]) == (NODE, "api")
    assert parsed.claims["token_introspection"]["aud"] == RESOURCE
    dead = signed(api.world.post("/oidc/introspect", {"token": "x"}, headers=headers))
    assert dead.claims["token_introspection"] == DEAD


def test_default_algorithm_is_by_profile(world: World, api: ResourceServer, rp: RelyingParty) -> None:
    """RFC 9701 §6: RS256 where the client says nothing."""
    headers = {"Accept": introspection.SIGNED, "Authorization": api.basic()}
    assert signed(api.world.post("/oidc/introspect", {"token": "x"}, headers=headers)).header["alg"] == "RS256"
    assert signed(by_assertion(world, "x", Accept=introspection.SIGNED)).header["alg"] == "RS256"


def test_wallet_is_answered_without_rs256(world: World) -> None:
    """FAPI 2.0 §5.4.1, whatever the client registered."""
    world.messenger.entity.metadata["openid_relying_party"]["introspection_signed_response_alg"] = "RS256"
    assert signed(by_assertion(world, "x", Accept=introspection.SIGNED)).header["alg"] == "ES256"


@pytest.mark.parametrize("accept", ["*/*", "application/json", f"{introspection.SIGNED};q=0.1, application/json"])
def test_answer_is_json_otherwise(basic: BasicParty, accept: str) -> None:
    """A client that asks for nothing special reads JSON (RFC 9701 §4)."""
    headers = {"Accept": accept, "Authorization": basic.basic()}
    response = basic.world.post("/oidc/introspect", {"token": "x"}, headers=headers)
    assert response["Content-Type"] == "application/json" and response.json() == DEAD


@pytest.mark.parametrize(
    "changes", [{"introspection_signed_response_alg": "PS256"}, {"introspection_encrypted_response_alg": "RSA-OAEP"}]
)
def test_answer_that_we_do_not_give_is_refused_at_registration(changes: dict[str, str]) -> None:
    """invalid solely because the client would wait for it in vain."""
    with pytest.raises(OAuthError) as caught:
        client_metadata.check_answers(changes)
    assert caught.value.error == "invalid_metadata"

"""Client credentials (RFC 6749 §4.4): a client that speaks for itself, and for no traveller."""

from typing import Any

import pytest
from django.http import HttpResponse

from idp.audit.models import AuditEvent
from idp.federation import signing
from idp.oidc import replay, tokens
from idp.oidc.models import Client, Grant, RefreshToken, UsedOnce
from idp.protocol import jws
from tests.oidc.basic_party import BasicParty
from tests.oidc.relying_party import RelyingParty
from tests.oidc.world import NODE, Messenger, World, error_of

RESOURCE = "https://api.example/v1"
SPEAKS = {"grant_types": ["client_credentials"], "scope": "openid report:read report:write"}


def ask(basic: BasicParty, *, proof: str | None = None, **form: str) -> HttpResponse:
    return basic.post("/oidc/token", {"grant_type": "client_credentials", **form}, proof=proof)


def by_assertion(world: World, *, proof: Any = ..., **form: str) -> HttpResponse:
    who = world.messenger
    proof = who.proof("/oidc/token") if proof is ... else proof
    return world.post("/oidc/token", who.authenticated(grant_type="client_credentials", **form), proof=proof)


def claims_of(response: HttpResponse, *, audience: str = NODE) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    token = response.json()["access_token"]
    claims = jws.verify(token, tokens.CLIENT_TOKEN, signing.published("oidc"), now=1_800_000_000).claims
    assert claims["aud"] == audience
    return dict(claims)


@pytest.fixture
def speaker(basic: BasicParty) -> BasicParty:
    basic.says(**SPEAKS)
    return basic


@pytest.fixture
def server(world: World) -> Messenger:
    """A server of the profile border, registered by an officer: no phone, and no trust chain."""
    who = world.messenger
    metadata = {**who.metadata(), **SPEAKS}
    del metadata["authorization_details_types"]
    row = {"profile": "border", "registration": "admin", "metadata": metadata, "sector": "messenger.example"}
    Client.objects.create(client_id=who.client_id, created_at=world.now, **row)
    return who


def test_client_gets_a_token_for_itself(speaker: BasicParty) -> None:
    """No grant, no traveller, no level: whoever looks for one must not find one."""
    response = ask(speaker)
    claims = claims_of(response)
    assert set(claims) == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"}
    assert claims["sub"] == claims["client_id"] == "basic-party"
    body = response.json()
    assert body.items() >= {"token_type": "Bearer", "expires_in": 3600, "scope": "report:read report:write"}.items()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert not Grant.objects.exists() and not RefreshToken.objects.exists()


def test_token_is_recorded(speaker: BasicParty) -> None:
    """A token that the audit does not know of."""
    ask(speaker)
    event = AuditEvent.objects.get(kind="oidc.token_issued")
    assert (event.actor, event.subject) == ("client:basic-party", "client:basic-party")
    assert event.data == {"grant_type": "client_credentials", "jkt": None}


@pytest.mark.parametrize(
    ("asked", "granted"),
    [("report:read", "report:read"), ("report:write other", "report:write"), ("openid report:read", "report:read")],
)
def test_scope_is_what_was_registered_of_what_is_asked(speaker: BasicParty, asked: str, granted: str) -> None:
    """The scopes of OpenID Connect are of travellers, and an unregistered one is nobody's."""
    response = ask(speaker, scope=asked)
    assert claims_of(response)["scope"] == response.json()["scope"] == granted


@pytest.mark.parametrize("asked", ["other", "openid", "report"])
def test_scope_of_which_nothing_is_left_is_refused(speaker: BasicParty, asked: str) -> None:
    """invalid solely because the client registered nothing of the scope."""
    assert error_of(ask(speaker, scope=asked)) == (400, "invalid_scope")


def test_client_without_scopes_gets_a_token_without(basic: BasicParty) -> None:
    """A scope that nobody registered would be one that nobody thought of."""
    basic.says(grant_types=["client_credentials"])
    response = ask(basic)
    assert "scope" not in response.json() and "scope" not in claims_of(response)


def test_client_that_did_not_register_the_grant_type_is_refused(basic: BasicParty) -> None:
    """invalid solely because the metadata does not list client_credentials."""
    assert error_of(ask(basic)) == (400, "unauthorized_client")


def test_disabled_client_is_refused(speaker: BasicParty) -> None:
    """invalid solely because an officer stopped the client."""
    Client.objects.update(disabled=True)
    assert error_of(ask(speaker)) == (400, "unauthorized_client")
    assert not AuditEvent.objects.filter(kind="oidc.token_issued").exists()


def test_token_can_be_for_a_resource_that_somebody_answers_for(speaker: BasicParty) -> None:
    """RFC 8707 §2: and for that one alone."""
    Client.objects.create(
        client_id="api", profile="basic", registration="admin", sector="s", resources=[RESOURCE], created_at=0
    )
    assert claims_of(ask(speaker, resource=RESOURCE), audience=RESOURCE)
    Client.objects.filter(client_id="api").update(disabled=True)
    assert error_of(ask(speaker, resource=RESOURCE)) == (400, "invalid_target")


@pytest.mark.parametrize("resource", [RESOURCE, f"{NODE}#x", "/v1", "urn:x"])
def test_resource_that_nobody_answers_for_is_refused(speaker: BasicParty, resource: str) -> None:
    """invalid solely because of the resource (row 53)."""
    assert error_of(ask(speaker, resource=resource)) == (400, "invalid_target")


def test_token_opens_nothing_of_a_traveller(speaker: BasicParty) -> None:
    """invalid solely because no traveller stands behind the token."""
    token = ask(speaker).json()["access_token"]
    assert speaker.world.userinfo(token, scheme="Bearer", proof=None).status_code == 401


def test_key_that_is_proved_is_in_the_token(speaker: BasicParty) -> None:
    """A proof that binds nothing is a false promise (RFC 9449 §5)."""
    who = speaker.world.messenger
    response = ask(speaker, proof=who.proof("/oidc/token"))
    assert response.json()["token_type"] == "DPoP"
    assert claims_of(response)["cnf"] == {"jkt": who.jkt}
    assert speaker.world.userinfo(response.json()["access_token"]).status_code == 401


def test_client_that_promised_proofs_brings_one(speaker: BasicParty) -> None:
    """invalid solely because the proof that the client registered is missing."""
    speaker.says(dpop_bound_access_tokens=True)
    assert error_of(ask(speaker)) == (400, "invalid_request")


def test_server_of_the_border_profile_always_brings_one(world: World, server: Messenger) -> None:
    """invalid solely because there is no proof (FAPI 2.0 Security Profile §5.3.2.1)."""
    assert claims_of(by_assertion(world))["cnf"] == {"jkt": server.jkt}
    assert error_of(by_assertion(world, proof=None)) == (400, "invalid_request")


def test_assertion_and_proof_are_good_once(world: World, server: Messenger) -> None:
    """invalid solely because one of the two was seen; then nothing is issued and nothing recorded."""
    assertion, proof = server.assertion(), server.proof("/oidc/token")
    assert by_assertion(world, client_assertion=assertion, proof=proof).status_code == 200
    assert UsedOnce.objects.count() == 2
    assert error_of(by_assertion(world, client_assertion=assertion)) == (401, "invalid_client")
    assert error_of(by_assertion(world, proof=proof)) == (400, "invalid_dpop_proof")
    assert AuditEvent.objects.filter(kind="oidc.token_issued").count() == 1


def test_refused_request_has_spent_its_assertion(world: World, server: Messenger) -> None:
    """invalid solely because the assertion was in a request that asked for too much (row 33)."""
    assertion = server.assertion()
    assert error_of(by_assertion(world, client_assertion=assertion, scope="other")) == (400, "invalid_scope")
    assert error_of(by_assertion(world, client_assertion=assertion)) == (401, "invalid_client")


def test_all_is_written_by_one_call(world: World, server: Messenger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second transaction of a token request is the one that a busy node has no time for."""
    calls = []
    real = replay._write
    monkeypatch.setattr(replay, "_write", lambda *what: calls.append((len(what[0]), what[1])) or real(*what))
    by_assertion(world)
    assert [(count, event.kind) for count, event in calls] == [(2, "oidc.token_issued")]


def test_relying_party_of_a_trust_chain_may_register_it(rp: RelyingParty, world: World) -> None:
    """The grant types of a chain's metadata count as an officer's do."""
    rp.says(**SPEAKS)
    assert claims_of(by_assertion(world, proof=None))["sub"] == rp.client_id


def test_metadata_names_the_grant_type(world: World) -> None:
    response = world.machine.get("/.well-known/openid-configuration")
    assert "client_credentials" in response.json()["grant_types_supported"]

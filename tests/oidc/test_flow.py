"""The whole way: pushed, shown, allowed, redeemed, used. Nothing of ours is replaced."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.accounts.models import Device
from idp.audit.models import AuditEvent
from idp.demo.authenticator import Authenticator
from idp.federation import signing
from idp.oidc import tokens
from idp.oidc.models import Client, Grant
from idp.protocol import jws, keys
from tests.oidc.world import NODE, World, answer
from tests.simulators.federation import REMOVE


def test_a_phone_gets_a_bound_token_for_what_was_consented(world: World) -> None:
    """A server that refuses everything would pass all the others."""
    uri = world.pushed()
    login = world.open(uri)
    assert login.status_code == 303 and login["Location"].startswith("/account/login?next=%2Foidc%2Fauthorize")
    assert "acr=urn%3Acauseway%3Aacr%3Amfa" in login["Location"]
    world.log_in()
    given = answer(world.decide(uri))
    assert given["state"] == "s-1" and given["iss"] == NODE
    response = world.redeem(given["code"])
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    token = response.json()
    detail = {**world.messenger.detail(), "document": "card"}
    assert token["token_type"] == "DPoP" and token["expires_in"] == 3600
    assert token["authorization_details"] == [detail]
    verified = jws.verify(token["access_token"], tokens.ACCESS_TOKEN, signing.published("oidc"), now=world.now)
    claims = verified.claims
    assert verified.header["typ"] == "at+jwt" and verified.header["alg"] == "ES256"
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (NODE, NODE, world.messenger.client_id)
    assert claims["cnf"] == {"jkt": world.messenger.jkt} and claims["authorization_details"] == [detail]
    assert claims["acr"] == "urn:causeway:acr:mfa" and claims["amr"] == ["hwk"] and claims["auth_time"] == world.now
    assert world.userinfo(token["access_token"]).json() == {"sub": claims["sub"]}
    assert Device.objects.get(jkt=world.messenger.jkt).traveller == world.traveller


def test_a_traveller_registers_with_a_passkey_on_the_way(world: World) -> None:
    """The login page must bring the traveller back to this very request, at the level that it needs."""
    uri = world.pushed()
    login = world.open(uri)["Location"]
    page = world.browser.get(login)
    headers = {"X-CSRFToken": str(page.context["csrf_token"])}

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"/account/passkeys/register{path}"
        response = world.browser.post(url, body, content_type="application/json", headers=headers)
        assert response.status_code in (200, 201), response.content
        return dict(response.json())

    credential = Authenticator(origin=NODE).create(
        post("/options", {"username": "siu.ming", "display_name": "Siu Ming"})
    )
    onward = post("", {"credential": credential, "next": parse_qs(urlsplit(login).query)["next"][0]})["next"]
    assert world.browser.get(onward).status_code == 200
    token = world.redeem(answer(world.decide(uri))["code"]).json()
    granted = jws.parse_unverified(token["access_token"], tokens.ACCESS_TOKEN).claims
    assert granted["acr"] == "urn:causeway:acr:mfa" and granted["amr"] == ["hwk", "user", "mfa"]
    assert Grant.objects.get().traveller.account.username == "siu.ming"


def test_id_token_is_for_the_client_and_fits_the_access_token(world: World) -> None:
    """An id token with another audience, nonce or at_hash is refused by every relying party."""
    token = world.tokens()
    claims = jws.verify(token["id_token"], tokens.ID_TOKEN, signing.published("oidc"), now=world.now).claims
    assert claims["aud"] == world.messenger.client_id and claims["nonce"] == "n" * 64
    assert claims["sub"] == world.userinfo(token["access_token"]).json()["sub"]


def test_without_openid_there_is_no_id_token_and_no_userinfo(world: World) -> None:
    """A wallet that asked for border tokens only must not learn a subject by the way."""
    token = world.tokens(world.messenger.request(scope=REMOVE))
    assert "id_token" not in token and "scope" not in token
    assert world.userinfo(token["access_token"]).status_code == 403


def test_client_is_registered_by_its_chain_and_every_step_is_recorded(world: World) -> None:
    """A grant that the audit does not know could be given by nobody."""
    world.tokens()
    client = Client.objects.get()
    assert (client.client_id, client.profile, client.registration) == (
        "https://messenger.example",
        "border",
        "automatic",
    )
    assert client.expires_at is not None and client.expires_at > world.now
    kinds = list(AuditEvent.objects.filter(kind__startswith="oidc.").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["oidc.client_registered", "oidc.consent_given", "oidc.token_issued"]
    assert str(world.traveller.account.username) not in str(list(AuditEvent.objects.values_list("data", flat=True)))


def test_subjects_of_two_sectors_have_nothing_in_common(world: World) -> None:
    """A subject that two relying parties share lets them follow the traveller."""
    world.tokens()
    grant = Grant.objects.select_related("client").get()
    one = tokens.subject(grant)
    grant.client.sector = "other.example"
    assert tokens.subject(grant) != one and len(one) == 43
    assert str(world.traveller.pk) not in one


def test_refresh_gives_a_token_of_the_same_grant_and_is_not_rotated(world: World) -> None:
    """A phone that lost an answer would be locked out by rotation (FAPI 2.0 §5.3.2.1)."""
    token = world.tokens()
    first, second = (world.refresh(token["refresh_token"]) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert "refresh_token" not in first.json()
    assert first.json()["authorization_details"] == token["authorization_details"]
    assert world.userinfo(second.json()["access_token"]).status_code == 200


def test_denial_tells_the_client_and_gives_nothing(world: World) -> None:
    """A page whose second button allows as well."""
    world.log_in()
    refused = answer(world.decide(world.pushed(), decision="deny"))
    assert refused["error"] == "access_denied" and refused["state"] == "s-1" and refused["iss"] == NODE
    assert "code" not in refused and not Grant.objects.exists()


@pytest.mark.parametrize("by", ["header", "dpop_jkt"])
def test_key_named_at_par_binds_the_code(world: World, by: str) -> None:
    """RFC 9449 §10: a code stolen from the browser is of no use to another phone (row 51)."""
    if by == "header":
        code = world.code(proof=world.messenger.proof("/oidc/par"))
    else:
        code = world.code({**world.messenger.request(), "dpop_jkt": world.messenger.jkt})
    stranger = world.messenger.proof("/oidc/token", key=keys.generate())
    refused = world.redeem(code, proof=stranger)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert world.redeem(code).status_code == 200

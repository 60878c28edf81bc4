"""Resource indicators (RFC 8707): a token is for one resource, and for one that the traveller was asked about."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse

from idp.border.models import IssuedToken
from idp.federation import signing
from idp.oidc import tokens
from idp.oidc.models import Client, Grant
from idp.protocol import jws
from tests.oidc import relying_party
from tests.oidc.basic_party import REQUEST, BasicParty
from tests.oidc.relying_party import RelyingParty, enter
from tests.oidc.resource_server import RESOURCE, ResourceServer, introspected
from tests.oidc.world import NODE, World, answer, error_of

OTHER = "https://other.example/"
UNKNOWN = ["https://unknown.example", f"{RESOURCE}#f", "/v1", "api", RESOURCE + "/", RESOURCE.upper(), f"{NODE}/", " "]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def api(basic: BasicParty) -> ResourceServer:
    server = ResourceServer(basic.world)
    server.row.resources = [RESOURCE, OTHER]
    server.row.save()
    return server


def audience(response: HttpResponse) -> str:
    assert response.status_code == 200, response.content
    token = response.json()["access_token"]
    kind = tokens.BEARER_TOKEN
    return str(jws.verify(token, kind, signing.published("oidc"), now=1_800_000_000).claims["aud"])


def refreshed(basic: BasicParty, token: str, **form: Any) -> HttpResponse:
    return basic.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": token, **form})


def test_token_is_for_this_node_by_default(basic: BasicParty) -> None:
    assert audience(basic.redeem(basic.code())) == NODE


def test_sole_resource_is_the_audience(basic: BasicParty, api: ResourceServer) -> None:
    """RFC 8707 §2.2: the token request need not repeat it."""
    response = basic.redeem(basic.code(resource=RESOURCE))
    assert audience(response) == RESOURCE
    assert Grant.objects.get().resources == [RESOURCE]
    assert introspected(api, response.json()["access_token"])["aud"] == RESOURCE


def test_each_token_is_for_one_of_several(basic: BasicParty, api: ResourceServer) -> None:
    """One consent for a few resources, and no token that opens two of them."""
    got = basic.redeem(basic.code(resource=[RESOURCE, OTHER, NODE]), resource=OTHER)
    assert audience(got) == OTHER
    token = got.json()["refresh_token"]
    for resource in (RESOURCE, NODE):
        got = refreshed(basic, token, resource=resource)
        assert audience(got) == resource
        token = got.json()["refresh_token"]


def test_one_of_several_has_to_be_named(basic: BasicParty, api: ResourceServer) -> None:
    """invalid solely because the token request does not say which; the code stays good."""
    code = basic.code(resource=[RESOURCE, OTHER])
    assert error_of(basic.redeem(code)) == (400, "invalid_target")
    assert audience(basic.redeem(code, resource=OTHER)) == OTHER


def test_token_for_two_is_refused(basic: BasicParty, api: ResourceServer) -> None:
    """invalid solely because two resources are named at the token endpoint."""
    code = basic.code(resource=[RESOURCE, OTHER])
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REQUEST["redirect_uri"]}
    body = urlencode([*form.items(), ("resource", RESOURCE), ("resource", OTHER)])
    headers = {"Authorization": basic.basic()}
    response = basic.world.machine.post("/oidc/token", body, content_type=FORM, headers=headers)
    assert error_of(response) == (400, "invalid_target")


@pytest.mark.parametrize("resource", [RESOURCE, *UNKNOWN])
def test_resource_without_consent_is_refused(basic: BasicParty, api: ResourceServer, resource: str) -> None:
    """invalid solely because the traveller was not asked about the resource (row 53)."""
    code = basic.code(resource=OTHER)
    assert error_of(basic.redeem(code, resource=resource)) == (400, "invalid_target")
    assert error_of(basic.redeem(code, resource=NODE)) == (400, "invalid_target")
    assert audience(basic.redeem(code, resource=OTHER)) == OTHER


def test_other_resource_than_the_default_needs_consent(basic: BasicParty, api: ResourceServer) -> None:
    """invalid solely because the authorization request named none, which is this node (row 53)."""
    code = basic.code()
    assert error_of(basic.redeem(code, resource=RESOURCE)) == (400, "invalid_target")
    assert audience(basic.redeem(code, resource=NODE)) == NODE


@pytest.mark.parametrize("resource", UNKNOWN)
def test_unknown_resource_is_refused_at_the_authorization_endpoint(
    basic: BasicParty, api: ResourceServer, resource: str
) -> None:
    """invalid solely because nobody answers for the resource (row 53)."""
    assert answer(basic.ask(resource=resource))["error"] == "invalid_target"
    assert answer(basic.ask(resource=[RESOURCE, resource]))["error"] == "invalid_target"


@pytest.mark.parametrize("resource", UNKNOWN)
def test_unknown_resource_is_refused_at_par(world: World, resource: str) -> None:
    """invalid solely because nobody answers for the resource (row 53)."""
    request = world.messenger.request(resource=[resource])
    assert error_of(world.push(request)) == (400, "invalid_target")


def test_resource_dies_with_the_client_that_answers_for_it(basic: BasicParty, api: ResourceServer) -> None:
    """invalid solely because an officer stopped that client."""
    got = basic.redeem(basic.code(resource=RESOURCE))
    Client.objects.filter(client_id="api").update(disabled=True)
    assert error_of(refreshed(basic, got.json()["refresh_token"])) == (400, "invalid_target")
    assert answer(basic.ask(resource=RESOURCE))["error"] == "invalid_target"


@pytest.mark.parametrize("method", ["get", "post"])
def test_several_come_by_query_and_by_form(basic: BasicParty, api: ResourceServer, method: str) -> None:
    """RFC 8707 §2 allows several, and a form is no different from a query."""
    sent = urlencode([*{"client_id": basic.client_id, **REQUEST}.items(), ("resource", RESOURCE), ("resource", OTHER)])
    basic.world.log_in()
    if method == "get":
        kept = basic.world.browser.get(f"/oidc/authorize?{sent}")
    else:
        kept = basic.world.browser.post("/oidc/authorize", sent, content_type=FORM)
    uri = relying_party.kept(kept)
    answer(basic.decide(uri))
    assert Grant.objects.get().resources == [RESOURCE, OTHER]


def test_several_can_be_pushed_as_a_form(basic: BasicParty, api: ResourceServer) -> None:
    """invalid otherwise: a pushed form that loses one would get a token for the wrong resource."""
    pairs = [*REQUEST.items(), ("resource", RESOURCE), ("resource", OTHER)]
    headers = {"Authorization": basic.basic()}
    pushed = basic.world.machine.post("/oidc/par", urlencode(pairs), content_type=FORM, headers=headers)
    basic.world.log_in()
    answer(basic.decide(pushed.json()["request_uri"]))
    assert Grant.objects.get().resources == [RESOURCE, OTHER]


def test_parameter_that_stands_twice_is_still_refused(basic: BasicParty) -> None:
    """invalid solely because another parameter than resource stands twice (RFC 6749 §3.1)."""
    pairs = [*REQUEST.items(), ("scope", "openid")]
    headers = {"Authorization": basic.basic()}
    response = basic.world.machine.post("/oidc/par", urlencode(pairs), content_type=FORM, headers=headers)
    assert error_of(response) == (400, "invalid_request")


def test_null_character_in_any_of_them_is_refused(basic: BasicParty) -> None:
    """invalid solely because of a null character in the first of two, which PostgreSQL cannot hold."""
    pairs = [*REQUEST.items(), ("resource", "\x00"), ("resource", NODE)]
    headers = {"Authorization": basic.basic()}
    response = basic.world.machine.post("/oidc/par", urlencode(pairs), content_type=FORM, headers=headers)
    assert error_of(response) == (400, "invalid_request")


def test_request_object_names_them_too(rp: RelyingParty, world: World, api: ResourceServer) -> None:
    request = rp.request(resource=[RESOURCE])
    assert audience_of(relying_party.tokens(world, request)) == RESOURCE
    refused = answer(enter(world, rp.signed(rp.request(resource=["https://unknown.example"]))))
    assert refused["error"] == "invalid_target"


def audience_of(got: dict[str, Any]) -> str:
    return str(jws.parse_unverified(got["access_token"], tokens.BEARER_TOKEN).claims["aud"])


def test_traveller_is_shown_the_resources(basic: BasicParty, api: ResourceServer) -> None:
    """Consent to what was not on the page is none; this node itself goes without saying."""
    basic.world.log_in()
    page = basic.next(resource=[RESOURCE, NODE]).content.decode()
    assert f"<li>{RESOURCE}</li>" in page and f"<li>{NODE}</li>" not in page
    assert "in your name" not in basic.next().content.decode()


def test_new_resource_is_asked_about(basic: BasicParty, api: ResourceServer) -> None:
    """invalid otherwise: the consent of before was for another resource."""
    basic.code()
    assert "code" in answer(basic.decide(basic.kept()))
    assert basic.next(resource=RESOURCE).status_code == 200


def test_token_for_another_resource_opens_nothing_here(world: World, basic: BasicParty, api: ResourceServer) -> None:
    """invalid solely because its audience is not this node (row 68), be it a bearer's or a phone's."""
    bearer = basic.redeem(basic.code(resource=RESOURCE)).json()["access_token"]
    assert world.userinfo(bearer, scheme="Bearer", proof=None).status_code == 401
    bound = world.tokens(world.messenger.request(resource=[RESOURCE]))
    assert audience_of(bound) == RESOURCE
    assert world.userinfo(bound["access_token"]).status_code == 401
    path = "/border/v1/tokens"
    proof = world.messenger.proof(path, access_token=bound["access_token"])
    headers = {"Authorization": f"DPoP {bound['access_token']}", "DPoP": proof}
    response = world.machine.post(path, "{}", content_type="application/json", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert not IssuedToken.objects.exists()


def test_another_resource_is_not_told_of_border_crossings(world: World, api: ResourceServer) -> None:
    """Details are for this node; where a traveller crosses, and with which document, is nobody else's business."""
    request = world.messenger.request(resource=[RESOURCE, NODE])
    got = world.redeem(world.code(request), resource=RESOURCE).json()
    assert "authorization_details" not in got
    assert "authorization_details" not in introspected(api, got["access_token"])
    assert world.refresh(got["refresh_token"], resource=NODE).json()["authorization_details"]

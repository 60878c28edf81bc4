"""The Foundation's plans for RP-initiated and back-channel logout: under their names, accepting the same pages."""

import time
from typing import Any

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Arrival, Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import OPENID
from tests.conformance_oidc.relying import Client, Tokens
from tests.conformance_oidc.test_openid_basic import NEEDS_A_PAGE

pytestmark = pytest.mark.e2e
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 30  # until a client must have heard
STATE = "s" * 128
# Module -> parameters, in place of all three, that must bring the traveller back to the client.
BACK: dict[str, dict[str, Any]] = {"rp-initiated-logout": {}, "rp-initiated-logout-no-state": {"state": None}}
# Module -> parameters that must end the session on a page of the node.
STAY: dict[str, dict[str, Any]] = {
    "rp-initiated-logout-no-params": {"id_token_hint": None, "post_logout_redirect_uri": None, "state": None},
    "rp-initiated-logout-no-post-logout-redirect-uri": {"post_logout_redirect_uri": None},
    "rp-initiated-logout-only-state": {"id_token_hint": None, "post_logout_redirect_uri": None},
}
# Module -> parameters, given the right ones, that must end on an error page.
ERRORS: dict[str, Any] = {
    "rp-initiated-logout-bad-id-token-hint": lambda it: {"id_token_hint": "1234"},
    "rp-initiated-logout-modified-id-token-hint": (
        lambda it: {"id_token_hint": jose.with_broken_signature(it["id_token_hint"])}
    ),
    "rp-initiated-logout-no-id-token-hint": lambda it: {"id_token_hint": None},
    "rp-initiated-logout-bad-post-logout-redirect-uri": (
        lambda it: {"post_logout_redirect_uri": it["post_logout_redirect_uri"] + "/other"}
    ),
    "rp-initiated-logout-query-added-to-post-logout-redirect-uri": (
        lambda it: {"post_logout_redirect_uri": it["post_logout_redirect_uri"] + "?foo=bar"}
    ),
}


def _modules(table: Any) -> list[Any]:
    return [pytest.param(name, marks=module(OPENID + name)) for name in table]


@pytest.mark.parametrize("name", _modules(BACK))
def test_back_to_the_client(visitor: Visitor, basic: Client, name: str) -> None:
    """A logout that does not come back, or not with what was sent, or that ends nothing."""
    arrival = _left(visitor, basic, basic.flow(visitor), BACK[name])
    assert arrival.callback == basic.party.metadata["post_logout_redirect_uris"][0]
    assert dict(arrival.parameters) == ({} if name.endswith("no-state") else {"state": STATE})
    _is_out(visitor, basic)


@pytest.mark.parametrize("name", _modules(STAY))
def test_page_of_the_node(visitor: Visitor, basic: Client, name: str) -> None:
    """A logout without a way back that is no logout; who cannot be sure asks the traveller first."""
    arrival = _left(visitor, basic, basic.flow(visitor), STAY[name])
    assert arrival.callback is None and arrival.status == 200
    if "id_token_hint" in STAY[name]:
        assert arrival.asked == ("/oidc/logout/confirm",)
    _is_out(visitor, basic)


@pytest.mark.parametrize("name", _modules(ERRORS))
def test_error_page(visitor: Visitor, basic: Client, name: str) -> None:
    """A traveller who is sent somewhere, or logged out, by whoever wrote a link."""
    tokens = basic.flow(visitor)
    refusals.shown(_left(visitor, basic, tokens, ERRORS[name](_right(basic, tokens))), refusals.REQUEST)
    basic.code(basic.arrived(visitor, request := basic.request(prompt="none")), request)


@module(OPENID + "backchannel-rp-initiated-logout")
def test_client_is_told(visitor: Visitor, basic: Client, sites: dict[str, Site]) -> None:
    """A client that goes on in a session that has ended, or a logout token that could pass for an ID token."""
    tokens = basic.flow(visitor)
    _left(visitor, basic, tokens, {})
    claims = _heard(sites["rp.localhost"], basic, tokens.claims["sid"])
    assert claims["iss"] == basic.at.issuer and claims["aud"] in (basic.party.client_id, [basic.party.client_id])
    assert claims["sub"] == tokens.claims["sub"]
    assert claims["events"] == {EVENT: {}} and claims["jti"] and "nonce" not in claims
    assert abs(claims["iat"] - time.time()) < SECONDS and time.time() < claims["exp"] < time.time() + 300
    _is_out(visitor, basic)


def _heard(site: Site, client: Client, sid: str) -> dict[str, Any]:
    """The claims of the logout token about this session; others may come late."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for path, form in list(site.posted):
            assert path == "/logout" and set(form) == {"logout_token"}
            claims = jose.verified(form["logout_token"], client.at.signing_keys(), typ="logout+jwt")
            if claims["sid"] == sid:
                return claims
        time.sleep(0.1)
    raise AssertionError("the client has heard nothing")


def _right(client: Client, tokens: Tokens) -> dict[str, Any]:
    (uri,) = client.party.metadata["post_logout_redirect_uris"]
    return {"id_token_hint": tokens.body["id_token"], "post_logout_redirect_uri": uri, "state": STATE}


def _left(visitor: Visitor, client: Client, tokens: Tokens, changes: dict[str, Any]) -> Arrival:
    sent = {name: value for name, value in {**_right(client, tokens), **changes}.items() if value is not None}
    return visitor.arrive("GET", client.at.metadata["end_session_endpoint"], sent, decision="leave")


def _is_out(visitor: Visitor, client: Client) -> None:
    request = client.request(prompt="none")
    arrival = client.arrived(visitor, request)
    state, issuer = request.parameters["state"], client.at.issuer
    refusals.returned(arrival, NEEDS_A_PAGE, callback=client.party.callback, state=state, issuer=issuer)

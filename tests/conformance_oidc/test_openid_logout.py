"""The Foundation's plans for RP-initiated and back-channel logout: under their names, accepting the same pages."""

import time
from typing import Any

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Arrival, Visitor
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import BACKCHANNEL, LOGOUT, each, module
from tests.conformance_oidc.relying import Client, Tokens

pytestmark = pytest.mark.e2e
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 30  # until a client must have heard
STATE = "s" * 128


def _by_another_key(hint: str) -> str:
    return jose.generate("RS256").sign(jose.claims(hint))


def _unsigned(hint: str) -> str:
    return relying.unsigned(jose.claims(hint), typ="JWT")


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
    "rp-initiated-logout-bad-id-token-hint": lambda it: {"id_token_hint": _by_another_key(it["id_token_hint"])},
    "rp-initiated-logout-modified-id-token-hint": lambda it: {"id_token_hint": _unsigned(it["id_token_hint"])},
    "rp-initiated-logout-no-id-token-hint": lambda it: {"id_token_hint": None},
    "rp-initiated-logout-bad-post-logout-redirect-uri": (
        lambda it: {"post_logout_redirect_uri": it["post_logout_redirect_uri"] + "/other"}
    ),
    "rp-initiated-logout-query-added-to-post-logout-redirect-uri": (
        lambda it: {"post_logout_redirect_uri": it["post_logout_redirect_uri"] + "?foo=bar"}
    ),
}


@each(BACK, LOGOUT)
def test_back_to_the_client(visitor: Visitor, client: Client, case: Any) -> None:
    """A logout that does not come back, or not with what was sent, or that ends nothing."""
    arrival = _left(visitor, client, client.flow(visitor), case)
    assert arrival.callback == client.party.metadata["post_logout_redirect_uris"][0]
    assert dict(arrival.parameters) == ({} if case else {"state": STATE})
    _is_out(visitor, client)


@each(STAY, LOGOUT)
def test_page_of_the_node(visitor: Visitor, client: Client, case: Any) -> None:
    """A logout without a way back that is no logout; who cannot be sure asks the traveller first."""
    arrival = _left(visitor, client, client.flow(visitor), case)
    assert arrival.callback is None and arrival.status == 200
    if "id_token_hint" in case:
        assert arrival.asked == ("/oidc/logout/confirm",)
    _is_out(visitor, client)


@each(ERRORS, LOGOUT)
def test_error_page(visitor: Visitor, client: Client, case: Any) -> None:
    """A traveller who is sent somewhere, or logged out, by whoever wrote a link."""
    tokens = client.flow(visitor)
    refusals.shown(_left(visitor, client, tokens, case(_right(client, tokens))), refusals.REQUEST)
    client.code(client.arrived(visitor, request := client.request(prompt="none")), request)


@module("backchannel-rp-initiated-logout", BACKCHANNEL)
def test_client_is_told(visitor: Visitor, client: Client, sites: dict[str, Site]) -> None:
    """A client that goes on in a session that has ended, or a logout token that could pass for an ID token."""
    tokens = client.flow(visitor)
    _left(visitor, client, tokens, {})
    claims = _heard(sites["rp.localhost"], client, tokens.claims["sid"])
    assert claims["iss"] == client.at.issuer and claims["aud"] in (client.party.client_id, [client.party.client_id])
    assert claims["sub"] == tokens.claims["sub"]
    assert claims["events"] == {EVENT: {}} and claims["jti"] and "nonce" not in claims
    assert abs(claims["iat"] - time.time()) < SECONDS and time.time() < claims["exp"] < time.time() + 300
    _is_out(visitor, client)


def _heard(site: Site, client: Client, sid: str) -> dict[str, Any]:
    """The claims of the logout token about this session; others may come late."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for form in [form for path, form in list(site.posted) if path == "/logout"]:
            assert set(form) == {"logout_token"}
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
    refusals.returned(client.arrived(visitor, request), refusals.NEEDS_A_PAGE, client, request)

"""The plans basic and form post, and those of their modules that dynamic has too: what a conventional client asks for.

In the second plan the node answers by a form that posts itself. Names and accepted errors are the Foundation's.
"""

import json
import time
from typing import Any

import pytest

from tests.conformance import wire
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, told
from tests.conformance_oidc.cast import Cast
from tests.conformance_oidc.plans import CONVENTIONAL, DYNAMIC, Plan, each, module
from tests.conformance_oidc.relying import Client, Tokens

pytestmark = pytest.mark.e2e
LOGIN = "/account/login"
NO_PKCE: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
# Module -> parameters of a request that must succeed.
SUCCESSES: dict[str, dict[str, Any]] = {
    "idtoken-signature": NO_PKCE,
    "ensure-request-without-nonce-succeeds-for-code-flow": {"nonce": None, **NO_PKCE},
    "display-page": {"display": "page", **NO_PKCE},
    "display-popup": {"display": "popup", **NO_PKCE},
    "ensure-request-with-unknown-parameter-succeeds": {"extra": "foobar", **NO_PKCE},
    "login-hint": {"login_hint": "buffy@hk.localhost", **NO_PKCE},
    "ui-locales": {"ui_locales": "se", **NO_PKCE},
    "claims-locales": {"claims_locales": "se", **NO_PKCE},
    "ensure-request-with-valid-pkce-succeeds": {},
}
SCOPES = {
    "scope-profile": "openid profile",
    "scope-email": "openid email",
    "scope-address": "openid address",
    "scope-phone": "openid phone",
    "scope-all": "openid profile email address phone",
}


@each(SUCCESSES, *CONVENTIONAL)
def test_flow(visitor: Visitor, client: Client, case: dict[str, Any]) -> None:
    """A sound request of a conventional client that is turned away."""
    client.flow(visitor, **case)


@module("server", *CONVENTIONAL, DYNAMIC)
def test_server(visitor: Visitor, client: Client) -> None:
    """A flow that brings more than was asked for."""
    tokens = client.flow(visitor, **NO_PKCE)
    assert set(client.knows(tokens)) == {"sub"}


@each(SCOPES, *CONVENTIONAL)
def test_scopes(visitor: Visitor, client: Client, case: str) -> None:
    """A scope whose claims do not come, or come with others (Core §5.4)."""
    supported = set(client.at.metadata["claims_supported"])
    tokens = client.flow(visitor, scope=case, **NO_PKCE)
    assert told.names(client.knows(tokens)) == told.asked_by(case, supported)


@module("alternate-happy-flow", *CONVENTIONAL)
def test_other_order(visitor: Visitor, client: Client) -> None:
    """Parameters or scopes that are read by their order (RFC 6749 §3.3)."""
    turned = reversed(client.request(scope="email openid", **NO_PKCE).parameters.items())
    client.knows(client.flow(visitor, **dict(turned)))


@module("claims-essential", *CONVENTIONAL)
def test_claim_by_name(visitor: Visitor, client: Client) -> None:
    """A claim that is asked for by name and does not come, or comes where it was not asked for (Core §5.5)."""
    asked = {"userinfo": {"name": {"essential": True}}}
    tokens = client.flow(visitor, claims=json.dumps(asked), **NO_PKCE)
    assert told.names(client.knows(tokens)) == {"sub", "name"} and "name" not in told.names(tokens.claims)


@module("server-client-secret-post", *CONVENTIONAL)
def test_secret_in_the_form(plan: Plan, visitor: Visitor, cast: Cast) -> None:
    """A client whose library knows no other way to authenticate."""
    cast.named("basic-post", plan).flow(visitor, **NO_PKCE)


@module("ensure-post-request-succeeds", *CONVENTIONAL)
def test_request_by_post(visitor: Visitor, client: Client) -> None:
    """A request by a form of the client's page."""
    request = client.request(**NO_PKCE)
    arrival = client.go(visitor, request.parameters, "POST")
    client.tokens(client.redeem(client.code(arrival, request), request), request)


@module("ensure-request-with-acr-values-succeeds", *CONVENTIONAL)
def test_levels(visitor: Visitor, client: Client) -> None:
    """A level that was asked for, could be given, and is not told."""
    known = client.at.metadata["acr_values_supported"]
    assert client.flow(visitor, acr_values=" ".join(known)).claims["acr"] in known


@module("response-type-missing", *CONVENTIONAL)
def test_no_response_type(visitor: Visitor, client: Client) -> None:
    """A response type that is guessed."""
    request = client.request(response_type=None)
    arrival = client.arrived(visitor, request)
    refusals.returned(arrival, ("invalid_request", "unsupported_response_type"), client, request)


@module("codereuse", *CONVENTIONAL)
def test_code_again(visitor: Visitor, client: Client) -> None:
    """A code that serves twice, and an access token that outlives the theft."""
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    tokens = client.tokens(client.redeem(code, request), request)
    assert client.userinfo(tokens.access).status == 200
    refusals.answered(client.redeem(code, request), refusals.GRANT)
    assert client.userinfo(tokens.access).status == 401


@module("prompt-login", *CONVENTIONAL)
def test_prompt_login(visitor: Visitor, client: Client) -> None:
    """A client that wants to be sure, and is given the old login."""
    first = client.flow(visitor)
    time.sleep(1)
    _second(visitor, client, first, asked=True, prompt="login")


@module("max-age-1", *CONVENTIONAL)
def test_old_login(visitor: Visitor, client: Client) -> None:
    """A login that is older than the client takes."""
    first = client.flow(visitor)
    time.sleep(2)
    _second(visitor, client, first, asked=True, max_age="1")


@module("max-age-10000", *CONVENTIONAL)
def test_young_login(visitor: Visitor, client: Client) -> None:
    """A login that is young enough, asked for again; or whose time is not told."""
    first = client.flow(visitor, max_age="15000")
    assert "auth_time" in first.claims
    _second(visitor, client, first, asked=False, max_age="10000")


@module("prompt-none-logged-in", *CONVENTIONAL)
def test_silent(visitor: Visitor, client: Client) -> None:
    """A page where the client asked for none."""
    _second(visitor, client, client.flow(visitor), asked=False, prompt="none")


@module("id-token-hint", *CONVENTIONAL)
def test_hint(visitor: Visitor, client: Client) -> None:
    """A hint that is not understood."""
    first = client.flow(visitor)
    _second(visitor, client, first, asked=False, prompt="none", id_token_hint=first.body["id_token"])


@module("prompt-none-not-logged-in", *CONVENTIONAL)
def test_silent_stranger(visitor: Visitor, client: Client) -> None:
    """A stranger who is shown a page although the client asked for none."""
    request = client.request(prompt="none", state="s" * 128)
    arrival = client.arrived(visitor, request)
    assert not arrival.asked
    refusals.returned(arrival, refusals.NEEDS_A_PAGE, client, request)


@module("ensure-registered-redirect-uri", *CONVENTIONAL)
def test_unregistered_redirect(visitor: Visitor, client: Client) -> None:
    """A code that goes where nobody registered anything."""
    request = client.request(redirect_uri=f"{client.party.callback}/other")
    refusals.shown(client.arrived(visitor, request), refusals.REQUEST)


@module("userinfo-get", *CONVENTIONAL)
def test_userinfo(visitor: Visitor, client: Client) -> None:
    """Userinfo that is not JSON, or that a changed token opens (Core §5.3.2)."""
    tokens = client.flow(visitor)
    assert client.userinfo(tokens.access).headers["content-type"].split(";")[0] == "application/json"
    assert client.userinfo(tokens.access + "x").status == 401


@module("userinfo-post-header", *CONVENTIONAL)
def test_userinfo_by_post(visitor: Visitor, client: Client) -> None:
    """A client that asks by POST (Core §5.3.1)."""
    tokens = client.flow(visitor)
    answer = client.userinfo(tokens.access, method="POST")
    assert answer.status == 200 and answer.json()["sub"] == tokens.claims["sub"]


@module("userinfo-post-body", *CONVENTIONAL)
def test_token_in_the_body(visitor: Visitor, client: Client) -> None:
    """A token in the body that is taken from the query as well, or not at all (RFC 6750 §2.2)."""
    tokens = client.flow(visitor)
    url = client.at.metadata["userinfo_endpoint"]
    answer = wire.post(url, {"access_token": tokens.access})
    assert answer.status == 200 and answer.json()["sub"] == tokens.claims["sub"]
    assert wire.get(url, access_token=tokens.access).status == 401


@module("refresh-token", *CONVENTIONAL, DYNAMIC)
def test_refresh(visitor: Visitor, client: Client, other: Client) -> None:
    """A refresh token that is no good, or good for another client."""
    for who, length in ((client, 10), (other, 43)):
        tokens = who.flow(visitor, scope="openid offline_access", prompt="consent", nonce="n" * length)
        again = who.refreshed(tokens, tokens.body["refresh_token"])
    held = again.get("refresh_token", tokens.body["refresh_token"])
    refusals.answered(client.refresh(held), refusals.GRANT)
    other.refreshed(tokens, held)


def _second(visitor: Visitor, client: Client, first: Tokens, *, asked: bool, **changes: Any) -> None:
    """The same browser once more; whether the traveller had to log in, and what the new ID token says of it."""
    request = client.request(**changes)
    arrival = client.arrived(visitor, request)
    assert (LOGIN in arrival.asked) == asked and (asked or not arrival.asked)
    tokens = client.tokens(client.redeem(client.code(arrival, request), request), request)
    assert tokens.claims["sub"] == first.claims["sub"]
    before, after = first.claims["auth_time"], tokens.claims["auth_time"]
    assert after > before if asked else after == before

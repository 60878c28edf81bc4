"""The Foundation's plans for OpenID providers, basic and form post: under their names, accepting the same errors.

The client is one that an officer registered. Both response modes are tried; a module passes when both do.
"""

import json
import time
from typing import Any

import pytest

from tests.conformance import jose, wire
from tests.conformance.browsing import Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.plans import OPENID
from tests.conformance_oidc.relying import Client

pytestmark = pytest.mark.e2e
LOGIN, CONSENT = "/account/login", "/oidc/consent"
MODES = (None, "form_post")  # response_mode
NEEDS_A_PAGE = ("interaction_required", "login_required", "account_selection_required", "consent_required")
# Module -> parameters of a request that must succeed.
SUCCESSES: dict[str, dict[str, Any]] = {
    "server": {},
    "idtoken-signature": {},
    "ensure-request-without-nonce-succeeds-for-code-flow": {"nonce": None},
    "scope-profile": {"scope": "openid profile"},
    "scope-email": {"scope": "openid email"},
    "scope-address": {"scope": "openid address"},
    "scope-phone": {"scope": "openid phone"},
    "scope-all": {"scope": "openid profile email address phone"},
    "alternate-happy-flow": {"scope": "email openid"},
    "display-page": {"display": "page"},
    "display-popup": {"display": "popup"},
    "ensure-request-with-unknown-parameter-succeeds": {"extra": "foobar"},
    "login-hint": {"login_hint": "buffy@hk.localhost"},
    "ui-locales": {"ui_locales": "se"},
    "claims-locales": {"claims_locales": "se"},
    "claims-essential": {"claims": json.dumps({"userinfo": {"name": {"essential": True}}})},
    "ensure-request-with-valid-pkce-succeeds": {},
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=module(OPENID + name)) for name in SUCCESSES])
def test_flow(visitor: Visitor, basic: Client, name: str) -> None:
    """A sound request of a conventional client that is turned away."""
    pkce = {} if name.endswith("pkce-succeeds") else {"code_challenge": None, "code_challenge_method": None}
    for mode in MODES:
        changes = {**pkce, **SUCCESSES[name]}
        if name == "alternate-happy-flow":
            changes = dict(reversed(basic.request(**changes).parameters.items()))
        request = basic.request(response_mode=mode, **changes)
        arrival = basic.arrived(visitor, request)
        assert arrival.by_form == (mode is not None)
        tokens = basic.tokens(basic.redeem(basic.code(arrival, request), request), request)
        basic.knows(tokens)


@module(OPENID + "server-client-secret-post")
def test_secret_in_the_form(visitor: Visitor, basic_post: Client) -> None:
    """A client whose library knows no other way to authenticate."""
    basic_post.flow(visitor)


@module(OPENID + "ensure-post-request-succeeds")
def test_request_by_post(visitor: Visitor, basic: Client) -> None:
    """A request by a form of the client's page."""
    for mode in MODES:
        request = basic.request(response_mode=mode)
        arrival = basic.go(visitor, request.parameters, "POST")
        basic.tokens(basic.redeem(basic.code(arrival, request), request), request)


@module(OPENID + "ensure-request-with-acr-values-succeeds")
def test_levels(visitor: Visitor, basic: Client) -> None:
    """A level that was asked for, could be given, and is not told."""
    known = basic.at.metadata["acr_values_supported"]
    assert basic.flow(visitor, acr_values=" ".join(known)).claims["acr"] in known


@module(OPENID + "response-type-missing")
def test_no_response_type(visitor: Visitor, basic: Client) -> None:
    """A response type that is guessed."""
    request = basic.request(response_type=None)
    arrival = basic.arrived(visitor, request)
    accepted = ("invalid_request", "unsupported_response_type")
    _returned(basic, arrival, request, accepted)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=module(OPENID + name)) for name in ("codereuse", "codereuse-30seconds")]
)
def test_code_again(visitor: Visitor, basic: Client, aged: Any, name: str) -> None:
    """A code that serves twice, and an access token that outlives the theft."""
    if name.endswith("30seconds"):
        client, request, code, tokens = aged.basic, aged.basic_request, aged.basic_code, aged.basic_tokens
        aged.wait(30)
    else:
        client, request = basic, basic.request()
        code = client.code(client.arrived(visitor, request), request)
        tokens = client.tokens(client.redeem(code, request), request)
    assert client.userinfo(tokens.access).status == 200
    refusals.answered(client.redeem(code, request), refusals.GRANT)
    assert client.userinfo(tokens.access).status == 401


@module(OPENID + "prompt-login")
def test_prompt_login(visitor: Visitor, basic: Client) -> None:
    """A client that wants to be sure, and is given the old login."""
    first = basic.flow(visitor)
    time.sleep(1)
    _second(visitor, basic, first, asked=True, prompt="login")


@module(OPENID + "max-age-1")
def test_old_login(visitor: Visitor, basic: Client) -> None:
    """A login that is older than the client takes."""
    first = basic.flow(visitor)
    time.sleep(2)
    _second(visitor, basic, first, asked=True, max_age="1")


@module(OPENID + "max-age-10000")
def test_young_login(visitor: Visitor, basic: Client) -> None:
    """A login that is young enough, asked for again; or whose time is not told."""
    first = basic.flow(visitor, max_age="15000")
    assert "auth_time" in first.claims
    _second(visitor, basic, first, asked=False, max_age="10000")


@module(OPENID + "prompt-none-logged-in")
def test_silent(visitor: Visitor, basic: Client) -> None:
    """A page where the client asked for none."""
    _second(visitor, basic, basic.flow(visitor), asked=False, prompt="none")


@module(OPENID + "id-token-hint")
def test_hint(visitor: Visitor, basic: Client) -> None:
    """A hint that is not understood."""
    first = basic.flow(visitor)
    _second(visitor, basic, first, asked=False, prompt="none", id_token_hint=first.body["id_token"])


@module(OPENID + "prompt-none-not-logged-in")
def test_silent_stranger(visitor: Visitor, basic: Client) -> None:
    """A stranger who is shown a page although the client asked for none."""
    for mode in MODES:
        request = basic.request(prompt="none", response_mode=mode)
        arrival = basic.arrived(visitor, request)
        assert not arrival.asked
        _returned(basic, arrival, request, NEEDS_A_PAGE)


@module(OPENID + "ensure-registered-redirect-uri")
def test_unregistered_redirect(visitor: Visitor, basic: Client) -> None:
    """A code that goes where nobody registered anything."""
    request = basic.request(redirect_uri=f"{basic.party.callback}/other")
    refusals.shown(basic.arrived(visitor, request), refusals.REQUEST)


@module(OPENID + "userinfo-get")
def test_userinfo(visitor: Visitor, basic: Client) -> None:
    """Userinfo that is not JSON, or of another subject (Core §5.3.2)."""
    tokens = basic.flow(visitor)
    assert basic.userinfo(tokens.access).headers["content-type"].split(";")[0] == "application/json"
    assert basic.userinfo(tokens.access + "x").status == 401


@module(OPENID + "userinfo-post-header")
def test_userinfo_by_post(visitor: Visitor, basic: Client) -> None:
    """A client that asks by POST (Core §5.3.1)."""
    tokens = basic.flow(visitor)
    answer = basic.userinfo(tokens.access, method="POST")
    assert answer.status == 200 and answer.json()["sub"] == tokens.claims["sub"]


@module(OPENID + "userinfo-post-body")
def test_token_in_the_body(visitor: Visitor, basic: Client) -> None:
    """A token in the body is not taken here, which the suite allows: it must be refused, and not half understood."""
    tokens = basic.flow(visitor)
    answer = wire.post(basic.at.metadata["userinfo_endpoint"], {"access_token": tokens.access})
    assert answer.status == 401 and "www-authenticate" in answer.headers


@module(OPENID + "ensure-request-object-with-redirect-uri")
def test_object_counts(visitor: Visitor, basic_key: Client) -> None:
    """A redirect URI beside the object that is followed; RS256, as the suite signs."""
    request = basic_key.request()
    signed = basic_key.signed(request, key=basic_key.party.rsa)
    outside = {**request.parameters, "redirect_uri": f"{basic_key.party.callback}/other", "request": signed}
    basic_key.code(basic_key.go(visitor, outside), request)


@module(OPENID + "unsigned-request-object-supported-correctly-or-rejected-as-unsupported")
def test_unsigned_object(visitor: Visitor, basic_key: Client) -> None:
    """An object of the algorithm none: discovery does not list it, and it is refused."""
    assert "none" not in basic_key.at.metadata["request_object_signing_alg_values_supported"]
    request = basic_key.request()
    claims = jose.claims(basic_key.signed(request))
    arrival = basic_key.go(visitor, {**request.parameters, "request": relying.unsigned(claims)})
    refusals.shown(arrival, ("request_not_supported", "invalid_request_object", "invalid_request"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=module(OPENID + name))
        for name in (
            "request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
            "request-uri-unsigned",
            "request-uri-signed-rs256",
        )
    ],
)
def test_object_by_reference(visitor: Visitor, basic_key: Client, sites: Any, name: str) -> None:
    """A request_uri that the node fetches for whoever names it: discovery says that it does not, and nobody was asked.

    The plans skip these where discovery says so.
    """
    assert basic_key.at.metadata["request_uri_parameter_supported"] is False
    request = basic_key.request()
    signed = basic_key.signed(request, key=basic_key.party.rsa)
    if "unsigned" in name:
        signed = relying.unsigned(jose.claims(signed))
    site = sites["rp.localhost"]
    site.pages["/request.jwt"] = signed
    asked = len(site.asked)
    arrival = basic_key.go(visitor, {**request.parameters, "request_uri": f"{site.origin}/request.jwt"})
    refusals.shown(arrival, ("request_uri_not_supported",))
    assert "/request.jwt" not in site.asked[asked:]


@module(OPENID + "refresh-token")
def test_refresh(visitor: Visitor, basic: Client, basic_other: Client) -> None:
    """A refresh token that is no good, or good for another client."""
    for client in (basic, basic_other):
        tokens = client.flow(visitor, scope="openid offline_access", prompt="consent")
        answer = client.refresh(tokens.body["refresh_token"])
        assert answer.status == 200, answer.text
        again = answer.json()
        assert again["access_token"] != tokens.access and client.userinfo(again["access_token"]).status == 200
        if "id_token" in again:
            claims = client.id_token(again["id_token"], again["access_token"])
            assert claims["sub"] == tokens.claims["sub"]
        held = again.get("refresh_token", tokens.body["refresh_token"])
    refusals.answered(basic.refresh(held), refusals.GRANT)
    assert basic.userinfo(again["access_token"]).status == 200 and basic_other.refresh(held).status == 200


def _second(visitor: Visitor, client: Client, first: Any, *, asked: bool, **changes: Any) -> None:
    """The same browser once more; whether the traveller had to log in, and what the new ID token says of it."""
    request = client.request(**changes)
    arrival = client.arrived(visitor, request)
    assert (LOGIN in arrival.asked) == asked and (asked or not arrival.asked)
    tokens = client.tokens(client.redeem(client.code(arrival, request), request), request)
    assert tokens.claims["sub"] == first.claims["sub"]
    before, after = first.claims["auth_time"], tokens.claims["auth_time"]
    assert after > before if asked else after == before


def _returned(client: Client, arrival: Any, request: Any, accepted: tuple[str, ...]) -> None:
    state, issuer = request.parameters["state"], client.at.issuer
    refusals.returned(arrival, accepted, callback=client.party.callback, state=state, issuer=issuer)

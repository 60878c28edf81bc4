"""FAPI 2.0 Security Profile and Message Signing: what must succeed, under the names of the OpenID Foundation's plan."""

import secrets
import time
from typing import Any

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.plans import FAPI
from tests.conformance_oidc.relying import Assertion, Client, Proof

LONG = 384  # characters
NONCE = "n" * 64
ORDER = "offline_access openid"

pytestmark = pytest.mark.e2e
SUCCESSES: dict[str, dict[str, Any]] = {
    "happy-flow": {},
    "ensure-authorization-request-with-64-char-nonce-success": {"nonce": NONCE},
    "ensure-authorization-request-without-nonce-success": {"nonce": None},
    "ensure-authorization-request-without-state-success": {"state": None},
    "ensure-other-scope-order-succeeds": {"scope": ORDER},
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=module(FAPI + name)) for name in SUCCESSES])
def test_flow(visitor: Visitor, border: Client, signing: Client, name: str) -> None:
    """A sound client that is turned away, or given another state or nonce than it sent."""
    for client in (border, signing):
        client.flow(visitor, **SUCCESSES[name])


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param(name, marks=module(f"{FAPI}ensure-authorization-request-with-long-{name}"))
        for name in ("nonce", "state")
    ],
)
def test_long_value(visitor: Visitor, border: Client, parameter: str) -> None:
    """A value that is cut off. Refusing it would do, too; 384 characters are accepted, and 1000 may be refused."""
    border.flow(visitor, **{parameter: secrets.token_urlsafe(LONG)[:LONG]})
    longer = border.push(border.request(**{parameter: "x" * 1000}).parameters)
    if longer.status != 201:
        refusals.answered(longer, refusals.REQUEST)


@module(FAPI + "ensure-dpop-auth-code-binding-success")
def test_key_named_in_the_request(visitor: Visitor, border: Client) -> None:
    """A code that the key of dpop_jkt cannot redeem."""
    border.flow(visitor, dpop_jkt=relying.thumbprint(border.proof_key))


@module(FAPI + "ensure-dpopproof-at-par-endpoint-binding-success")
def test_proof_with_the_request(visitor: Visitor, border: Client) -> None:
    """A code that the key of the pushed request's proof cannot redeem."""
    request = border.request()
    arrival = border.go(visitor, border.pushed(request.parameters, proof=Proof()))
    border.tokens(border.redeem(border.code(arrival, request), request), request)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(seconds, marks=module(f"{FAPI}ensure-dpopproof-with-iat-10seconds-{name}-succeeds"))
        for name, seconds in (("after", 10), ("before", -10))
    ],
)
def test_clock_of_the_proof(visitor: Visitor, border: Client, seconds: int) -> None:
    """A client whose clock is ten seconds wrong."""
    request = border.request()
    arrival = border.go(visitor, border.pushed(request.parameters, proof=Proof({"iat": int(time.time()) + seconds})))
    proof = Proof({"iat": int(time.time()) + seconds})
    tokens = border.tokens(border.redeem(border.code(arrival, request), request, proof=proof), request)
    assert border.userinfo(tokens.access, proof=Proof({"iat": int(time.time()) + seconds})).status == 200


@module(FAPI + "check-dpop-proof-nbf-exp")
def test_further_times_in_the_proof(visitor: Visitor, border: Client) -> None:
    """A proof that says more of time than it must."""
    request = border.request()
    code = border.code(border.arrived(visitor, request), request)
    now = int(time.time())
    proof = Proof({"nbf": now, "exp": now + 300})
    tokens = border.tokens(border.redeem(code, request, proof=proof), request)
    assert border.userinfo(tokens.access, proof=proof).status == 200


@module(FAPI + "access-token-type-header-case-sensitivity")
def test_scheme_in_other_letters(visitor: Visitor, border: Client) -> None:
    """A scheme that is compared by case (RFC 9110 §11.1)."""
    tokens = border.flow(visitor)
    for scheme in ("dpop", "DPOP", "dPoP"):
        assert border.userinfo(tokens.access, scheme=scheme).status == 200


@module(FAPI + "par-without-duplicate-parameters")
def test_nothing_but_the_reference(visitor: Visitor, border: Client, signing: Client) -> None:
    """A request whose parameters are wanted twice."""
    for client in (border, signing):
        request = client.request()
        reference = client.pushed(client.sent(request))
        assert set(reference) == {"client_id", "request_uri"}
        client.tokens(client.redeem(client.code(client.go(visitor, reference), request), request), request)


@module(FAPI + "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds")
def test_reference_twice_before_the_login(visitor: Visitor, border: Client) -> None:
    """A reference that is used up by a browser that only looked ahead."""
    request = border.request()
    reference = border.pushed(request.parameters)
    ahead = visitor.look(border.at.metadata["authorization_endpoint"], reference)
    assert ahead.status in (302, 303) and "/account/login" in ahead.headers["location"]
    border.tokens(border.redeem(border.code(border.go(visitor, reference), request), request), request)


@module(FAPI + "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted")
def test_assertion_of_the_near_future(border: Client) -> None:
    """A client whose clock is ahead."""
    soon = int(time.time()) + 8
    border.pushed(border.request().parameters, auth=Assertion({"nbf": soon, "iat": soon}))


@module(FAPI + "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted")
def test_object_of_the_near_future(visitor: Visitor, signing: Client) -> None:
    """A signer whose clock is ahead."""
    soon, request = int(time.time()) + 8, signing.request()
    reference = signing.pushed({"request": signing.signed(request, nbf=soon, iat=soon, exp=soon + 60)})
    signing.code(signing.go(visitor, reference), request)


@module(FAPI + "ensure-request-object-with-multiple-aud-succeeds")
def test_object_for_several(visitor: Visitor, signing: Client) -> None:
    """An object that names us among others."""
    request = signing.request()
    several = [signing.at.issuer, "https://other1.example", "https://other2.example"]
    signing.code(signing.go(visitor, signing.pushed({"request": signing.signed(request, aud=several)})), request)


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param(name, marks=module(f"{FAPI}ensure-different-{name}-inside-and-outside-request-object"))
        for name in ("nonce", "state")
    ],
)
def test_other_value_outside(visitor: Visitor, signing: Client, parameter: str) -> None:
    """A value that the browser could change, used in place of the signed one."""
    request = signing.request()
    reference = signing.pushed({"request": signing.signed(request)})
    arrival = signing.go(visitor, {**reference, parameter: "another"})
    signing.tokens(signing.redeem(signing.code(arrival, request), request), request)


@module(FAPI + "state-only-outside-request-object-not-used")
def test_state_outside_only(visitor: Visitor, signing: Client) -> None:
    """A state that nobody signed comes back."""
    request = signing.request(state=None)
    reference = signing.pushed({"request": signing.signed(request)})
    arrival = signing.go(visitor, {**reference, "state": "outside"})
    signing.tokens(signing.redeem(signing.code(arrival, request), request), request)


@module("fapi2-message-signing-final-happy-flow")
def test_signed_response(visitor: Visitor, signing: Client) -> None:
    """A signed response that is not for this client, lives too long, or says something beside it (JARM §2.1)."""
    for mode in ("jwt", "query.jwt", "form_post.jwt"):
        request = signing.request(response_mode=mode)
        arrival = signing.arrived(visitor, request)
        assert set(arrival.parameters) == {"response"} and arrival.by_form == mode.startswith("form")
        claims = jose.verified(arrival.parameters["response"], signing.at.signing_keys())
        assert (claims["iss"], claims["aud"]) == (signing.at.issuer, signing.party.client_id)
        assert time.time() < claims["exp"] < time.time() + 600 and claims["state"] == request.parameters["state"]
        signing.tokens(signing.redeem(claims["code"], request), request)

"""FAPI 2.0 Security Profile and Message Signing: what must succeed, under the module names of the Foundation's plans.

In the first plan requests and responses are plain, in the second both are signed (JAR, JARM).
"""

import json
import secrets
import time
from typing import Any

import pytest

from tests.conformance import wire
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, relying, told, transport
from tests.conformance_oidc.plans import FAPI, SIGNING, Plan, each, module
from tests.conformance_oidc.relying import Assertion, Client, Proof

pytestmark = pytest.mark.e2e
STATE = "s" * 128
LONG = {  # module -> parameter, and its length in characters
    "ensure-authorization-request-with-long-nonce": ("nonce", 384),
    "ensure-authorization-request-with-long-state": ("state", 1000),
}
SUCCESSES: dict[str, dict[str, Any]] = {
    "ensure-authorization-request-with-64-char-nonce-success": {"nonce": "n" * 64},
    "ensure-authorization-request-without-nonce-success": {"nonce": None},
    "ensure-authorization-request-without-state-success": {"state": None},
    "ensure-other-scope-order-succeeds": {"scope": "offline_access openid"},
}
CLOCKS = {
    "ensure-dpopproof-with-iat-10seconds-after-succeeds": 10,
    "ensure-dpopproof-with-iat-10seconds-before-succeeds": -10,
}
OUTSIDE = {
    "ensure-different-nonce-inside-and-outside-request-object": "nonce",
    "ensure-different-state-inside-and-outside-request-object": "state",
}


@each(SUCCESSES, *FAPI)
def test_flow(visitor: Visitor, client: Client, case: dict[str, Any]) -> None:
    """A sound client that is turned away, or given another state or nonce than it sent."""
    client.flow(visitor, **case)


@module("happy-flow", *FAPI)
def test_two_clients(visitor: Visitor, plan: Plan, client: Client, other: Client) -> None:
    """The plain way, and a second client with a query in its redirect URI, a long nonce and its key named beforehand.

    Old TLS is refused, and so is an access token in the query of a URL, where logs keep it.
    """
    tokens = client.flow(visitor)
    jkt = relying.thumbprint(other.proof_key)
    assert other.flow(visitor, nonce="n" * 43, state=STATE, dpop_jkt=jkt).claims["sub"] != tokens.claims["sub"]
    url = client.at.metadata["userinfo_endpoint"]
    headers = {"DPoP": client.proof("GET", url, Proof(), tokens.access)}
    in_query = wire.send("GET", f"{url}?access_token={tokens.access}", headers=headers)
    assert 400 <= in_query.status < 500 and "sub" not in in_query.text
    transport.is_modern(client.at.issuer)
    for mode in ("query.jwt", "form_post.jwt") if plan is SIGNING else ():
        Client(client.party, client.at, mode).flow(visitor)


@each(LONG, *FAPI)
def test_long_value(visitor: Visitor, client: Client, case: tuple[str, int]) -> None:
    """A value that is cut off. Refusing one this long would do, too."""
    name, length = case
    request = client.request(**{name: secrets.token_urlsafe(length)[:length]})
    answer = client.push(client.sent(request))
    if answer.status != 201:
        refusals.answered(answer, refusals.REQUEST)
        return
    arrival = client.go(visitor, {"client_id": client.party.client_id, "request_uri": answer.json()["request_uri"]})
    client.tokens(client.redeem(client.code(arrival, request), request), request)


@module("test-claims-parameter-identity-claims", *FAPI)
def test_every_claim(visitor: Visitor, client: Client) -> None:
    """A claim that discovery promises and nobody gets, or one that nobody asked for."""
    supported = {name for names in told.SCOPES.values() for name in names} & set(client.at.metadata["claims_supported"])
    forms: list[Any] = [None, {}, {"essential": True}, {"x5yz": "unknown"}, {"essential": False}]
    asked = {name: forms[number % len(forms)] for number, name in enumerate(sorted(supported))}
    elsewhere = {"q7hB": {"w3kf": None}}
    tokens = client.flow(visitor, claims=json.dumps({"id_token": asked, "userinfo": asked, **elsewhere}))
    in_token = {name: value for name, value in tokens.claims.items() if name.partition("#")[0] in supported}
    known = told.names({**told.sound(in_token), **client.knows(tokens)})
    assert known >= supported, supported - known


@module("ensure-dpop-auth-code-binding-success", *FAPI)
def test_key_named_in_the_request(visitor: Visitor, client: Client) -> None:
    """A code that the key of dpop_jkt cannot redeem."""
    request = client.request(dpop_jkt=relying.thumbprint(client.proof_key))
    arrival = client.go(visitor, client.pushed(client.sent(request), proof=Proof()))
    client.knows(client.tokens(client.redeem(client.code(arrival, request), request), request))


@module("ensure-dpopproof-at-par-endpoint-binding-success", *FAPI)
def test_proof_with_the_request(visitor: Visitor, client: Client) -> None:
    """A code that the key of the pushed request's proof cannot redeem."""
    request = client.request()
    arrival = client.go(visitor, client.pushed(client.sent(request), proof=Proof()))
    client.knows(client.tokens(client.redeem(client.code(arrival, request), request), request))


@each(CLOCKS, *FAPI)
def test_clock_of_the_proof(visitor: Visitor, client: Client, case: int) -> None:
    """A client whose clock is ten seconds wrong."""

    def proof() -> Proof:
        return Proof({"iat": int(time.time()) + case})

    request = client.request()
    arrival = client.go(visitor, client.pushed(client.sent(request), proof=proof()))
    tokens = client.tokens(client.redeem(client.code(arrival, request), request, proof=proof()), request)
    assert client.userinfo(tokens.access, proof=proof()).status == 200


@module("check-dpop-proof-nbf-exp", *FAPI)
def test_further_times_in_the_proof(visitor: Visitor, client: Client) -> None:
    """A proof that says more of time than it must."""
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    now = int(time.time())
    proof = Proof({"nbf": now, "exp": now + 300})
    tokens = client.tokens(client.redeem(code, request, proof=proof), request)
    assert client.userinfo(tokens.access, proof=proof).status == 200


@module("access-token-type-header-case-sensitivity", *FAPI)
def test_scheme_in_other_letters(visitor: Visitor, client: Client) -> None:
    """A scheme that is compared by case (RFC 9110 §11.1)."""
    tokens = client.flow(visitor)
    for scheme in ("dpop", "DPOP", "dPoP"):
        assert client.userinfo(tokens.access, scheme=scheme).status == 200


@module("par-without-duplicate-parameters", *FAPI)
def test_nothing_but_the_reference(visitor: Visitor, client: Client) -> None:
    """A request whose parameters are wanted twice."""
    request = client.request()
    reference = client.pushed(client.sent(request))
    assert set(reference) == {"client_id", "request_uri"}
    client.tokens(client.redeem(client.code(client.go(visitor, reference), request), request), request)


@module("par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", *FAPI)
def test_reference_twice_before_the_login(visitor: Visitor, client: Client) -> None:
    """A reference that is used up by a browser that only looked ahead."""
    request = client.request()
    reference = client.pushed(client.sent(request))
    ahead = visitor.look(client.at.metadata["authorization_endpoint"], reference)
    assert ahead.status in (302, 303) and "/account/login" in ahead.headers["location"]
    client.tokens(client.redeem(client.code(client.go(visitor, reference), request), request), request)


@module("par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", *FAPI)
def test_assertion_of_the_near_future(visitor: Visitor, client: Client) -> None:
    """A client whose clock is ahead."""
    soon, request = int(time.time()) + 8, client.request()
    reference = client.pushed(client.sent(request), auth=Assertion({"nbf": soon, "iat": soon}))
    client.code(client.go(visitor, reference), request)


@module("ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", SIGNING)
def test_object_of_the_near_future(visitor: Visitor, client: Client) -> None:
    """A signer whose clock is ahead."""
    soon, request = int(time.time()) + 8, client.request()
    reference = client.pushed({"request": client.signed(request, nbf=soon, iat=soon, exp=soon + 60)})
    client.code(client.go(visitor, reference), request)


@module("ensure-request-object-with-multiple-aud-succeeds", SIGNING)
def test_object_for_several(visitor: Visitor, client: Client) -> None:
    """An object that names us among others."""
    request = client.request()
    several = [client.at.issuer, "https://other1.example", "https://other2.example"]
    reference = client.pushed({"request": client.signed(request, aud=several)})
    client.tokens(client.redeem(client.code(client.go(visitor, reference), request), request), request)


@each(OUTSIDE, *FAPI)
def test_other_value_outside(visitor: Visitor, client: Client, case: str) -> None:
    """A value that the browser could change, used in place of the pushed one."""
    request = client.request()
    reference = client.pushed(client.sent(request))
    arrival = client.go(visitor, {**reference, case: "another"})
    client.tokens(client.redeem(client.code(arrival, request), request), request)


@module("state-only-outside-request-object-not-used", *FAPI)
def test_state_outside_only(visitor: Visitor, client: Client) -> None:
    """A state that was not pushed comes back."""
    request = client.request(state=None)
    reference = client.pushed(client.sent(request))
    arrival = client.go(visitor, {**reference, "state": "outside"})
    client.tokens(client.redeem(client.code(arrival, request), request), request)

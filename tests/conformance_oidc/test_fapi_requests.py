"""FAPI 2.0: authorization requests that must be refused, under the names and with the errors of the Foundation's plans.

Each would succeed but for one thing. In the plan of Message Signing the parameters stand in a request object.
"""

import json
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest

from tests.conformance import jose, wire
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.plans import FAPI, SIGNING, each, module
from tests.conformance_oidc.refusals import AUTHENTICATION, OBJECT, REQUEST, REQUEST_OR_OBJECT
from tests.conformance_oidc.relying import Assertion, Client, Proof

pytestmark = pytest.mark.e2e
ELSEWHERE = "https://other1.example/callback"
REFERENCE = "urn:ietf:params:oauth:request_uri:E2ooXxELkEFSKR90ymYVabc"
FAR = 70  # seconds ahead, or lifetime in minutes: past every tolerance
TYPES = ("unsupported_response_type", "invalid_request", "unauthorized_client")
STATE = "s" * 128

# Module -> parameters, and the errors accepted from the pushed authorization request endpoint.
PARAMETERS: dict[str, tuple[dict[str, Any], Collection[str]]] = {
    "ensure-redirect-uri-in-authorization-request": ({"redirect_uri": None}, REQUEST_OR_OBJECT),
    "ensure-request-object-without-redirect-uri-fails": ({"redirect_uri": None}, REQUEST_OR_OBJECT),
    "ensure-registered-redirect-uri": ({"redirect_uri": ELSEWHERE}, REQUEST_OR_OBJECT),
    "plain-fapi-tolerate-unregistered-redirect-uri": ({"redirect_uri": ELSEWHERE}, REQUEST_OR_OBJECT),
    "ensure-response-type-code-idtoken-fails": ({"response_type": "code id_token"}, TYPES),
    "ensure-response-type-token-fails": ({"response_type": "token"}, TYPES),
    "par-ensure-pkce-required": ({"code_challenge": None, "code_challenge_method": None}, REQUEST),
    "par-plain-pkce-rejected": ({"code_challenge_method": "plain"}, REQUEST),
}
# Module -> claims of the request object, given the time.
OBJECTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "ensure-expired-request-object-fails": lambda now: {"exp": now - 300, "nbf": now - 600},
    "ensure-request-object-with-bad-aud-fails": lambda now: {"aud": "https://other1.example"},
    "ensure-request-object-with-exp-over-60-fails": lambda now: {"exp": now + FAR * 60},
    "ensure-request-object-with-nbf-over-60-fails": lambda now: {"nbf": now - FAR * 60},
    "ensure-request-object-without-exp-fails": lambda now: {"exp": None},
    "ensure-request-object-without-nbf-fails": lambda now: {"nbf": None},
    "par-authorization-request-containing-request_uri": lambda now: {"request_uri": REFERENCE},
}
# Module -> claims of the client assertion, given the server's metadata and the time.
ASSERTIONS: dict[str, Callable[[Any, int], dict[str, Any]]] = {
    "par-test-array-as-audience-fails": lambda it, now: {"aud": [it["issuer"], "https://other1.example"]},
    "par-test-par-endpoint-url-as-audience-fails": (
        lambda it, now: {"aud": it["pushed_authorization_request_endpoint"]}
    ),
    "par-test-token-endpoint-url-as-audience-fails": lambda it, now: {"aud": it["token_endpoint"]},
    "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": (
        lambda it, now: {"iat": now + FAR, "nbf": now + FAR, "exp": now + FAR + 60}
    ),
}


@each(PARAMETERS, *FAPI)
def test_parameters(client: Client, case: tuple[dict[str, Any], Collection[str]]) -> None:
    """A parameter that FAPI 2.0 does not let through."""
    changes, accepted = case
    client.pushed(client.sent(client.request()))
    refusals.answered(client.push(client.sent(client.request(**changes))), accepted)


@module("par-authorization-request-containing-request_uri-form-param", *FAPI)
def test_reference_in_the_form(client: Client) -> None:
    """A pushed request that refers to another (RFC 9126 §2.1)."""
    sent = {**client.sent(client.request()), "request_uri": REFERENCE}
    refusals.answered(client.push(sent), (*REQUEST_OR_OBJECT, "request_uri_not_supported"))


@each(OBJECTS, SIGNING)
def test_objects(client: Client, case: Callable[[int], dict[str, Any]]) -> None:
    """A request object whose claims are not sound."""
    request, now = client.request(), int(time.time())
    client.pushed({"request": client.signed(client.request())})
    refusals.answered(client.push({"request": client.signed(request, **case(now))}), OBJECT)


@each(ASSERTIONS, *FAPI)
def test_assertions(client: Client, case: Callable[[Any, int], dict[str, Any]]) -> None:
    """A client assertion that was made for somebody or some time else."""
    claims = case(client.at.metadata, int(time.time()))
    refusals.answered(client.push(client.sent(client.request()), auth=Assertion(claims)), AUTHENTICATION)


@module("ensure-request-object-signature-algorithm-is-not-none", SIGNING)
def test_unsigned_object(client: Client) -> None:
    """An object that nobody signed."""
    claims = jose.claims(client.signed(client.request()))
    refusals.answered(client.push({"request": relying.unsigned(claims)}), OBJECT)


@module("ensure-request-object-with-invalid-signature-fails", SIGNING)
def test_broken_object(client: Client) -> None:
    """A signature that is not looked at."""
    broken = jose.with_broken_signature(client.signed(client.request()))
    refusals.answered(client.push({"request": broken}), OBJECT)


@module("ensure-signed-request-object-with-RS256-fails", SIGNING)
def test_object_by_rs256(client: Client, other: Client) -> None:
    """An algorithm that FAPI 2.0 leaves out (§5.4.1): by a key published for it, and by one published for PS256."""
    refusals.answered(client.push({"request": client.signed(client.request(), key=client.party.rsa)}), OBJECT)
    refusals.answered(other.push({"request": other.signed(other.request(), key=other.party.key.by("RS256"))}), OBJECT)


@module("ensure-matching-key-in-authorization-request", SIGNING)
def test_object_by_another_client(client: Client, other: Client) -> None:
    """An object that another client signed."""
    foreign = client.signed(client.request(), key=other.party.key)
    refusals.answered(client.push({"request": foreign}), REQUEST_OR_OBJECT)


@module("ensure-unsigned-request-at-par-endpoint-fails", SIGNING)
def test_request_without_object(client: Client) -> None:
    """A plain request of a client that promised to sign."""
    refusals.answered(client.push(client.request().parameters), REQUEST)


@module("ensure-mismatched-dpop-jkt-fails", *FAPI)
def test_two_keys_in_the_request(client: Client) -> None:
    """A request that names one key and proves another."""
    named = client.sent(client.request(dpop_jkt=relying.thumbprint(jose.generate())))
    refusals.answered(client.push(named, proof=Proof()), ("invalid_request", "invalid_dpop_proof"))


@module("par-attempt-invalid-http-method", *FAPI)
def test_method(client: Client) -> None:
    """A request that is kept although it was no POST (RFC 9126 §2.3)."""
    form = client.sent(client.request())
    answer = client.call("pushed_authorization_request_endpoint", form, auth=Assertion(), method="PUT")
    assert 400 <= answer.status < 500 and "request_uri" not in json.loads(answer.body)
    assert wire.get(client.at.metadata["pushed_authorization_request_endpoint"]).status == 405


@module("ensure-unsigned-authorization-request-without-using-par-fails", *FAPI)
def test_request_by_the_browser(visitor: Visitor, client: Client) -> None:
    """A request that came through the browser, where it could be changed; or one that was signed, but not pushed."""
    refusals.shown(client.go(visitor, client.request().parameters), REQUEST)
    signed = {"client_id": client.party.client_id, "request": client.signed(client.request())}
    refusals.shown(client.go(visitor, signed), REQUEST)


@module("par-attempt-reuse-request_uri", *FAPI)
def test_reference_after_the_answer(visitor: Visitor, client: Client) -> None:
    """A reference that brings a second code."""
    request = client.request()
    reference = client.pushed(client.sent(request))
    client.code(client.go(visitor, reference), request)
    refusals.shown(client.go(visitor, reference), ("invalid_request_uri",))


@module("par-attempt-to-use-request_uri-for-different-client", *FAPI)
def test_reference_of_another_client(visitor: Visitor, client: Client, other: Client) -> None:
    """A reference that another client may use."""
    reference = {**client.pushed(client.sent(client.request())), "client_id": other.party.client_id}
    refusals.shown(client.go(visitor, reference), (*REQUEST_OR_OBJECT, "invalid_request_uri"))


@module("user-rejects-authentication", *FAPI)
def test_traveller_refuses(visitor: Visitor, client: Client, other: Client) -> None:
    """A refusal that does not reach the client, or not as one."""
    for each_client in (client, other):
        request = each_client.request(prompt="consent", state=STATE)
        arrival = each_client.arrived(visitor, request, decision="deny")
        refusals.returned(arrival, ("access_denied",), each_client, request)

"""FAPI 2.0: authorization requests that must be refused, under the names and with the errors of the Foundation's plan.

Each would succeed but for one thing.
"""

import json
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest

from tests.conformance import jose, wire
from tests.conformance.browsing import Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.plans import FAPI
from tests.conformance_oidc.refusals import AUTHENTICATION, OBJECT, REQUEST, REQUEST_OR_OBJECT
from tests.conformance_oidc.relying import Assertion, Client, Proof

pytestmark = pytest.mark.e2e
ELSEWHERE = "https://other1.example/callback"
FAR = 70  # seconds ahead, or lifetime in minutes: past every tolerance
TYPES = ("unsupported_response_type", "invalid_request", "unauthorized_client")

# Module -> parameters, and the errors accepted from the pushed authorization request endpoint.
PARAMETERS: dict[str, tuple[dict[str, Any], Collection[str]]] = {
    "ensure-redirect-uri-in-authorization-request": ({"redirect_uri": None}, REQUEST_OR_OBJECT),
    "ensure-registered-redirect-uri": ({"redirect_uri": ELSEWHERE}, REQUEST_OR_OBJECT),
    "plain-fapi-tolerate-unregistered-redirect-uri": ({"redirect_uri": ELSEWHERE}, REQUEST_OR_OBJECT),
    "ensure-response-type-code-idtoken-fails": ({"response_type": "code id_token"}, TYPES),
    "ensure-response-type-token-fails": ({"response_type": "token"}, TYPES),
    "par-ensure-pkce-required": ({"code_challenge": None, "code_challenge_method": None}, REQUEST),
    "par-plain-pkce-rejected": ({"code_challenge_method": "plain"}, REQUEST),
    "par-authorization-request-containing-request_uri-form-param": (
        {"request_uri": "urn:ietf:params:oauth:request_uri:abc"},
        (*REQUEST_OR_OBJECT, "request_uri_not_supported"),
    ),
}
# Module -> claims of the request object, given the time.
OBJECTS: dict[str, tuple[Callable[[int], dict[str, Any]], Collection[str]]] = {
    "ensure-expired-request-object-fails": (lambda now: {"exp": now - 300, "nbf": now - 600}, OBJECT),
    "ensure-request-object-with-bad-aud-fails": (lambda now: {"aud": "https://other1.example"}, OBJECT),
    "ensure-request-object-with-exp-over-60-fails": (lambda now: {"exp": now + FAR * 60}, OBJECT),
    "ensure-request-object-with-nbf-over-60-fails": (lambda now: {"nbf": now - FAR * 60}, OBJECT),
    "ensure-request-object-without-exp-fails": (lambda now: {"exp": None}, REQUEST_OR_OBJECT),
    "ensure-request-object-without-nbf-fails": (lambda now: {"nbf": None}, REQUEST_OR_OBJECT),
    "ensure-request-object-without-redirect-uri-fails": (lambda now: {"redirect_uri": None}, REQUEST_OR_OBJECT),
    "par-authorization-request-containing-request_uri": (
        lambda now: {"request_uri": "urn:ietf:params:oauth:request_uri:abc"},
        OBJECT,
    ),
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


def _modules(table: Collection[str]) -> list[Any]:
    return [pytest.param(name, marks=module(FAPI + name)) for name in table]


@pytest.mark.parametrize("name", _modules(PARAMETERS))
def test_parameters(border: Client, name: str) -> None:
    """A parameter that FAPI 2.0 does not let through."""
    changes, accepted = PARAMETERS[name]
    border.pushed(border.request().parameters)
    refusals.answered(border.push(border.request(**changes).parameters), accepted)


@pytest.mark.parametrize("name", _modules(OBJECTS))
def test_objects(signing: Client, name: str) -> None:
    """A request object whose claims are not sound."""
    changes, accepted = OBJECTS[name]
    request, now = signing.request(), int(time.time())
    signing.pushed({"request": signing.signed(signing.request())})
    refusals.answered(signing.push({"request": signing.signed(request, **changes(now))}), accepted)


@pytest.mark.parametrize("name", _modules(ASSERTIONS))
def test_assertions(border: Client, name: str) -> None:
    """A client assertion that was made for somebody or some time else."""
    claims = ASSERTIONS[name](border.at.metadata, int(time.time()))
    refusals.answered(border.push(border.request().parameters, auth=Assertion(claims)), AUTHENTICATION)


@module(FAPI + "ensure-request-object-signature-algorithm-is-not-none")
def test_unsigned_object(signing: Client) -> None:
    """An object that nobody signed."""
    claims = jose.claims(signing.signed(signing.request()))
    refusals.answered(signing.push({"request": relying.unsigned(claims)}), OBJECT)


@module(FAPI + "ensure-request-object-with-invalid-signature-fails")
def test_broken_object(signing: Client) -> None:
    """A signature that is not looked at."""
    broken = jose.with_broken_signature(signing.signed(signing.request()))
    refusals.answered(signing.push({"request": broken}), OBJECT)


@module(FAPI + "ensure-signed-request-object-with-RS256-fails")
def test_object_by_rs256(signing: Client) -> None:
    """An algorithm that FAPI 2.0 leaves out (§5.4.1), by a key that the client published."""
    refusals.answered(signing.push({"request": signing.signed(signing.request(), key=signing.party.rsa)}), OBJECT)


@module(FAPI + "ensure-matching-key-in-authorization-request")
def test_object_by_another_client(signing: Client, other: Client) -> None:
    """An object that another client signed."""
    foreign = signing.signed(signing.request(), key=other.party.key)
    refusals.answered(signing.push({"request": foreign}), REQUEST_OR_OBJECT)


@module(FAPI + "ensure-unsigned-request-at-par-endpoint-fails")
def test_request_without_object(signing: Client) -> None:
    """A plain request of a client that promised to sign."""
    refusals.answered(signing.push(signing.request().parameters), REQUEST_OR_OBJECT)


@module(FAPI + "ensure-mismatched-dpop-jkt-fails")
def test_two_keys_in_the_request(border: Client) -> None:
    """A request that names one key and proves another."""
    named = border.request(dpop_jkt=relying.thumbprint(jose.generate())).parameters
    refusals.answered(border.push(named, proof=Proof()), ("invalid_request", "invalid_dpop_proof"))


@module(FAPI + "par-attempt-invalid-http-method")
def test_method(border: Client) -> None:
    """A request that is kept although it was no POST (RFC 9126 §2.3)."""
    form = border.request().parameters
    answer = border.call("pushed_authorization_request_endpoint", form, auth=Assertion(), method="PUT")
    assert 400 <= answer.status < 500 and "request_uri" not in json.loads(answer.body)
    assert wire.get(border.at.metadata["pushed_authorization_request_endpoint"]).status == 405


@module(FAPI + "ensure-unsigned-authorization-request-without-using-par-fails")
def test_request_by_the_browser(visitor: Visitor, border: Client, signing: Client) -> None:
    """A request that came through the browser, where it could be changed; and one that was signed, but not pushed."""
    refusals.shown(border.go(visitor, border.request().parameters), REQUEST)
    signed = {"client_id": signing.party.client_id, "request": signing.signed(signing.request())}
    refusals.shown(signing.go(visitor, signed), REQUEST)


@module(FAPI + "par-attempt-reuse-request_uri")
def test_reference_after_the_answer(visitor: Visitor, border: Client) -> None:
    """A reference that brings a second code."""
    request = border.request()
    reference = border.pushed(request.parameters)
    border.code(border.go(visitor, reference), request)
    refusals.shown(border.go(visitor, reference), ("invalid_request_uri",))


@module(FAPI + "par-attempt-to-use-request_uri-for-different-client")
def test_reference_of_another_client(visitor: Visitor, border: Client, other: Client) -> None:
    """A reference that another client may use."""
    reference = {**border.pushed(border.request().parameters), "client_id": other.party.client_id}
    refusals.shown(border.go(visitor, reference), (*REQUEST_OR_OBJECT, "invalid_request_uri"))


@module(FAPI + "user-rejects-authentication")
def test_traveller_refuses(visitor: Visitor, border: Client) -> None:
    """A refusal that does not reach the client, or not as one."""
    request = border.request(prompt="consent")
    arrival = border.arrived(visitor, request, decision="deny")
    state, issuer = request.parameters["state"], border.at.issuer
    refusals.returned(arrival, ("access_denied",), callback=border.party.callback, state=state, issuer=issuer)

"""FAPI 2.0: token requests that must be refused, refresh tokens, and proofs at a resource, under the plans' names."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, relying, transport
from tests.conformance_oidc.plans import FAPI, each, module
from tests.conformance_oidc.refusals import AUTHENTICATION, GRANT, PROOF
from tests.conformance_oidc.relying import Assertion, Client, Proof

pytestmark = pytest.mark.e2e
# Module -> how the token request is other than it should be, and the errors accepted.
REQUESTS: dict[str, tuple[Callable[[Client], dict[str, Any]], tuple[str, ...]]] = {
    "ensure-client-assertion-in-token-endpoint": (
        lambda it: {"auth": None, "client_id": it.party.client_id},
        AUTHENTICATION,
    ),
    "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails": (
        lambda it: {"auth": Assertion({"exp": int(time.time()) - 300})},
        AUTHENTICATION,
    ),
    "ensure-client-assertion-with-no-sub-fails": (lambda it: {"auth": Assertion({"sub": None})}, AUTHENTICATION),
    "ensure-client-assertion-with-wrong-aud-fails": (
        lambda it: {"auth": Assertion({"aud": "https://other1.example"})},
        AUTHENTICATION,
    ),
    "ensure-signed-client-assertion-with-RS256-fails": (
        lambda it: {"auth": Assertion(key=it.party.rsa)},
        ("invalid_client",),
    ),
    "ensure-pkce-code-verifier-required": (lambda it: {"code_verifier": None}, GRANT),
    "incorrect-pkce-code-verifier-rejected": (lambda it: {"code_verifier": secrets.token_urlsafe(32)}, GRANT),
}
NO_REFRESH = ("invalid_client", "invalid_grant", "invalid_request")


@each(REQUESTS, *FAPI)
def test_token_request(
    visitor: Visitor, client: Client, case: tuple[Callable[[Client], dict[str, Any]], tuple[str, ...]]
) -> None:
    """A code that is good for whoever found it."""
    change, accepted = case
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    refusals.answered(client.redeem(code, request, **change(client)), accepted)
    client.tokens(client.redeem(code, request), request)  # and all that was wrong with it was this


@module("ensure-holder-of-key-required", *FAPI)
def test_no_proof(visitor: Visitor, client: Client) -> None:
    """A token that is bound to nothing, or one that came over old TLS."""
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    refusals.answered(client.redeem(code, request, proof=None), PROOF)
    client.tokens(client.redeem(code, request), request)
    for endpoint in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint"):
        transport.is_modern(client.at.metadata[endpoint])


@module("ensure-authorization-code-is-bound-to-client", *FAPI)
def test_code_of_another_client(visitor: Visitor, client: Client, other: Client) -> None:
    """A code that another client may redeem."""
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    other.proof_key = client.proof_key
    refusals.answered(other.redeem(code, request), GRANT)


@module("ensure-client-id-in-token-endpoint", *FAPI)
def test_name_of_another_client(visitor: Visitor, client: Client, other: Client) -> None:
    """A client that may call itself another, beside its assertion or in it."""
    who = other.party.client_id
    accepted = ("invalid_client", "invalid_grant")
    for auth in (Assertion(), Assertion({"iss": who, "sub": who})):
        request = client.request()
        code = client.code(client.arrived(visitor, request), request)
        refusals.answered(client.redeem(code, request, auth=auth, client_id=who), accepted)


@module("ensure-token-endpoint-fails-with-mismatched-dpop-jkt", *FAPI)
def test_other_key_than_named(visitor: Visitor, client: Client) -> None:
    """A code that another key than that of dpop_jkt may redeem (RFC 9449 §10)."""
    request = client.request(dpop_jkt=relying.thumbprint(jose.generate()))
    code = client.code(client.arrived(visitor, request), request)
    refusals.answered(client.redeem(code, request), PROOF)


@module("ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", *FAPI)
def test_other_key_than_pushed(visitor: Visitor, client: Client) -> None:
    """A code that another key than that of the pushed request may redeem."""
    request = client.request()
    arrival = client.go(visitor, client.pushed(client.sent(request), proof=Proof(key=jose.generate())))
    refusals.answered(client.redeem(client.code(arrival, request), request), PROOF)


@module("attempt-reuse-authorization-code-after-one-second", *FAPI)
def test_code_a_second_later(visitor: Visitor, client: Client) -> None:
    """A code that serves twice, and an access token that outlives the theft."""
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    tokens = client.tokens(client.redeem(code, request), request)
    time.sleep(1)
    refusals.answered(client.redeem(code, request), GRANT)
    assert client.userinfo(tokens.access).status == 401


@module("refresh-token", *FAPI)
def test_refresh(visitor: Visitor, client: Client, other: Client) -> None:
    """A refresh token that works without client or key, or for another client; or one that is lost on the way.

    The suite proves another key at each refresh (RFC 9449 §5 would let a client do so). Here a grant keeps its key.
    """
    tokens = client.flow(visitor, scope="openid offline_access", prompt="consent")
    held = tokens.body["refresh_token"]
    for _ in range(2):  # FAPI 2.0 §5.3.2.1: not rotated, so that a lost answer locks nobody out
        client.refreshed(tokens, held)
    refusals.answered(client.refresh(held, auth=None), NO_REFRESH)
    refusals.answered(client.refresh(held, proof=None), PROOF)
    refusals.answered(client.refresh(held, proof=Proof(key=jose.generate())), GRANT)
    other.proof_key = client.proof_key
    refusals.answered(other.refresh(held), GRANT)
    client.refreshed(tokens, held)


def _without_alg(text: str) -> str:
    head, rest = text.split(".", 1)
    header = {name: value for name, value in json.loads(jose.decode(head)).items() if name != "alg"}
    return f"{jose.encode(json.dumps(header).encode())}.{rest}"


def _none(text: str) -> str:
    head, body, _ = text.split(".")
    header = {**json.loads(jose.decode(head)), "alg": "none"}
    return f"{jose.encode(json.dumps(header).encode())}.{body}."


def _bad_proofs(client: Client) -> dict[str, Proof]:
    now, private = int(time.time()), client.proof_key.private_jwk
    rsa = {name: client.party.rsa.public[name] for name in ("kty", "n", "e")}
    return {
        "twice": Proof(edit=lambda text: f"{text}, {text}"),
        "not a JWT": Proof(edit=lambda text: text.replace(".", "")),
        "no typ": Proof(header={"typ": None}),
        "another typ": Proof(header={"typ": "JWT"}),
        "no alg": Proof(edit=_without_alg),
        "no jwk": Proof(header={"jwk": None}),
        "private jwk": Proof(header={"jwk": {name: private[name] for name in ("kty", "crv", "x", "y", "d")}}),
        "another jwk": Proof(header={"jwk": rsa}),
        **{f"no {name}": Proof({name: None}) for name in ("jti", "htm", "htu", "iat", "ath")},
        "none": Proof(edit=_none),
        "broken": Proof(edit=jose.with_broken_signature),
        "method": Proof({"htm": "PUT"}),
        "url": Proof({"htu": "https://other1.example/oidc/userinfo"}),
        "future": Proof({"iat": now + 3600}),
        "past": Proof({"iat": now - 3600}),
        "ath": Proof({"ath": jose.encode(b"x" * 32)}),
        "key": Proof(key=jose.generate()),
        "RS256": Proof(key=client.party.rsa),
    }


@module("dpop-negative-tests", *FAPI)
def test_proofs_at_a_resource(visitor: Visitor, client: Client) -> None:
    """A proof that proves nothing."""
    tokens = client.flow(visitor)
    for name, proof in _bad_proofs(client).items():
        answer = client.userinfo(tokens.access, proof=proof)
        if answer.status == 200 and name in ("future", "past") and client.nonce is not None:
            continue  # the server's own nonce says when the proof was made
        assert answer.status in (400, 401), f"{name}: {answer.status}"
        assert "dpop" in answer.headers["www-authenticate"].lower(), name
    url = client.at.metadata["userinfo_endpoint"]
    upper = url.replace("https://hk.localhost", "HTTPS://HK.LOCALHOST")
    for htu in (f"{url}?a=b#c", upper):
        assert client.userinfo(tokens.access, proof=Proof({"htu": htu})).status == 200, htu
    assert client.userinfo(tokens.access, proof=Proof(name="DPOP")).status == 200
    extra = Proof({"more": 1}, {"more": 1})
    assert client.userinfo(tokens.access, proof=extra).status == 200
    once = Proof({"jti": secrets.token_urlsafe(16)})
    assert client.userinfo(tokens.access, proof=once).status == 200
    assert client.userinfo(tokens.access, proof=once).status == 401
    for scheme in ("DPoP", "Bearer"):
        assert client.userinfo(tokens.access, proof=None, scheme=scheme).status == 401
    assert client.userinfo(tokens.access).status == 200

"""FAPI 2.0: token requests that must be refused, refresh tokens, and proofs at a resource, under the plan's names."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Visitor
from tests.conformance.modules import module
from tests.conformance_oidc import refusals, relying
from tests.conformance_oidc.plans import FAPI
from tests.conformance_oidc.refusals import AUTHENTICATION, GRANT
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
    "ensure-holder-of-key-required": (
        lambda it: {"proof": None},
        (*AUTHENTICATION, "invalid_dpop_proof"),
    ),
    "ensure-pkce-code-verifier-required": (lambda it: {"code_verifier": None}, GRANT),
    "incorrect-pkce-code-verifier-rejected": (lambda it: {"code_verifier": secrets.token_urlsafe(32)}, GRANT),
}
NO_REFRESH = ("invalid_client", "invalid_grant", "invalid_request")


@pytest.mark.parametrize("name", [pytest.param(name, marks=module(FAPI + name)) for name in REQUESTS])
def test_token_request(visitor: Visitor, border: Client, name: str) -> None:
    """A code that is good for whoever found it."""
    change, accepted = REQUESTS[name]
    request = border.request()
    code = border.code(border.arrived(visitor, request), request)
    refusals.answered(border.redeem(code, request, **change(border)), accepted)
    border.tokens(border.redeem(code, request), request)  # and all that was wrong with it was this


@module(FAPI + "ensure-authorization-code-is-bound-to-client")
def test_code_of_another_client(visitor: Visitor, border: Client, other: Client) -> None:
    """A code that another client may redeem."""
    request = border.request()
    code = border.code(border.arrived(visitor, request), request)
    other.proof_key = border.proof_key
    refusals.answered(other.redeem(code, request), GRANT)


@module(FAPI + "ensure-client-id-in-token-endpoint")
def test_name_of_another_client(visitor: Visitor, border: Client, other: Client) -> None:
    """A client that may call itself another beside its assertion."""
    request = border.request()
    code = border.code(border.arrived(visitor, request), request)
    answer = border.redeem(code, request, client_id=other.party.client_id)
    refusals.answered(answer, ("invalid_client", "invalid_grant"))


@module(FAPI + "ensure-token-endpoint-fails-with-mismatched-dpop-jkt")
def test_other_key_than_named(visitor: Visitor, border: Client) -> None:
    """A code that another key than that of dpop_jkt may redeem (RFC 9449 §10)."""
    request = border.request(dpop_jkt=relying.thumbprint(jose.generate()))
    code = border.code(border.arrived(visitor, request), request)
    refusals.answered(border.redeem(code, request), ("invalid_grant", "invalid_dpop_proof", "invalid_request"))


@module(FAPI + "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt")
def test_other_key_than_pushed(visitor: Visitor, border: Client) -> None:
    """A code that another key than that of the pushed request may redeem."""
    request = border.request()
    arrival = border.go(visitor, border.pushed(request.parameters, proof=Proof(key=jose.generate())))
    answer = border.redeem(border.code(arrival, request), request)
    refusals.answered(answer, ("invalid_grant", "invalid_dpop_proof", "invalid_request"))


@module(FAPI + "attempt-reuse-authorization-code-after-one-second")
def test_code_a_second_later(visitor: Visitor, border: Client) -> None:
    """A code that serves twice, and an access token that outlives the theft."""
    request = border.request()
    code = border.code(border.arrived(visitor, request), request)
    tokens = border.tokens(border.redeem(code, request), request)
    time.sleep(1)
    refusals.answered(border.redeem(code, request), GRANT)
    assert border.userinfo(tokens.access).status == 401


@module(FAPI + "refresh-token")
def test_refresh(visitor: Visitor, border: Client, other: Client) -> None:
    """A refresh token that works without client or key, or for another client; or one that is lost on the way."""
    tokens = border.flow(visitor, scope="openid offline_access", prompt="consent")
    held = tokens.body["refresh_token"]
    for _ in range(2):  # FAPI 2.0 §5.3.2.1: not rotated, so that a lost answer locks nobody out
        answer = border.refresh(held)
        assert answer.status == 200, answer.text
        again = answer.json()
        assert again.get("refresh_token", held) == held and again["access_token"] != tokens.access
        assert border.userinfo(again["access_token"]).status == 200
        if "id_token" in again:
            claims = border.id_token(again["id_token"], again["access_token"])
            assert claims["sub"] == tokens.claims["sub"] and claims.get("nonce") in (None, tokens.claims["nonce"])
    refusals.answered(border.refresh(held, auth=None), NO_REFRESH)
    refusals.answered(border.refresh(held, proof=None), ("invalid_request", "invalid_grant", "invalid_dpop_proof"))
    refusals.answered(border.refresh(held, proof=Proof(key=jose.generate())), GRANT)
    other.proof_key = border.proof_key
    refusals.answered(other.refresh(held), GRANT)


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


@module(FAPI + "dpop-negative-tests")
def test_proofs_at_a_resource(visitor: Visitor, border: Client) -> None:
    """A proof that proves nothing."""
    tokens = border.flow(visitor)
    for name, proof in _bad_proofs(border).items():
        answer = border.userinfo(tokens.access, proof=proof)
        assert answer.status in (400, 401), f"{name}: {answer.status}"
        assert "dpop" in answer.headers["www-authenticate"].lower(), name
    url = border.at.metadata["userinfo_endpoint"]
    upper = url.replace("https://hk.localhost", "HTTPS://HK.LOCALHOST")
    for htu in (f"{url}?a=b#c", upper):
        assert border.userinfo(tokens.access, proof=Proof({"htu": htu})).status == 200, htu
    extra = Proof({"more": 1}, {"more": 1})
    assert border.userinfo(tokens.access, proof=extra).status == 200
    once = Proof({"jti": secrets.token_urlsafe(16)})
    assert border.userinfo(tokens.access, proof=once).status == 200
    assert border.userinfo(tokens.access, proof=once).status == 401
    for scheme in ("DPoP", "Bearer"):
        assert border.userinfo(tokens.access, proof=None, scheme=scheme).status == 401
    assert border.userinfo(tokens.access).status == 200

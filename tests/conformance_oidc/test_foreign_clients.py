"""Clients that others wrote, each in its own environment: what they can do with the node, and what they refuse."""

import pytest

from tests.conformance.foreign import Verdict, Verdicts
from tests.conformance.modules import module

OPENID_CLIENT, OAUTH4WEBAPI = "openid-client@6.8.9", "oauth4webapi@3.8.8"
OPENID_CLIENT_MODULES = (
    "discovery-of-openid-and-of-oauth",
    "code-flow-with-client-secret-basic",
    "code-flow-with-client-secret-post",
    "code-flow-with-private-key-jwt",
    "code-flow-without-pkce-state-and-nonce",
    "id-token-signature-by-the-published-key",
    "form-post",
    "signed-response-by-query",
    "refusal-of-the-traveller",
    "pushed-request-with-dpop",
    "pushed-signed-request-and-signed-response-with-dpop",
    "refresh-with-dpop",
    "code-without-its-verifier-or-key",
    "wrong-secret",
    "changed-callbacks-are-noticed",
    "logout",
)
OAUTH4WEBAPI_MODULES = (
    "discovery-by-both-well-known-forms",
    "code-flow-of-a-conventional-client",
    "code-flow-without-pkce",
    "pushed-request-with-dpop",
    "refresh-with-dpop",
    "access-token-of-rfc-9068-with-dpop",
    "access-token-of-rfc-9068-without-dpop",
    "signed-request-and-signed-response",
    "code-only-once",
    "answers-for-others-are-noticed",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=module(name, OPENID_CLIENT)) for name in OPENID_CLIENT_MODULES]
)
def test_openid_client(openid_client: Verdicts, name: str) -> None:
    """An answer that a widespread client cannot read, or a refusal that it takes for another."""
    _passed(openid_client.of(name))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=module(name, OAUTH4WEBAPI)) for name in OAUTH4WEBAPI_MODULES]
)
def test_oauth4webapi(oauth4webapi: Verdicts, name: str) -> None:
    """The same for a stricter one."""
    _passed(oauth4webapi.of(name))


def _passed(verdict: Verdict) -> None:
    assert verdict.passed, verdict.detail

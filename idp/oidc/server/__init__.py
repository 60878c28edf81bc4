"""Authlib's grant engine, and the only package that knows it: `engine` has requests and clients, `grants` the grants.

Authlib carries the grants for codes, refresh tokens and client credentials and their order of steps; what it leaves to
us or gets wrong is overridden here, each with what it mends:

1. `IssuerParameter` cannot be used under Django, and an answer is always a redirect: `CodeGrant` gives the response's
   parameters to `idp.oidc.responses`, which adds ``iss`` (RFC 9207 §2) and knows the other response modes.
2. Token generators do not see the request: `TokenEndpoint.generate_token` makes the whole token response.
3. `CodeChallenge` takes ``plain`` and answers invalid_request for a bad verifier: `S256` (S256 only, invalid_grant).
4. ``private_key_jwt`` of its own takes any audience and HS256: `authenticate` is `idp.oidc.client_authentication`.
5. A code is deleted after the token is made: `CodeGrant.create_token_response` consumes it first, atomically, and a
   second use revokes the grant. The same for a refresh token that is rotated: `RefreshGrant.create_token_response`.
6. A plain-http URL escapes as a 500, and query and form are merged: `EngineRequest` reads our checked form only.
7. Error descriptions repeat the client's input, and some characters in it raise ValueError: `handle_error_response`
   keeps the error code alone; the text comes from `idp.oidc.errors`.
8. `ClientCredentialsGrant` measures the scope by those of travellers, and writes the token's event apart from what was
   spent: `ClientGrant` runs our checks, and writes both by one statement before the token is signed.
9. Its debug log holds whole tokens: it is never turned on.

`tests/oidc/test_overrides.py` takes each of them away and sees the harm. The rest of Authlib is not used at all: its
userinfo crashes under Django (ours: `idp.oidc.userinfo_views`); its RFC 9068 tokens pass without ``typ`` and, though
bound, as plain ones, and are signed with any key of a set (`idp.oidc.tokens`, `idp.oidc.access`); its request objects
pass with another ``aud``, ``iss`` or ``typ`` (`idp.oidc.request_objects`); its introspection and revocation take a
secret by default (`idp.oidc.introspection`, `idp.oidc.revocation`); `authlib.jose` is deprecated (`idp.protocol.jws`).
"""

import logging
from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from django.http import HttpRequest

from idp.oidc import client_rows, parameters
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, PushedRequest
from idp.oidc.server.engine import METHOD, Engine, EngineRequest, Exchange, Informed, authenticate, confirm, spend
from idp.oidc.server.grants import S256, ClientGrant, CodeGrant, RefreshGrant
from idp.protocol.refusals import Unavailable

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")


def check_authorization(client: Client, values: Mapping[str, Any]) -> None:
    """Let the engine look at a request of ``client`` that is being pushed; raises `OAuthError`."""
    try:
        _asked_by(client, EngineRequest(values, Exchange(now=0))).validate_authorization_request()
    except OAuth2Error as error:
        raise OAuthError(str(error.error), type(error).__name__) from error


def complete(pushed: PushedRequest, *, traveller: Any, granted: Mapping[str, Any], now: int) -> dict[str, str]:
    """Store grant and code for ``pushed``; the response's parameters (RFC 6749 §4.1.2). Raises `OAuthError`."""
    request = EngineRequest(pushed.parameters, Exchange(now=now, pushed=pushed, granted=granted))
    answer: dict[str, str] = ENGINE.create_authorization_response(request, traveller, _asked_by(pushed.client, request))
    return answer


def _asked_by(client: Client, request: EngineRequest) -> Any:
    """The engine's grant for an authorization request; it looks for no client beside the one that is known."""
    grant = ENGINE.get_authorization_grant(request)
    grant.server = Informed(ENGINE, client)
    return grant


def token_response(values: Mapping[str, Any], *, http: HttpRequest, now: int) -> dict[str, Any]:
    """Answer a token request with the form ``values``, of which ``resource`` is a list (RFC 6749 §5.1).

    Raises `OAuthError` or `Unavailable`.
    """
    grant_type = values.get("grant_type")
    held = client_rows.Held(now=now) if grant_type == ClientGrant.GRANT_TYPE else None
    try:
        return _answer(values, Exchange(now=now, http=http, held=held))
    except client_rows.Outdated:  # nothing was spent, and nothing issued
        return _answer(values, Exchange(now=now, http=http))


def _answer(values: Mapping[str, Any], exchange: Exchange) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = ENGINE.create_token_response(EngineRequest(values, exchange))
    except (OAuthError, Unavailable):
        confirm(exchange)  # what a remembered row says is no reason to refuse
        raise
    finally:  # whatever came of the request, what it brought is used
        spend(exchange)
    return answer


logging.getLogger("authlib").setLevel(logging.INFO)
ENGINE = Engine(scopes_supported=parameters.SCOPES)
ENGINE.register_client_auth_method(METHOD, authenticate)
ENGINE.register_grant(CodeGrant, [S256(required=True)])
ENGINE.register_grant(RefreshGrant)
ENGINE.register_grant(ClientGrant)

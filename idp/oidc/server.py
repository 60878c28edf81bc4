"""Authlib's grant engine, and the only place that knows it.

Authlib carries the code and refresh token grants and their order of steps; what it leaves to us or gets wrong is
overridden here, each with what it mends:

1. `IssuerParameter` cannot be used under Django, and an answer is always a redirect: `_CodeGrant` gives the response's
   parameters to `idp.oidc.responses`, which adds ``iss`` (RFC 9207 §2) and knows the other response modes.
2. Token generators do not see the request: `_TokenEndpoint.generate_token` makes the whole token response.
3. `CodeChallenge` takes ``plain`` and answers invalid_request for a bad verifier: `_S256` (S256 only, invalid_grant).
4. ``private_key_jwt`` of its own takes any audience and HS256: `_authenticate` is `idp.oidc.client_authentication`.
5. A code is deleted after the token is made: `_CodeGrant.create_token_response` consumes it first, atomically, and a
   second use revokes the grant.
6. A plain-http URL escapes as a 500, and query and form are merged: `_EngineRequest` reads our checked form only.
7. Error descriptions repeat the client's input, and some characters in it raise ValueError: `handle_error_response`
   keeps the error code alone; the text comes from `idp.oidc.errors`.
8. Its debug log holds whole tokens: it is never turned on.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidGrantError, OAuth2Error, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from django.db import transaction
from django.http import HttpRequest

from idp.audit import events
from idp.oidc import checks, client_authentication, issuance, parameters, proofs, registration, replay
from idp.oidc import grants as ours
from idp.oidc.errors import OAuthError
from idp.oidc.models import AuthorizationCode, Client, Grant, PushedRequest, RefreshToken
from idp.oidc.replay import digest
from idp.protocol import pkce
from idp.protocol.refusals import Refusal

SCOPES = parameters.SCOPES
METHOD = "causeway"  # the one that the engine knows; `client_authentication` has the real ones
_USED_AGAIN = {replay.DPOP: "invalid_dpop_proof", replay.ATTESTATION: "invalid_client_attestation"}
GRANT_TYPES = ("authorization_code", "refresh_token")


@dataclass
class Exchange:
    """What one request brings to the engine beside its parameters, and what the engine leaves for later steps."""

    now: int
    http: HttpRequest | None = None
    pushed: PushedRequest | None = None
    granted: Mapping[str, Any] = field(default_factory=dict)  # for `idp.oidc.grants.give`
    jkt: str | None = None  # of the request's DPoP proof
    instance: str = ""  # the attested key, where the client authenticates so
    grant: Grant | None = None
    seen: replay.Seen = field(default_factory=replay.Seen)  # assertion and proofs


def check_authorization(values: Mapping[str, Any]) -> None:
    """Let the engine look at a request that is being pushed; raises `OAuthError`."""
    try:
        ENGINE.get_authorization_grant(_EngineRequest(values, Exchange(now=0))).validate_authorization_request()
    except OAuth2Error as error:
        raise OAuthError(str(error.error), type(error).__name__) from error


def complete(pushed: PushedRequest, *, traveller: Any, granted: Mapping[str, Any], now: int) -> dict[str, str]:
    """Store grant and code for ``pushed``; the response's parameters (RFC 6749 §4.1.2). Raises `OAuthError`."""
    request = _EngineRequest(pushed.parameters, Exchange(now=now, pushed=pushed, granted=granted))
    answer: dict[str, str] = ENGINE.create_authorization_response(
        request, traveller, ENGINE.get_authorization_grant(request)
    )
    return answer


def token_response(values: Mapping[str, str], *, http: HttpRequest, now: int) -> dict[str, Any]:
    """Answer a token request whose form is ``values`` (RFC 6749 §5.1); raises `OAuthError` or `Unavailable`."""
    exchange = Exchange(now=now, http=http)
    try:
        answer: dict[str, Any] = ENGINE.create_token_response(_EngineRequest(values, exchange))
    finally:  # whatever came of the request, what it brought is used
        _spend(exchange)
    return answer


class _EngineRequest(OAuth2Request):  # type: ignore[misc]
    """A request made of parameters that were checked already; the transport is the configuration's business."""

    def __init__(self, values: Mapping[str, Any], exchange: Exchange) -> None:
        super().__init__("POST", "https://engine.invalid/")
        self.payload = BasicOAuth2Payload(dict(values))
        self.exchange = exchange

    @property
    def form(self) -> Any:
        return self.payload.data


class _EngineClient:
    """A client as the engine wants to see one (authlib's ``ClientMixin``, by its methods)."""

    def __init__(self, row: Client) -> None:
        self.row, self.client_id = row, row.client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""  # `SCOPES` was checked before

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.row.listed("redirect_uris")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.listed("grant_types", ["authorization_code"])  # RFC 7591 §2

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return bool(method == METHOD)


class _Engine(AuthorizationServer):  # type: ignore[misc]
    """The engine without a framework: values in, values out."""

    def query_client(self, client_id: str) -> _EngineClient | None:
        row = Client.objects.filter(client_id=client_id).first()
        return _EngineClient(row) if row is not None else None

    def create_oauth2_request(self, request: _EngineRequest) -> _EngineRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Any:
        return body

    def handle_error_response(self, request: _EngineRequest, error: OAuth2Error) -> None:
        raise OAuthError(str(error.error), type(error).__name__) from error

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No signals in this house."""

    def save_token(self, token: Mapping[str, Any], request: _EngineRequest) -> None:
        grant = _grant(request)
        events.record(
            kind="oidc.token_issued",
            actor=f"client:{request.client.client_id}"[:255],
            subject=f"grant:{grant.pk}",
            data={"grant_type": request.payload.grant_type, "jkt": request.exchange.jkt},
        )


class _TokenEndpoint:
    """What both grants do at the token endpoint: authenticate, look at the proof, run the checks, make the tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)
    SPENT_WITH_THE_EVENT = False  # for a grant that writes nothing else: one transaction, at the end
    request: _EngineRequest

    def authenticate_token_endpoint_client(self) -> _EngineClient:
        client: _EngineClient = super().authenticate_token_endpoint_client()  # type: ignore[misc]
        exchange = self.request.exchange
        if exchange.http is not None and proofs.present(exchange.http):
            try:
                exchange.jkt = proofs.verified(exchange.http, now=exchange.now, spend=exchange.seen.add).jkt
            except Refusal as error:
                raise OAuthError("invalid_dpop_proof", str(error)) from error
        if not self.SPENT_WITH_THE_EVENT:
            _spend(exchange)
        return client

    def check(self, client: _EngineClient, grant: Grant) -> None:
        exchange = self.request.exchange
        exchange.grant = grant
        sent = {"parameters": self.request.payload.data, "proof_jkt": exchange.jkt, "instance": exchange.instance}
        checks.run(checks.TOKEN, checks.Situation(client=client.row, now=exchange.now, grant=grant, **sent))

    def authenticate_user(self, credential: "_EngineCredential") -> Any:
        traveller = credential.grant.traveller
        return traveller if traveller.account.is_active else None

    def generate_token(self, *, user: Any, scope: str, include_refresh_token: bool = False, **_: Any) -> dict[str, Any]:
        exchange, code = self.request.exchange, self.request.authorization_code
        return issuance.token_response(
            _grant(self.request),
            jkt=exchange.jkt,
            scope=scope,
            requested=self.request.payload.data.get("authorization_details"),
            nonce=code.code.nonce if code else "",
            refreshable=include_refresh_token,
            now=exchange.now,
        )


class _CodeGrant(_TokenEndpoint, grants.AuthorizationCodeGrant):  # type: ignore[misc]
    RESPONSE_TYPES = frozenset({"code"})

    def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:
        self.request.user = grant_user
        code = self.generate_authorization_code()
        self.save_authorization_code(code, self.request)
        state = self.request.payload.state
        return 200, {"code": code, **({"state": state} if state else {})}, []

    def save_authorization_code(self, code: str, request: _EngineRequest) -> None:
        exchange = request.exchange
        ours.give(pushed=exchange.pushed, traveller=request.user, code=code, now=exchange.now, **exchange.granted)

    def query_authorization_code(self, code: str, client: _EngineClient) -> "_EngineCredential | None":
        rows = AuthorizationCode.objects.select_related("grant__client", "grant__traveller__account")
        row: AuthorizationCode | None = rows.filter(code_hash=digest(code), grant__client=client.row).first()
        if row is None:
            return None
        if row.used_at is not None:
            self._used_again(row)
        if row.used_at is not None or row.expires_at <= self.request.exchange.now:
            return None
        self.check(client, row.grant)
        return _EngineCredential(row.grant, code=row)

    def create_token_response(self) -> Any:
        code = self.request.authorization_code.code
        with transaction.atomic():
            if ours.consume(code, now=self.request.exchange.now):
                return super().create_token_response()
        self._used_again(code)
        raise InvalidGrantError()

    def delete_authorization_code(self, authorization_code: "_EngineCredential") -> None:
        """Consumed already, and kept so that a second use is noticed."""

    def _used_again(self, code: AuthorizationCode) -> None:
        """RFC 6749 §4.1.2: the tokens of a code that is used twice are revoked; one of the two is a thief's."""
        actor = f"client:{code.grant.client.client_id}"[:255]
        ours.revoke(grant=code.grant, actor=actor, reason="code_reused", now=self.request.exchange.now)


class _RefreshGrant(_TokenEndpoint, grants.RefreshTokenGrant):  # type: ignore[misc]
    """Not rotated: the token is of no use without the client's key and the device's (FAPI 2.0 §5.3.2.1)."""

    def authenticate_refresh_token(self, refresh_token: str) -> "_EngineCredential | None":
        rows = RefreshToken.objects.select_related("grant__client", "grant__traveller__account")
        row = rows.filter(
            token_hash=digest(refresh_token),
            grant__client=self.request.client.row,
            expires_at__gt=self.request.exchange.now,
        ).first()
        if row is None:
            return None
        self.check(self.request.client, row.grant)
        return _EngineCredential(row.grant)

    def create_token_response(self) -> Any:
        with transaction.atomic():
            return super().create_token_response()

    def revoke_old_credential(self, refresh_token: "_EngineCredential") -> None:
        """It stays good."""


class _EngineCredential:
    """A code or a refresh token as the engine wants to see one (authlib's mixins, by the methods that it calls)."""

    def __init__(self, grant: Grant, *, code: AuthorizationCode | None = None) -> None:
        self.grant, self.code = grant, code

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri if self.code is not None else ""

    def check_client(self, client: _EngineClient) -> bool:
        return bool(self.grant.client_id == client.row.pk)

    def get_scope(self) -> str:
        return str(self.grant.scope)


class _S256(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = (pkce.METHOD,)

    def validate_code_verifier(self, grant: _CodeGrant, result: object) -> None:
        code, verifier = grant.request.authorization_code.code, grant.request.form.get("code_verifier")
        if code.code_challenge is None:
            if verifier is not None or code.grant.client.profile == Client.Profile.BORDER:  # RFC 9700 §4.8.2
                raise OAuthError("invalid_grant", "a verifier without a challenge, or a wallet without both")
            return
        try:
            pkce.verify(verifier, code.code_challenge)
        except Refusal as error:
            raise OAuthError("invalid_grant", str(error)) from error


def _authenticate(query_client: object, request: _EngineRequest) -> _EngineClient:
    try:
        exchange = request.exchange
        if exchange.http is None:
            raise RuntimeError("a token request without its HTTP request")
        client, exchange.instance = client_authentication.sender(
            exchange.http, request.payload.data, now=exchange.now, spend=exchange.seen.add
        )
        return _EngineClient(client)
    except OAuthError as error:
        if error.error in registration.TRUST_ERRORS:  # codes of the pushed request only (OpenID Federation §12.1.3)
            raise OAuthError("invalid_client", str(error)) from error
        raise


def _spend(exchange: Exchange, event: events.Event | None = None) -> int | None:
    """What the request brought that may be used once; see `idp.oidc.replay.Seen.spend`. Raises `OAuthError`."""
    try:
        return exchange.seen.spend(event=event)
    except replay.SeenBefore as error:
        raise OAuthError(_USED_AGAIN.get(error.kind, "invalid_client"), str(error)) from error


def _grant(request: _EngineRequest) -> Grant:
    grant = request.exchange.grant
    if grant is None:
        raise RuntimeError("the engine made a token before it knew the grant")
    return grant


logging.getLogger("authlib").setLevel(logging.INFO)
ENGINE = _Engine(scopes_supported=SCOPES)
ENGINE.register_client_auth_method(METHOD, _authenticate)
ENGINE.register_grant(_CodeGrant, [_S256(required=True)])
ENGINE.register_grant(_RefreshGrant)

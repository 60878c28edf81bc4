"""The engine without a framework: requests and clients as Authlib wants to see them, values in and values out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from django.http import HttpRequest

from idp.audit import events
from idp.oidc import client_authentication, client_rows, grants, proofs, registration, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant, PushedRequest
from idp.protocol.encrypted_response import Recipient

METHOD = "causeway"  # the one that the engine knows; `client_authentication` has the real ones


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
    recipient: Recipient | None = None  # whom the id token is encrypted to
    revision: int | None = None  # of what keys are, when that was spent; for `signing.signer`
    seen: replay.Seen = field(default_factory=replay.Seen)  # assertion and proofs
    held: client_rows.Held | None = None  # for a grant whose last statement looks whether the client's row stands


class EngineRequest(OAuth2Request):  # type: ignore[misc]
    """A request made of parameters that were checked already; the transport is the configuration's business."""

    def __init__(self, values: Mapping[str, Any], exchange: Exchange) -> None:
        super().__init__("POST", "https://engine.invalid/")
        self.payload = BasicOAuth2Payload(dict(values))
        self.exchange = exchange

    @property
    def form(self) -> Any:
        return self.payload.data


class EngineClient:
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


class Engine(AuthorizationServer):  # type: ignore[misc]
    """The engine without a framework: values in, values out."""

    def query_client(self, client_id: str) -> EngineClient | None:
        row = Client.objects.filter(client_id=client_id).first()
        return EngineClient(row) if row is not None else None

    def create_oauth2_request(self, request: EngineRequest) -> EngineRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Any:
        return body

    def handle_error_response(self, request: EngineRequest, error: OAuth2Error) -> None:
        raise OAuthError(str(error.error), type(error).__name__) from error

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No signals in this house."""

    def save_token(self, token: Mapping[str, Any], request: EngineRequest) -> None:
        grant = grant_of(request)
        events.record(
            kind="oidc.token_issued",
            actor=f"client:{request.client.client_id}"[:255],
            subject=f"grant:{grant.pk}",
            data={"grant_type": request.payload.grant_type, "jkt": request.exchange.jkt},
        )


class Informed:
    """The engine, for a request of ``client``, whose row was read already."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine, self._client = engine, client

    def query_client(self, client_id: str) -> EngineClient | None:
        return EngineClient(self._client) if client_id == self._client.client_id else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def authenticate(query_client: object, request: EngineRequest) -> EngineClient:
    try:
        exchange = request.exchange
        if exchange.http is None:
            raise RuntimeError("a token request without its HTTP request")
        client, exchange.instance = client_authentication.sender(
            exchange.http, request.payload.data, now=exchange.now, spend=exchange.seen.add, held=exchange.held
        )
        return EngineClient(client)
    except OAuthError as error:
        if error.error in registration.TRUST_ERRORS:  # codes of the pushed request only (OpenID Federation §12.1.3)
            raise OAuthError("invalid_client", str(error)) from error
        raise


def spend(exchange: Exchange, event: events.Event | None = None) -> int | None:
    """What the request brought that may be used once; see `idp.oidc.replay.Seen.spend`. Raises `OAuthError`.

    With ``event`` it also raises `client_rows.Outdated`.
    """
    version = exchange.held.version if exchange.held is not None and event is not None else None
    try:
        return exchange.seen.spend(event=event, version=version)
    except client_rows.Outdated:
        if exchange.held is not None:
            exchange.held.forget()
        raise
    except replay.SeenBefore as error:
        raise proofs.used_again(error) from error


def revoke_used_again(grant: Grant, *, reason: str, now: int) -> None:
    """End ``grant``, of which something that is good once was brought twice. Not inside a transaction that fails."""
    grants.revoke(grant=grant, actor=f"client:{grant.client.client_id}"[:255], reason=reason, now=now)


def confirm(exchange: Exchange) -> None:
    """Raises `client_rows.Outdated` where the row that the request went by does not stand; it spends nothing then."""
    seen, exchange.seen = exchange.seen, replay.Seen()
    if exchange.held is not None:
        exchange.held.confirm()
    exchange.seen = seen


def grant_of(request: EngineRequest) -> Grant:
    grant = request.exchange.grant
    if grant is None:
        raise RuntimeError("the engine made a token before it knew the grant")
    return grant

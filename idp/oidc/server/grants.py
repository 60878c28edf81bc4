"""The grant types, each Authlib's with what `idp.oidc.server` lists."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from django.db import transaction

from idp.audit import events
from idp.oidc import (
    checks,
    client_scopes,
    encrypted_answers,
    encryption,
    grant_rows,
    issuance,
    parameters,
    proofs,
    replay,
    resources,
)
from idp.oidc import grants as ours
from idp.oidc.errors import OAuthError
from idp.oidc.models import AuthorizationCode, Client, Grant, RefreshToken
from idp.oidc.replay import digest
from idp.oidc.server.engine import METHOD, EngineClient, EngineRequest, grant_of, revoke_used_again, spend
from idp.protocol import pkce
from idp.protocol.refusals import Refusal


class TokenEndpoint:
    """What all grants do at the token endpoint: authenticate, look at the proof, run the checks, make the tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)
    SPENT_WITH_THE_EVENT = False  # for a grant that writes nothing else: one transaction, at the end
    request: EngineRequest

    def authenticate_token_endpoint_client(self) -> EngineClient:
        client: EngineClient = super().authenticate_token_endpoint_client()  # type: ignore[misc]
        exchange = self.request.exchange
        if exchange.http is not None:
            try:
                exchange.jkt = proofs.of_client(exchange.http, client.row, now=exchange.now, spend=exchange.seen.add)
            except OAuthError as error:
                if error.error == proofs.NONCE_NEEDED:  # the same assertion may come again with another proof
                    exchange.seen = replay.Seen()
                raise
        if not self.SPENT_WITH_THE_EVENT:
            exchange.revision = spend(exchange)
        return client

    def check(self, client: EngineClient, grant: Grant) -> None:
        exchange = self.request.exchange
        exchange.grant = grant
        sent = {"parameters": self.request.payload.data, "proof_jkt": exchange.jkt, "instance": exchange.instance}
        checks.run(checks.TOKEN, checks.Situation(client=client.row, now=exchange.now, grant=grant, **sent))
        if "openid" in grant.scope.split():  # before anything is used up that could not be answered then
            exchange.recipient = encryption.recipient(client.row, encrypted_answers.ID_TOKEN, now=exchange.now)

    def authenticate_user(self, credential: "EngineCredential") -> Any:
        traveller = credential.grant.traveller
        return traveller if traveller.account.is_active else None

    def generate_token(self, *, user: Any, scope: str, include_refresh_token: bool = False, **_: Any) -> dict[str, Any]:
        exchange, code, old = self.request.exchange, self.request.authorization_code, self.request.refresh_token
        end = old.refresh.expires_at if old else exchange.now + ours.REFRESH_LIFETIME  # rotation prolongs nothing
        return issuance.token_response(
            grant_of(self.request),
            jkt=exchange.jkt,
            scope=scope,
            requested=self.request.payload.data.get("authorization_details"),
            resources=parameters.resources(self.request.payload.data),
            nonce=code.code.nonce if code else "",
            refresh_until=end if include_refresh_token else None,
            recipient=exchange.recipient,
            revision=exchange.revision,
            now=exchange.now,
        )


class CodeGrant(TokenEndpoint, grants.AuthorizationCodeGrant):  # type: ignore[misc]
    RESPONSE_TYPES = frozenset({"code"})

    def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:
        self.request.user = grant_user
        code = self.generate_authorization_code()
        self.save_authorization_code(code, self.request)
        state = self.request.payload.state
        return 200, {"code": code, **({"state": state} if state else {})}, []

    def save_authorization_code(self, code: str, request: EngineRequest) -> None:
        exchange = request.exchange
        ours.give(pushed=exchange.pushed, traveller=request.user, code=code, now=exchange.now, **exchange.granted)

    def query_authorization_code(self, code: str, client: EngineClient) -> "EngineCredential | None":
        row = grant_rows.of_code(code, client=client.row)
        if row is None:
            return None
        if row.used_at is not None:
            self._used_again(row)
        if row.used_at is not None or row.expires_at <= self.request.exchange.now:
            return None
        self.check(client, row.grant)
        return EngineCredential(row.grant, code=row)

    def create_token_response(self) -> Any:
        code = self.request.authorization_code.code
        with transaction.atomic():
            if ours.consume(code, now=self.request.exchange.now):
                return super().create_token_response()
        self._used_again(code)
        raise InvalidGrantError()

    def delete_authorization_code(self, authorization_code: "EngineCredential") -> None:
        """Consumed already, and kept so that a second use is noticed."""

    def _used_again(self, code: AuthorizationCode) -> None:
        """RFC 6749 §4.1.2: the tokens of a code that is used twice are revoked; one of the two is a thief's."""
        revoke_used_again(code.grant, reason="code_reused", now=self.request.exchange.now)


class RefreshGrant(TokenEndpoint, grants.RefreshTokenGrant):  # type: ignore[misc]
    """Rotated for the profile ``basic``, where a secret and the token are all that it takes (RFC 9700 §4.14.2).

    Elsewhere the token is of no use without the client's key (FAPI 2.0 Security Profile §5.3.2.1).
    """

    def authenticate_refresh_token(self, refresh_token: str) -> "EngineCredential | None":
        rows = RefreshToken.objects.select_related("grant__client", "grant__traveller__account")
        row = rows.filter(
            token_hash=digest(refresh_token),
            grant__client=self.request.client.row,
            expires_at__gt=self.request.exchange.now,
        ).first()
        if row is None:
            return None
        if row.rotated_at is not None:
            self._used_again(row)
            return None
        self.check(self.request.client, row.grant)
        return EngineCredential(row.grant, refresh=row)

    def create_token_response(self) -> Any:
        row, now = self.request.refresh_token.refresh, self.request.exchange.now
        self.INCLUDE_NEW_REFRESH_TOKEN = self.request.client.row.profile == Client.Profile.BASIC
        with transaction.atomic():
            if not self.INCLUDE_NEW_REFRESH_TOKEN or ours.rotate(row, now=now):
                return super().create_token_response()
        self._used_again(row)
        raise InvalidGrantError()

    def revoke_old_credential(self, refresh_token: "EngineCredential") -> None:
        """Rotated already, or it stays good."""

    def _used_again(self, row: RefreshToken) -> None:
        """RFC 9700 §4.14.2: one of the two who bring it is a thief, and nobody knows which."""
        revoke_used_again(row.grant, reason="refresh_token_reused", now=self.request.exchange.now)


class ClientGrant(TokenEndpoint, grants.ClientCredentialsGrant):  # type: ignore[misc]
    """A client for itself (RFC 6749 §4.4): no traveller, so no grant of ours and no refresh token."""

    SPENT_WITH_THE_EVENT = True

    def validate_requested_scope(self) -> None:
        exchange, client = self.request.exchange, self.request.client.row
        sent = {"parameters": self.request.payload.data, "proof_jkt": exchange.jkt}
        checks.run(checks.CLIENT_TOKEN, checks.Situation(client=client, now=exchange.now, **sent))

    def generate_token(self, **_: Any) -> dict[str, Any]:
        exchange, sent = self.request.exchange, self.request.payload.data
        return issuance.client_token_response(
            self.request.client.row,
            jkt=exchange.jkt,
            scope=client_scopes.granted(self.request.client.row, sent.get("scope")),
            audience=resources.audience(parameters.resources(sent)),
            revision=spend(exchange, self._event()),
            now=exchange.now,
        )

    def save_token(self, token: dict[str, Any]) -> None:
        """Recorded with what was spent, before it was signed."""

    def _event(self) -> events.Event:
        who = f"client:{self.request.client.client_id}"[:255]
        data = {"grant_type": self.GRANT_TYPE, "jkt": self.request.exchange.jkt}
        return events.prepared(kind="oidc.token_issued", actor=who, subject=who, data=data)


class EngineCredential:
    """A code or a refresh token as the engine wants to see one (authlib's mixins, by the methods that it calls)."""

    def __init__(
        self, grant: Grant, *, code: AuthorizationCode | None = None, refresh: RefreshToken | None = None
    ) -> None:
        self.grant, self.code, self.refresh = grant, code, refresh

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri if self.code is not None else ""

    def check_client(self, client: EngineClient) -> bool:
        return bool(self.grant.client_id == client.row.pk)

    def get_scope(self) -> str:
        return str(self.grant.scope)


class S256(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = (pkce.METHOD,)

    def validate_code_verifier(self, grant: CodeGrant, result: object) -> None:
        code, verifier = grant.request.authorization_code.code, grant.request.form.get("code_verifier")
        if code.code_challenge is None:
            if verifier is not None or code.grant.client.profile == Client.Profile.BORDER:  # RFC 9700 §4.8.2
                raise OAuthError("invalid_grant", "a verifier without a challenge, or a wallet without both")
            return
        try:
            pkce.verify(verifier, code.code_challenge)
        except Refusal as error:
            raise OAuthError("invalid_grant", str(error)) from error

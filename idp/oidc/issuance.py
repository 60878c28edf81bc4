"""What a token request is answered with, once the engine knows that it is a good one (RFC 6749 §5.1)."""

from collections.abc import Sequence
from typing import Any

from idp import conf
from idp.accounts import devices
from idp.oidc import grants, parameters, tokens
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant
from idp.oidc.resources import consented_audience
from idp.protocol import authorization_details
from idp.protocol.encrypted_response import Recipient


def token_response(
    grant: Grant,
    *,
    jkt: str | None,
    scope: str,
    requested: str | None,
    resources: Sequence[str],
    nonce: str,
    refresh_until: int | None,
    recipient: Recipient | None = None,
    revision: int | None = None,
    now: int,
) -> dict[str, Any]:
    """The answer for ``grant``. Belongs into the transaction that redeems the code or the refresh token.

    ``jkt`` is the key that was proved, ``requested`` the narrower authorization details asked for, ``resources`` those
    asked for, ``nonce`` the id token's, ``refresh_until`` the end of a refresh token, if one is to be added,
    ``recipient`` whom the id token is encrypted to; ``revision`` is for `signing.signer`. Raises `OAuthError`
    (invalid_grant, invalid_target).
    """
    key = _bound(grant, jkt)
    audience = consented_audience(resources, grant.resources)
    details = _details(requested, grant) if audience == conf.authority().entity_id else []  # all types are ours
    access = tokens.access_token(
        grant, audience=audience, scope=scope, details=details, jkt=key, revision=revision, now=now
    )
    answer: dict[str, Any] = {
        "access_token": access,
        "token_type": "DPoP" if key is not None else "Bearer",
        "expires_in": tokens.ACCESS_LIFETIME,
    }
    if scope:
        answer["scope"] = scope
    if details:
        answer["authorization_details"] = details  # RFC 9396 §7
    if refresh_until is not None:
        answer["refresh_token"] = grants.refresh_token(grant, expires_at=refresh_until, now=now)
    if "openid" in scope.split():
        answer["id_token"] = tokens.id_token(
            grant, nonce=nonce, access=access, recipient=recipient, revision=revision, now=now
        )
    return answer


def client_token_response(
    client: Client, *, jkt: str | None, scope: str, audience: str, revision: int | None, now: int
) -> dict[str, Any]:
    """The answer for a client that asks for itself (RFC 6749 §4.4.3): no refresh token, which would gain it nothing.

    ``revision`` is for `signing.signer`. What was spent and the audit event are written already.
    """
    answer: dict[str, Any] = {
        "access_token": tokens.client_token(
            client, scope=scope, audience=audience, jkt=jkt, revision=revision, now=now
        ),
        "token_type": "DPoP" if jkt is not None else "Bearer",
        "expires_in": tokens.ACCESS_LIFETIME,
    }
    return {**answer, "scope": scope} if scope else answer


def _bound(grant: Grant, jkt: str | None) -> str | None:
    """The key that the token is bound to. A relying party may leave it; then no key may have been named before."""
    if grant.client.is_wallet:
        return _enrolled(grant, jkt)
    if (jkt is None and grant.jkt) or (jkt is not None and not grants.bind(grant, jkt)):
        raise OAuthError("invalid_grant", "bound to another key")
    return jkt  # the relying party's own key, not a traveller's phone: no device is enrolled


def _enrolled(grant: Grant, jkt: str | None) -> str:
    """Bind the grant to the device that proved its key, and know the device from now on (RFC 9449 §10)."""
    if jkt is None or not grants.bind(grant, jkt):
        raise OAuthError("invalid_grant", "bound to another key")
    try:
        devices.enrol(traveller=grant.traveller, jkt=jkt, name=str(grant.client.metadata.get("client_name", "")))
    except devices.UnableToEnrol as error:
        raise OAuthError("invalid_grant", str(error)) from error
    return jkt


def _details(requested: str | None, grant: Grant) -> list[Any]:
    """The grant's details, narrowed to what the token request names; `idp.oidc.checks` has looked at it before."""
    if requested is None:
        return list(grant.authorization_details)
    return list(authorization_details.narrow(parameters.details(requested), grant.authorization_details))

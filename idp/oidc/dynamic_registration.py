"""Clients that register themselves (RFC 7591) and look after their registration (RFC 7592): of the profile ``basic``.

Secrets and registration tokens are kept as SHA-256 only. So a client is shown its secret when it is made and never
again, and the registration token that it reads is the one that it sent.
"""

import secrets
from typing import Any

from idp import conf
from idp.oidc import client_registration, initial_access, registered_metadata
from idp.oidc.client_registration import Registered
from idp.oidc.errors import OAuthError
from idp.oidc.metadata import REGISTER
from idp.oidc.models import Client
from idp.oidc.replay import digest
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

MAX_BODY = 65_536  # bytes, as of every form here
CLIENT_ID_BYTES, TOKEN_BYTES = 16, 32
# What the server says and the client may not (RFC 7592 §2.2).
_OURS = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")


def register(body: bytes, *, token: str | None, now: int) -> dict[str, Any]:
    """Register the client that ``body`` describes (JSON); its information response (RFC 7591 §3.2.1).

    ``token`` is the initial access token. Raises `OAuthError`: invalid_token, temporarily_unavailable,
    invalid_redirect_uri, unapproved_software_statement, invalid_client_metadata.
    """
    with initial_access.admitted(token, now=now) as actor:
        metadata = _described(body)
        registration_token = secrets.token_urlsafe(TOKEN_BYTES)
        made = client_registration.register(
            client_id=secrets.token_hex(CLIENT_ID_BYTES),
            profile=Client.Profile.BASIC,
            registration=Client.Registration.DYNAMIC,
            metadata=metadata,
            token_hash=digest(registration_token),
            actor=actor,
            now=now,
        )
    return _information(made, registration_token)


def read(client_id: str, *, token: str | None) -> dict[str, Any]:
    """What is registered (RFC 7592 §2.1). Raises `OAuthError` (invalid_token, access_denied)."""
    return _information(Registered(_own(client_id, token), None), token or "")


def update(client_id: str, body: bytes, *, token: str | None, now: int) -> dict[str, Any]:
    """Put what ``body`` describes in place of what is registered (RFC 7592 §2.2); the token is another from now on.

    Raises `OAuthError` as `register` does.
    """
    client = _own(client_id, token)
    metadata = _described(body)
    if metadata.pop("client_id", None) != client_id or any(name in metadata for name in _OURS):
        raise _bad("not this client's client_id, or a member that is ours to say")
    if "client_secret" in metadata and digest(str(metadata.pop("client_secret"))) != client.secret_hash:
        raise _bad("a client may not choose its secret")
    successor = secrets.token_urlsafe(TOKEN_BYTES)
    changed = client_registration.change(
        client=client,
        metadata=metadata,
        rotation=(client.registration_token_hash, digest(successor)),
        actor=_actor(client),
        now=now,
    )
    return _information(changed, successor)


def delete(client_id: str, *, token: str | None, now: int) -> None:
    """Forget the client; what it was granted ends (RFC 7592 §2.3). Raises `OAuthError`."""
    client = _own(client_id, token)
    client_registration.retire(client=client, actor=_actor(client), now=now)


def _own(client_id: str, token: str | None) -> Client:
    """The client that ``token`` belongs to. Another's and an unknown one look the same (RFC 7592 §2.1)."""
    client = None
    if token and client_id.isprintable():
        dynamic = Client.objects.filter(registration=Client.Registration.DYNAMIC)
        client = dynamic.filter(client_id=client_id, registration_token_hash=digest(token)).first()
    if client is None:
        raise initial_access.unknown(token)
    if client.disabled:
        raise OAuthError("access_denied", "disabled by an officer")
    return client


def _described(body: bytes) -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = strict_json.loads_object(body)
    except Refusal as error:
        raise _bad(f"not a JSON object: {error.detail}") from error
    if "software_statement" in metadata:  # RFC 7591 §2.3: nobody's word on software counts here
        raise OAuthError("unapproved_software_statement", "no software statement is approved")
    return metadata


def _information(registered: Registered, token: str) -> dict[str, Any]:
    """RFC 7591 §3.2.1, RFC 7592 §3."""
    client = registered.client
    found: dict[str, Any] = {
        **client.metadata,
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "registration_client_uri": conf.authority().url(f"{REGISTER}/{client.client_id}"),
        "registration_access_token": token,
    }
    if registered.secret is not None:
        found["client_secret"] = registered.secret
    if registered_metadata.needs_secret(client.metadata):
        found["client_secret_expires_at"] = 0
    return found


def _actor(client: Client) -> str:
    return f"client:{client.client_id}"


def _bad(detail: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", detail)

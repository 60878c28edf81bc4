"""Clients that are registered with us directly, by an officer or by themselves: made, changed, stopped, forgotten.

A client of a trust chain is registered by `registration` and `explicit_registration`; here it may only be stopped.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from idp.audit import events
from idp.oidc import client_metadata, grants, registered_metadata
from idp.oidc.errors import OAuthError
from idp.oidc.models import MAX_CLIENT_ID, Client, Grant
from idp.oidc.replay import digest

SECRET_BYTES = 32  # so that its hash needs no salt, and guessing it no throttle
MAX_RESOURCES = 32
DIRECT = frozenset({Client.Registration.ADMIN, Client.Registration.DYNAMIC})


class UnableToChange(Exception):
    """The client is not one of those, or is still needed. ``detail`` is for the officer."""


@dataclass(frozen=True)
class Registered:
    """A client and its secret, in clear for the only time; None where it has none, or keeps the one it has."""

    client: Client
    secret: str | None


def register(
    *,
    client_id: str,
    profile: str,
    registration: str,
    metadata: Mapping[str, Any],
    resources: Sequence[str] = (),
    token_hash: str = "",
    actor: str,
    now: int,
) -> Registered:
    """Make a client. ``resources`` are identifiers (RFC 8707) that it answers for; ``token_hash`` is of RFC 7592 §3.

    Raises `OAuthError` (invalid_redirect_uri, invalid_client_metadata) and `UnableToChange` for an identifier that is
    taken or cannot be one.
    """
    if not 0 < len(client_id) <= MAX_CLIENT_ID or not client_id.isascii() or not client_id.isprintable():
        raise UnableToChange("client_id: 1 to 512 printable ASCII characters (RFC 6749, Appendix A)")
    accepted = registered_metadata.accept(metadata, profile=profile, by_officer=registration == "admin")
    _check_resources(resources)
    sector = registered_metadata.sector(client_id, accepted)
    secret = _new_secret() if registered_metadata.needs_secret(accepted) else None
    try:
        with transaction.atomic():
            client = Client.objects.create(
                client_id=client_id,
                profile=profile,
                registration=registration,
                metadata=accepted,
                sector=sector,
                secret_hash=digest(secret) if secret else "",
                registration_token_hash=token_hash,
                resources=list(resources),
                created_at=now,
            )
            data = {"registration": registration, "profile": profile, "resources": list(resources)}
            _record("oidc.client_registered", client, actor, data)
    except IntegrityError as error:
        raise UnableToChange("there is a client of this identifier") from error
    return Registered(client, secret)


def change(
    *,
    client: Client,
    metadata: Mapping[str, Any],
    resources: Sequence[str] | None = None,
    rotation: tuple[str, str] | None = None,
    actor: str,
    now: int,
) -> Registered:
    """Put ``metadata`` in place of what is registered; a secret is made when the client comes to need one.

    The sector stays for ever, because another would change every subject. So a client may not move to redirect URIs
    of another sector by itself: it could collect the subjects of a neighbour whose host it named first.
    ``rotation`` is the hash of the registration token that the client came with, and that of the next (RFC 7592 §3).
    Raises `OAuthError` and `UnableToChange` as `register` does.
    """
    _check_direct(client)
    by_officer = client.registration == Client.Registration.ADMIN
    accepted = registered_metadata.accept(metadata, profile=client.profile, by_officer=by_officer)
    _check_resources(resources or ())
    if registered_metadata.sector(client.client_id, accepted) != client.sector and not by_officer:
        raise OAuthError("invalid_redirect_uri", "another sector than the client was registered for")
    with transaction.atomic():
        row = Client.objects.select_for_update().get(pk=client.pk)
        if rotation is not None:
            _rotate(row, *rotation)
        secret = _secret_for(row, accepted)
        if any(row.metadata.get(name) != accepted.get(name) for name in client_metadata.KEY_SOURCES):
            row.fetched_jwks, row.jwks_asked_at, row.jwks_until = None, 0, 0
        names = sorted(name for name in {*row.metadata, *accepted} if row.metadata.get(name) != accepted.get(name))
        row.metadata = accepted
        row.resources = row.resources if resources is None else list(resources)
        row.save()
        _record("oidc.client_updated", row, actor, {"changed": names, "resources": row.resources})
    return Registered(row, secret)


@transaction.atomic
def set_disabled(*, client: Client, disabled: bool, actor: str) -> bool:
    """Stop a client of whatever registration, or let it go on; whether that changed anything."""
    if Client.objects.filter(pk=client.pk).exclude(disabled=disabled).update(disabled=disabled) != 1:
        return False
    _record("oidc.client_disabled" if disabled else "oidc.client_enabled", client, actor, {})
    return True


@transaction.atomic
def rotate_secret(*, client: Client, actor: str) -> str:
    """A new secret in place of the old one, which is good no more; in clear for the only time."""
    _check_direct(client)
    row = Client.objects.select_for_update().get(pk=client.pk)
    if not registered_metadata.needs_secret(row.metadata):
        raise UnableToChange("the client authenticates with a key and has no secret")
    secret = _new_secret()
    Client.objects.filter(pk=row.pk).update(secret_hash=digest(secret))
    _record("oidc.client_secret_rotated", row, actor, {})
    return secret


@transaction.atomic
def remove(*, client: Client, actor: str) -> None:
    """Forget a client that nobody ever granted anything; others are disabled, so that the grants stay explained."""
    _check_direct(client)
    try:
        Client.objects.filter(pk=client.pk).delete()
    except ProtectedError as error:
        raise UnableToChange("travellers have granted it something: disable it instead") from error
    _record("oidc.client_removed", client, actor, {})


@transaction.atomic
def retire(*, client: Client, actor: str, now: int) -> None:
    """Forget a client at its own wish; one with grants is stopped for good, and its grants end (RFC 7592 §2.3)."""
    try:
        remove(client=client, actor=actor)
    except UnableToChange:
        nothing = {"secret_hash": "", "registration_token_hash": ""}
        Client.objects.filter(pk=client.pk).update(**nothing)
        set_disabled(client=client, disabled=True, actor=actor)
        for grant in Grant.objects.filter(client=client, revoked_at=None):
            grants.revoke(grant=grant, actor=actor, reason="client_retired", now=now)


def is_direct(client: Client) -> bool:
    """Whether the client is registered with us, and not by a trust chain."""
    return client.registration in DIRECT


def _check_direct(client: Client) -> None:
    if not is_direct(client):
        raise UnableToChange("the client is registered by its trust chain")


def _check_resources(resources: Sequence[str]) -> None:
    sound = all(client_metadata.web(item) for item in resources)
    if len(resources) > MAX_RESOURCES or not sound or len(set(resources)) != len(resources):
        raise UnableToChange(f"resources: at most {MAX_RESOURCES} https URLs without a fragment, none twice")


def _secret_for(row: Client, metadata: Mapping[str, Any]) -> str | None:
    """The secret that ``row`` comes to need; one that it needs no more is forgotten."""
    if not registered_metadata.needs_secret(metadata):
        row.secret_hash = ""
        return None
    if row.secret_hash:
        return None
    secret = _new_secret()
    row.secret_hash = digest(secret)
    return secret


def _rotate(row: Client, old: str, new: str) -> None:
    """One of two updates with the same token is too late."""
    if row.registration_token_hash != old:
        raise OAuthError("invalid_token", "another update was first")
    row.registration_token_hash = new


def _new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _record(kind: str, client: Client, actor: str, data: Mapping[str, Any]) -> None:
    events.record(kind=kind, actor=actor[:255], subject=client.client_id[:255], data=data)

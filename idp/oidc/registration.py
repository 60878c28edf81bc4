"""Clients, and automatic registration by trust chain (OpenID Federation 1.0 §12.1).

The chain is asked for at each request of an automatic client: the federation room keeps it while it is valid, and
knows at once when somebody in it was suspended.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit import events
from idp.federation import resolution
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, plain
from idp.protocol import keys, trust_chain
from idp.protocol.entity_statements import check_entity_id
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain

ENTITY_TYPE = "openid_relying_party"
MAX_REDIRECT_URIS = 32
TRUST_ERRORS = ("invalid_trust_anchor", "invalid_trust_chain", "invalid_metadata")  # OpenID Federation §12.1.3
_BY_REASON = {Reason.UNTRUSTED_ISSUER: TRUST_ERRORS[0], Reason.POLICY_VIOLATION: TRUST_ERRORS[2]}
_WEB = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?P<rest>(:\d{1,5})?(/[^\s#\\]*)?)\Z")
_LOOPBACK = re.compile(r"http://(?P<host>(?:[a-z0-9.-]+\.)?localhost)(?P<rest>(:\d{1,5})?(/[^\s#\\]*)?)\Z")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:/[^\s#\\@]*\Z")  # RFC 8252 §7.1: a reversed domain name


def find(
    client_id: str,
    *,
    now: int,
    chain: tuple[str, ...] | None = None,
    peer_chain: tuple[str, ...] | None = None,
) -> Client:
    """The client, registered by its trust chain when it is new. ``chain`` and ``peer_chain`` are those it sent.

    Raises `OAuthError`: invalid_client for one that is neither known nor an entity, invalid_trust_anchor,
    invalid_trust_chain or invalid_metadata; `Unavailable` when the chain cannot be fetched just now.
    """
    known = Client.objects.filter(client_id=client_id).first()
    if known is not None and known.registration != Client.Registration.AUTOMATIC:
        return known
    _check_identifier(client_id)
    sent = _verified_chain(chain, client_id, now=now) if chain is not None else None
    if peer_chain is not None:  # one anchor, ours, so both chains end in the same (§12.1.1.1.1)
        _verified_chain(peer_chain, conf.authority().entity_id, now=now)
    resolved = _resolve(client_id, sent, now=now)
    metadata = _metadata(resolved)
    if known is not None and known.metadata == metadata and known.expires_at == resolved.expires_at:
        return known
    return _store(client_id, metadata, expires_at=resolved.expires_at, anchor=resolved.anchor, now=now)


def key_set(client: Client) -> keys.KeySet:
    """The client's keys for this protocol: never its federation keys. Raises `Refusal` (malformed)."""
    return _keys(client.metadata)


def name(client: Client, language: str) -> str:
    """What the client calls itself in ``language`` (OpenID Connect Registration §2.1), or its identifier."""
    names = {tag.lower(): text for tag, text in client.metadata.items() if isinstance(text, str) and text.strip()}
    for tag in (language.lower(), language.lower().split("-")[0]):
        if text := names.get(f"client_name#{tag}"):
            return text[:80]
    return (names.get("client_name") or names.get("organization_name") or client.client_id)[:80]


def _check_identifier(client_id: str) -> None:
    try:
        check_entity_id(client_id, allow_loopback_http=conf.authority().insecure_loopback_http)
    except Refusal as error:
        raise OAuthError("invalid_client", "neither known nor an entity identifier") from error


def _resolve(client_id: str, sent: TrustChain | None, *, now: int) -> TrustChain:
    """Our own resolution; the chain that the client sent counts only while nobody can be asked."""
    try:
        return resolution.resolve(client_id, now=now)
    except Unavailable:
        if sent is None:
            raise
        return sent
    except Refusal as error:
        raise OAuthError(_BY_REASON.get(error.reason, "invalid_trust_chain"), error.detail) from error


def _verified_chain(statements: tuple[str, ...], subject: str, *, now: int) -> TrustChain:
    """A chain from a header, verified in full (§4.3); raises `OAuthError` (invalid_trust_chain)."""
    try:
        chain = trust_chain.verify_chain(statements, anchors=resolution.anchors(now), now=now)
        resolution.refuse_broken(chain.path)
    except Refusal as error:
        raise OAuthError("invalid_trust_chain", error.detail) from error
    if chain.entity_id != subject:
        raise OAuthError("invalid_trust_chain", "a chain of another entity in the header")
    return chain


def _metadata(chain: TrustChain) -> dict[str, Any]:
    """The relying party's metadata as resolved; raises `OAuthError` (invalid_metadata) when we cannot work with it."""
    try:
        metadata = plain(dict(chain.entity(ENTITY_TYPE)))
        _keys(metadata)
    except Refusal as error:
        raise OAuthError("invalid_metadata", error.detail) from error
    if "automatic" not in metadata.get("client_registration_types", ["automatic"]):
        raise OAuthError("invalid_metadata", "the client does not register automatically")
    if metadata.get("token_endpoint_auth_method", "private_key_jwt") != "private_key_jwt":
        raise OAuthError("invalid_metadata", "token_endpoint_auth_method is not private_key_jwt")
    _hosts(metadata)
    return metadata  # type: ignore[no-any-return]


def _keys(metadata: Mapping[str, Any]) -> keys.KeySet:
    jwks = metadata.get("jwks")
    members = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(members, list):
        raise Refusal(Reason.MALFORMED, "no jwks in the client's metadata")
    signing_keys = [key for key in members if not (isinstance(key, Mapping) and key.get("use") == "enc")]
    return keys.parse_jwks({"keys": signing_keys})


def _hosts(metadata: Mapping[str, Any]) -> set[str]:
    """The hosts of the redirect URIs; raises `OAuthError` (invalid_metadata) for one that must not be registered."""
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= MAX_REDIRECT_URIS:
        raise OAuthError("invalid_metadata", f"not 1 to {MAX_REDIRECT_URIS} redirect_uris")
    hosts = set()
    for uri in uris:
        match = _web(uri)
        if match is not None:
            hosts.add(match["host"])
        elif not isinstance(uri, str) or len(uri) > 2048 or not _PRIVATE_USE.match(uri):
            raise OAuthError("invalid_metadata", "a redirect URI that is neither https nor a reversed domain name")
    return hosts


def _web(uri: object) -> re.Match[str] | None:
    if not isinstance(uri, str) or len(uri) > 2048:
        return None
    loopback = _LOOPBACK.match(uri) if conf.authority().insecure_loopback_http else None
    return _WEB.match(uri) or loopback


def _sector(client_id: str, metadata: Mapping[str, Any]) -> str:
    """The one host of the redirect URIs; the client itself when there are several or none (OpenID Core §8.1)."""
    hosts = _hosts(metadata)
    return hosts.pop() if len(hosts) == 1 else client_id[:255]


@transaction.atomic
def _store(client_id: str, metadata: dict[str, Any], *, expires_at: int, anchor: str, now: int) -> Client:
    client, created = Client.objects.update_or_create(
        client_id=client_id,
        defaults={"metadata": metadata, "expires_at": expires_at},
        create_defaults={
            "metadata": metadata,
            "expires_at": expires_at,
            "profile": Client.Profile.BORDER,  # the strictest; nobody chooses a weaker one for itself
            "registration": Client.Registration.AUTOMATIC,
            "sector": _sector(client_id, metadata),  # kept for ever: another would change every subject
            "created_at": now,
        },
    )
    kind = "oidc.client_registered" if created else "oidc.client_updated"
    events.record(kind=kind, actor=anchor, subject=client_id[:255], data={"expires_at": expires_at})
    return client

"""Clients, and automatic registration by trust chain (OpenID Federation 1.0 §12.1).

The chain is asked for at each request of an automatic client: the federation room keeps it while it is valid, and
knows at once when somebody in it was suspended. A client that registered explicitly (`explicit_registration`) is good
until its registration ends.
"""

from typing import Any

from django.db import transaction

from idp import conf
from idp.audit import events
from idp.federation import resolution
from idp.oidc import client_metadata, client_rows
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, plain
from idp.protocol import trust_chain
from idp.protocol.entity_statements import check_entity_id
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain

ENTITY_TYPE = "openid_relying_party"
TRUST_ERRORS = ("invalid_trust_anchor", "invalid_trust_chain", "invalid_metadata")  # OpenID Federation §12.1.3
_BY_REASON = {Reason.UNTRUSTED_ISSUER: TRUST_ERRORS[0], Reason.POLICY_VIOLATION: TRUST_ERRORS[2]}


def find(
    client_id: str,
    *,
    now: int,
    chain: tuple[str, ...] | None = None,
    peer_chain: tuple[str, ...] | None = None,
    held: client_rows.Held | None = None,
) -> Client:
    """The client, registered by its trust chain when it is new. ``chain`` and ``peer_chain`` are those it sent.

    With ``held`` its row may be one that is remembered, for a request that looks at its end whether it still stands.
    Raises `OAuthError`: invalid_client for one that is neither known nor an entity, or whose explicit registration has
    ended; invalid_trust_anchor, invalid_trust_chain or invalid_metadata; `Unavailable` when the chain cannot be fetched
    just now.
    """
    known = client_rows.find(client_id) if held is None else held.find(client_id)
    if known is not None and known.registration in (Client.Registration.ADMIN, Client.Registration.DYNAMIC):
        return known
    if known is not None and known.registration == Client.Registration.TRIAL:
        if known.expires_at is None or known.expires_at <= now:
            raise OAuthError("invalid_client", "the hour of the trial is over")
        return known
    _check_identifier(client_id)
    sent = sent_chain(chain, client_id, now=now) if chain is not None else None
    if peer_chain is not None:  # one anchor, ours, so both chains end in the same (§12.1.1.1.1)
        sent_chain(peer_chain, conf.authority().entity_id, now=now)
    if known is not None and known.registration == Client.Registration.EXPLICIT:
        return _still_registered(known, now=now)
    return renewed(_resolve(client_id, sent, now=now), now=now, known=known)


def renewed(chain: TrustChain, *, now: int, known: Client | None) -> Client:
    """The automatic client as ``chain`` has it; written only when that is news. Raises `OAuthError`."""
    metadata = metadata_of(chain, registration=Client.Registration.AUTOMATIC)
    if known is not None and known.metadata == metadata and known.expires_at == chain.expires_at:
        return known
    return store(metadata, chain=chain, registration=Client.Registration.AUTOMATIC, now=now)


def sent_chain(statements: tuple[str, ...], subject: str, *, now: int) -> TrustChain:
    """A chain from a header, verified in full (§4.3); raises `OAuthError` (invalid_trust_chain)."""
    try:
        chain = trust_chain.verify_chain(statements, anchors=resolution.anchors(now), now=now)
        resolution.refuse_broken(chain.path, now=now)
    except Refusal as error:
        raise OAuthError("invalid_trust_chain", error.detail) from error
    if chain.entity_id != subject:
        raise OAuthError("invalid_trust_chain", "a chain of another entity in the header")
    return chain


def refused(error: Refusal) -> OAuthError:
    """What a chain that could not be had is called on the wire (§8.9)."""
    return OAuthError(_BY_REASON.get(error.reason, "invalid_trust_chain"), error.detail)


def metadata_of(chain: TrustChain, *, registration: str) -> dict[str, Any]:
    """The relying party's metadata as resolved; raises `OAuthError` (invalid_metadata) when we cannot work with it."""
    try:
        metadata: dict[str, Any] = plain(dict(chain.entity(ENTITY_TYPE)))
        client_metadata.check(metadata, registration=registration)
    except Refusal as error:
        raise OAuthError("invalid_metadata", error.detail) from error
    return metadata


@transaction.atomic
def store(
    metadata: dict[str, Any], *, chain: TrustChain, registration: str, now: int, stated_at: int | None = None
) -> Client:
    """Register the subject of ``chain``, in place of what it was before. ``stated_at`` is of an explicit request."""
    client_id = chain.entity_id
    known = Client.objects.select_for_update().filter(client_id=client_id).first()
    values: dict[str, Any] = {
        "metadata": metadata,
        "expires_at": chain.expires_at,
        "registration": registration,
        # Once border, always border: nobody chooses a weaker profile for itself.
        "profile": client_metadata.profile(metadata, before=known.profile if known is not None else None),
        "chain_path": list(chain.path),
        "stated_at": stated_at,
    }
    if known is None or any(known.metadata.get(name) != metadata.get(name) for name in client_metadata.KEY_SOURCES):
        values |= {"fetched_jwks": None, "jwks_asked_at": 0, "jwks_until": 0}
    client, created = Client.objects.update_or_create(
        client_id=client_id,
        defaults=values,
        create_defaults={
            **values,
            "sector": client_metadata.sector(client_id, metadata),  # kept for ever: another would change every subject
            "created_at": now,
        },
    )
    kind = "oidc.client_registered" if created else "oidc.client_updated"
    data = {"expires_at": chain.expires_at, "registration": str(registration), "profile": str(client.profile)}
    events.record(kind=kind, actor=chain.anchor, subject=client_id[:255], data=data)
    return client


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
        raise refused(error) from error


def _still_registered(client: Client, *, now: int) -> Client:
    """An explicit registration lasts as long as the chain that it went by (§12.3), and ends with anybody in it."""
    if client.expires_at is None or client.expires_at <= now:
        raise OAuthError("invalid_client", "the explicit registration has ended")
    try:
        resolution.refuse_broken(client.chain_path, now=now)
    except Refusal as error:
        raise refused(error) from error
    return client

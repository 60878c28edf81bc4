"""Everything that this node holds about one entity, and why it is believed or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from idp import conf
from idp.federation import alarms, failures, fetching, peering, rehearsal, resolution, statements
from idp.federation.columns import STANDINGS
from idp.federation.discovery import Discovery
from idp.federation.models import ChainCache, HostedEntity, Peer, Subordinate
from idp.oidc.models import Client
from idp.protocol.entity_statements import (
    ENTITY_STATEMENT,
    EntityConfiguration,
    check_entity_id,
    configuration_url,
    parse_entity_configuration,
)
from idp.protocol.jws import parse_unverified
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain
from idp.protocol.trust_marks import TRUST_MARK


@dataclass(frozen=True)
class Key:
    """A federation key of the entity, and whether this node goes by it."""

    kid: str
    algorithm: str
    thumbprint: str  # RFC 7638
    believed: bool


@dataclass(frozen=True)
class Mark:
    """A trust mark that its configuration shows; ``refused`` says why it is none, or is empty."""

    mark_type: str
    issuer: str
    until: int | None
    refused: str


@dataclass(frozen=True)
class Said:
    """One statement of the chain: who says what about whom."""

    issuer: str
    subject: str
    until: int
    policy: Mapping[str, Any]
    constraints: Mapping[str, Any]


@dataclass(frozen=True)
class Entity:
    """One entity as the page shows it. Times in seconds since 1970."""

    entity_id: str
    places: list[tuple[str, str]]  # (what it is here, where its register is)
    found: Discovery
    said: list[Said]
    claims: Mapping[str, Any]  # of its configuration; empty where none is held
    fingerprint: str
    keys: list[Key]
    marks: list[Mark]
    metadata: Mapping[str, Any]  # resolved; empty without a chain
    changes: list[tuple[str, str, Any, Any]]  # by policy: (entity type, parameter, stated, resolved)
    failures: list[failures.Failure]
    alarms: list[alarms.Alarm]
    held: list[ChainCache]


def look_at(entity_id: str, *, now: int, ask: bool) -> Entity:
    """The facts about an entity; with ``ask`` it and its superiors are asked over the network, and nothing is kept.

    Raises `Refusal` (malformed) for what is no entity identifier.
    """
    check_entity_id(entity_id, allow_loopback_http=conf.authority().insecure_loopback_http)
    fetch = fetching.fetcher(now) if ask else rehearsal.documents(now, ask=False)
    found = resolution.explain(entity_id, now=now, fetch=fetch)
    configuration = _configuration(found, entity_id, fetch, now)
    return Entity(
        entity_id=entity_id,
        places=list(_places(entity_id)),
        found=found,
        said=[] if found.chain is None else list(_said(found.chain)),
        claims={} if configuration is None else configuration.claims,
        fingerprint="" if configuration is None else peering.fingerprint(configuration.keys.jwks()),
        keys=[] if configuration is None else _keys(configuration, found.chain),
        marks=[] if configuration is None else [_mark(entry, found.chain, now) for entry in configuration.trust_marks],
        metadata={} if found.chain is None else found.chain.metadata,
        changes=[] if found.chain is None or configuration is None else changes(configuration, found.chain),
        failures=failures.standing(entity_id),
        alarms=[alarm for alarm in alarms.alarms(now) if alarm.subject == entity_id],
        held=list(ChainCache.objects.filter(subject=entity_id, expires_at__gt=now).order_by("immediate")),
    )


def changes(configuration: EntityConfiguration, chain: TrustChain) -> list[tuple[str, str, Any, Any]]:
    """What superiors made of the metadata: (entity type, parameter, as stated, as resolved); None where absent."""
    return list(differences(configuration.metadata, chain.metadata))


def differences(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Every parameter that differs: (entity type, parameter, before, after). None is absence: no metadata is null."""
    for kind in sorted({*before, *after}):
        stated, resolved = before.get(kind, {}), after.get(kind, {})
        for name in sorted({*stated, *resolved}):
            if stated.get(name) != resolved.get(name):
                yield kind, name, stated.get(name), resolved.get(name)


def _configuration(found: Discovery, entity_id: str, fetch: Any, now: int) -> EntityConfiguration | None:
    try:
        text = found.chain.statements[0] if found.chain is not None else fetch(configuration_url(entity_id))
        return parse_entity_configuration(text, now=now, expect=entity_id)
    except (Refusal, Unavailable, statements.UnableToState):
        return None  # the tree says why


def _places(entity_id: str) -> Iterator[tuple[str, str]]:
    if entity_id == conf.authority().entity_id:
        yield _("this authority, the anchor"), ""
    for peer in Peer.objects.filter(entity_id=entity_id):
        text = _("peer: %(standing)s") % {"standing": STANDINGS[peer.standing]}
        yield text, reverse("admin:trust-peer", args=[peer.pk])
    for row in HostedEntity.objects.filter(entity_id=entity_id).select_related("checkpoint"):
        place = getattr(row, "checkpoint", None)
        url = "" if place is None else reverse("admin:border-place", args=[place.code])
        yield _("hosted by this node"), url
    for below in Subordinate.objects.filter(entity_id=entity_id):
        text = _("registered below this node") if below.ended_at is None else _("was registered below this node")
        yield text, reverse("admin:federation_subordinate_change", args=[below.pk])
    for client in Client.objects.filter(client_id=entity_id):
        label = Client.Registration(client.registration).label
        text = _("client, registered: %(how)s") % {"how": label}
        yield text, reverse("admin:oidc_client_change", args=[client.pk])


def _said(chain: TrustChain) -> Iterator[Said]:
    for text in chain.statements:
        claims = parse_unverified(text, ENTITY_STATEMENT).claims  # verified with the chain
        policy, constraints = claims.get("metadata_policy", {}), claims.get("constraints", {})
        yield Said(claims["iss"], claims["sub"], claims["exp"], policy, constraints)


def _keys(configuration: EntityConfiguration, chain: TrustChain | None) -> list[Key]:
    peer = Peer.objects.filter(entity_id=configuration.sub).first()
    believed = chain.keys if chain is not None else KeySet([]) if peer is None else parse_jwks(peer.jwks)
    names = {key.thumbprint for key in believed.keys}
    return [
        Key(key.kid, ", ".join(key.algorithms), key.thumbprint, key.thumbprint in names)
        for key in configuration.keys.keys
    ]


def _mark(entry: Mapping[str, str], chain: TrustChain | None, now: int) -> Mark:
    mark_type, issuer, until, refused = entry["trust_mark_type"], "", None, ""
    try:
        claims = parse_unverified(entry["trust_mark"], TRUST_MARK).claims
        issuer, until = str(claims.get("iss")), claims.get("exp")
        if chain is None:
            refused = _("no chain, so that nothing can be said about it")
        else:
            resolution.verified_mark(chain, mark_type, now=now)
    except Refusal as refusal:
        refused = refusal.detail or refusal.reason.value
    return Mark(mark_type, issuer, until if isinstance(until, int) else None, refused)

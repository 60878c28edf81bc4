"""The entities of this authority: the node itself, what it hosts, and who registered below it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import auth_methods, marks, signing
from idp.federation.models import ChainCache, HostedEntity, Peer, Statement, Subordinate
from idp.protocol import keys
from idp.protocol import statement_claims as syntax
from idp.protocol.entity_statements import check_entity_id

NODE_TYPE = "federation_entity"
# What a subordinate of ours may be; anything else has no policy here (Federation §5.1).
SUBORDINATE_TYPES = frozenset({"openid_relying_party", "oauth_client", "oauth_resource"})
# Paths that belong to the rooms of the node; a hosted entity there would shadow an endpoint.
RESERVED = frozenset(
    {"account", "admin", "api", "audit", "border", "federation", "i18n", "oidc", "static", "status", ".well-known"}
)
ENDPOINTS = {
    "federation_fetch_endpoint": "/federation/fetch",
    "federation_list_endpoint": "/federation/list",
    "federation_resolve_endpoint": "/federation/resolve",
    "federation_trust_mark_endpoint": "/federation/trust-mark",
    "federation_trust_mark_status_endpoint": "/federation/trust-mark-status",
    "federation_trust_mark_list_endpoint": "/federation/trust-marked",
    "federation_historical_keys_endpoint": "/federation/historical-keys",
}
# A leaf must not publish these (Federation §5.1.1), under whatever type.
SUPERIORS_ONLY = frozenset({"federation_fetch_endpoint", "federation_list_endpoint"})
_PATH = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:/[a-z0-9](?:[a-z0-9-]*[a-z0-9])?){0,3}\Z")

Provider = Callable[[], Mapping[str, Any]]
_providers: dict[str, Provider] = {}  # filled by AppConfig.ready and by nobody later


class UnableToHost(Exception):
    """An entity cannot be hosted or registered; ``code`` is that of its problem document."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def contribute(entity_type: str, provider: Provider) -> None:
    """Have ``provider`` write the node's metadata of ``entity_type``. Called from a room's ``AppConfig.ready``."""
    if entity_type == NODE_TYPE:
        raise RuntimeError("the federation room writes that one itself")
    _providers[entity_type] = provider


def metadata() -> dict[str, Mapping[str, Any]]:
    """The node's metadata by entity type: its own and what the other rooms contribute."""
    authority = conf.authority()
    names = {
        "organization_name" if tag == "en" or len(authority.name) == 1 else f"organization_name#{tag}": name
        for tag, name in authority.name.items()
    }
    if "organization_name" not in names:
        names["organization_name"] = next(iter(authority.name.values()))
    endpoints = {name: authority.url(path) for name, path in ENDPOINTS.items()}
    contacts = {"contacts": list(authority.contacts)} if authority.contacts else {}  # Federation §5.2.2
    record = {"audit_endpoint": authority.url("/audit/v1"), "audit_jwks": signing.published("audit").jwks()}  # of ours
    own = {**names, **contacts, **endpoints, **record, **auth_methods.metadata()}
    return {NODE_TYPE: own, **{entity_type: provider() for entity_type, provider in sorted(_providers.items())}}


def host(*, path: str, metadata: Mapping[str, Any], now: int, actor: str = signing.ACTOR) -> HostedEntity:
    """Serve an entity configuration at ``{node}/{path}/.well-known/openid-federation`` and be its superior.

    ``metadata`` is by entity type, of `SUBORDINATE_TYPES` only. Called again for the same path, it replaces the
    metadata and keeps the key. Raises `UnableToHost`.
    """
    if not _PATH.match(path) or path.split("/")[0] in RESERVED:
        raise UnableToHost("invalid_request", "not a path for a hosted entity")
    if not metadata or not set(metadata) <= SUBORDINATE_TYPES:
        raise UnableToHost("invalid_request", "entity types that are not hosted")
    if any(SUPERIORS_ONLY & set(parameters) for parameters in metadata.values()):
        raise UnableToHost("invalid_request", "a hosted entity has no subordinates to fetch or list")
    entity_id = conf.authority().url(f"/{path}")
    with transaction.atomic():
        signing.ensure_key(use="hosted", owner=path)
        hosted, made = HostedEntity.objects.update_or_create(
            path=path, defaults={"entity_id": entity_id, "metadata": dict(metadata)}
        )
        jwks = signing.published("hosted", owner=path, now=now).jwks()
        _register(entity_id, {"jwks": jwks, "entity_types": sorted(metadata)}, now)
        kind = "federation.entity.hosted" if made else "federation.entity.changed"
        record(kind=kind, actor=actor, subject=entity_id, data={"types": sorted(metadata)})
    return hosted


def register_subordinate(
    *,
    entity_id: str,
    jwks: Mapping[str, Any],
    entity_types: Sequence[str],
    now: int,
    metadata: Mapping[str, Any] | None = None,
    metadata_policy: Mapping[str, Any] | None = None,
    actor: str = signing.ACTOR,
) -> Subordinate:
    """Become the superior of an entity that runs elsewhere, a messenger or a relying party; ``jwks`` are pinned.

    ``metadata`` is stated over what it says itself, ``metadata_policy`` narrows it, both by entity type. Called again,
    it replaces keys, types, metadata and policy. Raises `Refusal` for a bad identifier, key, metadata or policy, and
    `UnableToHost` for a type that is not ours to vouch for, or an identifier that is taken.
    """
    authority = conf.authority()
    check_entity_id(entity_id, allow_loopback_http=authority.insecure_loopback_http)
    checked = keys.parse_jwks(jwks)
    if not entity_types or not set(entity_types) <= SUBORDINATE_TYPES:
        raise UnableToHost("invalid_request", "entity types that are not registered here")
    if entity_id == authority.entity_id or Peer.objects.filter(entity_id=entity_id).exists():
        raise UnableToHost("conflict", "a peer or this node itself is no subordinate")
    if HostedEntity.objects.filter(entity_id=entity_id).exists():
        raise UnableToHost("conflict", "this node hosts the entity itself")
    stated = {"metadata": dict(metadata or {}), "metadata_policy": dict(metadata_policy or {})}
    syntax.metadata(stated)
    syntax.metadata_policy(stated)
    if not {*stated["metadata"], *stated["metadata_policy"]} <= set(entity_types):
        raise UnableToHost("invalid_request", "metadata of a type that the entity is not registered for")
    with transaction.atomic():
        values = {"jwks": checked.jwks(), "entity_types": sorted(set(entity_types)), **stated}
        subordinate = _register(entity_id, values, now)
        record(
            kind="federation.subordinate.registered",
            actor=actor,
            subject=entity_id,
            data={"types": sorted(set(entity_types)), "keys": [key.thumbprint for key in checked.keys]},
        )
    return subordinate


def end_subordinate(*, entity_id: str, now: int, actor: str = signing.ACTOR) -> None:
    """Stop vouching for an entity: its statement is gone and its chains are forgotten at once."""
    with transaction.atomic():
        subordinate = Subordinate.objects.filter(entity_id=entity_id, ended_at=None).first()
        if subordinate is None:
            raise UnableToHost("not_found", "no such subordinate")
        subordinate.ended_at = now
        subordinate.save(update_fields=["ended_at"])
        marks.revoke(subject=entity_id, now=now, actor=actor)
        forget(entity_id)
        record(kind="federation.subordinate.ended", actor=actor, subject=entity_id)


def forget(entity_id: str) -> None:
    """Drop our statement about the entity and every cached chain in which it stands, in any place."""
    Statement.objects.filter(subject=entity_id).exclude(issuer=entity_id).delete()
    ChainCache.objects.filter(members__contains=f"\n{entity_id}\n").delete()
    ChainCache.objects.filter(subject=entity_id).delete()


def _register(entity_id: str, values: Mapping[str, Any], now: int) -> Subordinate:
    nothing = {"metadata": {}, "metadata_policy": {}}
    subordinate, _ = Subordinate.objects.update_or_create(
        entity_id=entity_id, defaults={**nothing, **values, "registered_at": now, "ended_at": None}
    )
    ChainCache.objects.filter(subject=entity_id).delete()
    return subordinate

"""What this node says about itself and about others, signed, and kept until it is half worn or says something else.

A statement is made again when its contents, its key or its age ask for it: contents are compared at every request, so a
switch that an officer moves shows at once, and nothing has to remember to invalidate anything.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import entities, marks, signing
from idp.federation.models import HeldMark, HostedEntity, Peer, Statement, Subordinate
from idp.protocol.entity_statements import sign_entity_configuration, sign_subordinate_statement
from idp.protocol.keys import PrivateKey

CONFIGURATION_LIFETIME = 86_400
STATEMENT_LIFETIME = 3 * 86_400  # an officer's weekend; ending a peer does not wait for it
RENEW_AFTER = 43_200

PEER_TYPES = (
    "openid_provider",
    "oauth_authorization_server",
    "border_token_issuer",
    "openid_relying_party",
    "oauth_client",
    "oauth_resource",
)
SIGNATURES = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]


class UnableToState(Exception):
    """There is nothing that this node says about the entity."""

    code = "not_found"


def entity_configuration(now: int) -> str:
    """The node's own configuration, signed (Federation §3, §9)."""
    node = conf.authority().entity_id
    content: dict[str, Any] = {
        "jwks": signing.published("federation", now=now).jwks(),
        "metadata": entities.metadata(),
        "trust_mark_issuers": {marks.border_issuer(node): [node]},
    }
    hints = [peer.entity_id for peer in _peers() if peer.accepted]
    if hints:  # never an empty array (§3.1.2)
        content["authority_hints"] = hints
    held = HeldMark.objects.filter(expires_at__gt=now, peer__entity_id__in=hints).order_by("mark_type")
    if shown := [{"trust_mark_type": mark.mark_type, "trust_mark": mark.text} for mark in held]:
        content["trust_marks"] = shown
    return _current(
        issuer=node,
        subject=node,
        content=content,
        lifetime=CONFIGURATION_LIFETIME,
        key=signing.private_key("federation"),
        sign=sign_entity_configuration,
        now=now,
    )


def hosted_configuration(hosted: HostedEntity, now: int) -> str:
    """The configuration of an entity that this node hosts, signed by that entity's own federation key."""
    return _current(
        issuer=hosted.entity_id,
        subject=hosted.entity_id,
        content={
            "jwks": signing.published("hosted", owner=hosted.path, now=now).jwks(),
            "metadata": hosted.metadata,
            "authority_hints": [conf.authority().entity_id],
        },
        lifetime=CONFIGURATION_LIFETIME,
        key=signing.private_key("hosted", owner=hosted.path),
        sign=sign_entity_configuration,
        now=now,
    )


def subordinate_statement(entity_id: str, now: int) -> str:
    """The statement about a recognised peer or a subordinate (Federation §3, §8.1). Raises `UnableToState`."""
    peer = Peer.objects.filter(entity_id=entity_id).first()
    if peer is not None and peer.recognised:
        content = _about_peer(peer)
    else:
        subordinate = Subordinate.objects.filter(entity_id=entity_id, ended_at=None).first()
        if subordinate is None:
            raise UnableToState(f"nothing is stated about {entity_id}")
        content = _about_subordinate(subordinate, now)
    authority = conf.authority()
    return _current(
        issuer=authority.entity_id,
        subject=entity_id,
        content={**content, "source_endpoint": authority.url("/federation/fetch")},
        lifetime=STATEMENT_LIFETIME,
        key=signing.private_key("federation"),
        sign=sign_subordinate_statement,
        now=now,
    )


def renew(now: int) -> int:
    """Make every statement anew that is half worn; returns how many are in force."""
    entity_configuration(now)
    subjects = [peer.entity_id for peer in _peers() if peer.recognised]
    subjects += Subordinate.objects.filter(ended_at=None).values_list("entity_id", flat=True)
    for subject in subjects:
        subordinate_statement(subject, now)
    hosted = list(HostedEntity.objects.filter(entity_id__in=subjects))
    for entity in hosted:
        hosted_configuration(entity, now)
    return 1 + len(subjects) + len(hosted)


def _about_peer(peer: Peer) -> dict[str, Any]:
    # Not transitive: entities of the peer may stand below it, another authority with its entities may not.
    issuer = {"issuer": {"value": peer.entity_id, "essential": True}}
    return {
        "jwks": peer.jwks,
        "constraints": {"max_path_length": 1, "allowed_entity_types": list(PEER_TYPES)},
        "metadata_policy": {
            "openid_provider": {
                **issuer,
                "id_token_signing_alg_values_supported": {"subset_of": SIGNATURES, "essential": True},
            },
            "oauth_authorization_server": issuer,
            "border_token_issuer": {
                "jwks": {"essential": True},
                "status_jwks": {"essential": True},
                "status_list_aggregation_endpoint": {"essential": True},
            },
        },
    }


def _about_subordinate(subordinate: Subordinate, now: int) -> dict[str, Any]:
    hosted = HostedEntity.objects.filter(entity_id=subordinate.entity_id).first()
    jwks = subordinate.jwks if hosted is None else signing.published("hosted", owner=hosted.path, now=now).jwks()
    content: dict[str, Any] = {
        "jwks": jwks,
        "constraints": {"max_path_length": 0, "allowed_entity_types": subordinate.entity_types},
    }
    if subordinate.metadata_policy:
        content["metadata_policy"] = subordinate.metadata_policy
    return content


def _peers() -> list[Peer]:
    return list(Peer.objects.filter(ended_at=None).order_by("entity_id"))


def _current(
    *,
    issuer: str,
    subject: str,
    content: Mapping[str, Any],
    lifetime: int,
    key: PrivateKey,
    sign: Callable[[Mapping[str, Any], PrivateKey], str],
    now: int,
) -> str:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    row = Statement.objects.filter(issuer=issuer, subject=subject).first()
    if row is not None and (row.digest, row.kid) == (digest, key.kid) and 0 <= now - row.issued_at < RENEW_AFTER:
        return row.text
    claims = {"iss": issuer, "sub": subject, "iat": now, "exp": now + lifetime, **content}
    with transaction.atomic():
        row, _ = Statement.objects.update_or_create(
            issuer=issuer,
            subject=subject,
            defaults={
                "claims": claims,
                "digest": digest,
                "kid": key.kid,
                "issued_at": now,
                "expires_at": now + lifetime,
            },
        )
        row.text = sign(claims, key)
        row.save(update_fields=["text"])
        record(
            kind="federation.statement.signed",
            actor=signing.ACTOR,
            subject=subject[:255],
            data={"issuer": issuer, "digest": digest, "expires_at": now + lifetime},
        )
    return row.text

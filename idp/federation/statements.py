"""What this node says about itself and about others, signed, and kept until it is half worn or says something else.

A statement is made again when its contents, its key or its age ask for it: contents are compared at every request, so a
switch that an officer moves shows at once, and nothing has to remember to invalidate anything.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from idp import conf
from idp.audit.events import record
from idp.federation import entities, mark_types, marks, revision, signing, terms
from idp.federation.models import HeldMark, HostedEntity, Peer, Statement, Subordinate
from idp.protocol.entity_statements import sign_entity_configuration, sign_subordinate_statement
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)

CONFIGURATION_LIFETIME = 2 * 86_400  # a lane that is cut off goes by it for a day, and it is renewed after half a one
STATEMENT_LIFETIME = 3 * 86_400  # an officer's weekend; ending a peer does not wait for it
RENEW_AFTER = 43_200


class UnableToState(Exception):
    """There is nothing that this node says about the entity."""

    code = "not_found"


def entity_configuration(now: int) -> str:
    """The node's own configuration, signed (Federation §3, §9).

    It is the anchor of every search for a chain, so a process holds it for the second and the `revision` in which it
    was put together: see docs/decisions/0034.
    """
    node, number = conf.authority().entity_id, revision.committed()
    if number is None:
        return _own_configuration(node, now)
    if (known := _held.get((node, number, now))) is None:
        known = _own_configuration(node, now)
        _held.clear()
        _held[node, number, now] = known
    return known


_held: dict[tuple[str, int, int], str] = {}  # one


def _own_configuration(node: str, now: int) -> str:
    content: dict[str, Any] = {
        "jwks": signing.published("federation", now=now).jwks(),
        "metadata": entities.metadata(),
        **mark_types.stated(),
    }
    hints = list(Peer.objects.accepted(now).order_by("entity_id").values_list("entity_id", flat=True))
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
    content: dict[str, Any] = {
        "jwks": signing.published("hosted", owner=hosted.path, now=now).jwks(),
        "metadata": hosted.metadata,
        "authority_hints": [conf.authority().entity_id],
    }
    if shown := marks.shown_by(subject=hosted.entity_id, now=now):
        content["trust_marks"] = shown
    return _current(
        issuer=hosted.entity_id,
        subject=hosted.entity_id,
        content=content,
        lifetime=CONFIGURATION_LIFETIME,
        key=signing.private_key("hosted", owner=hosted.path),
        sign=sign_entity_configuration,
        now=now,
    )


def subordinate_statement(entity_id: str, now: int) -> str:
    """The statement about a recognised peer or a subordinate (Federation §3, §8.1). Raises `UnableToState`."""
    peer = Peer.objects.recognised(now).filter(entity_id=entity_id).first()
    if peer is not None:
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
        until=None if peer is None else peer.valid_until,
        key=signing.private_key("federation"),
        sign=sign_subordinate_statement,
        now=now,
    )


def claims_about(peer: Peer, now: int) -> dict[str, Any]:
    """The claims of a statement about the peer, were it made at ``now`` as the peer stands; nothing is stored."""
    authority = conf.authority()
    until = now + STATEMENT_LIFETIME if peer.valid_until is None else min(now + STATEMENT_LIFETIME, peer.valid_until)
    times = {"iat": now, "exp": until, "source_endpoint": authority.url("/federation/fetch")}
    return {"iss": authority.entity_id, "sub": peer.entity_id, **_about_peer(peer), **times}


def renew(now: int) -> int:
    """Make every statement anew that is half worn; returns how many are in force.

    One that cannot be made is reported and does not keep the others from being made.
    """
    entity_configuration(now)
    subjects = list(Peer.objects.recognised(now).order_by("entity_id").values_list("entity_id", flat=True))
    subjects += Subordinate.objects.filter(ended_at=None).values_list("entity_id", flat=True)
    hosted = list(HostedEntity.objects.filter(entity_id__in=subjects))
    jobs = [partial(subordinate_statement, subject, now) for subject in subjects]
    jobs += [partial(hosted_configuration, entity, now) for entity in hosted]
    return 1 + sum(_made(job) for job in jobs)


def _made(job: partial[str]) -> bool:
    try:
        job()
    except (Refusal, Unavailable, UnableToState):
        log.exception("a statement could not be made: %s", job.args[0])
        return False
    return True


def _about_peer(peer: Peer) -> dict[str, Any]:
    agreed = terms.of(peer)
    return {
        "jwks": peer.jwks,
        "constraints": terms.constraints(agreed),
        "metadata_policy": terms.policy(agreed, entity_id=peer.entity_id),
    }


def _about_subordinate(subordinate: Subordinate, now: int) -> dict[str, Any]:
    hosted = HostedEntity.objects.filter(entity_id=subordinate.entity_id).first()
    jwks = subordinate.jwks if hosted is None else signing.published("hosted", owner=hosted.path, now=now).jwks()
    content: dict[str, Any] = {
        "jwks": jwks,
        "constraints": {"max_path_length": 0, "allowed_entity_types": subordinate.entity_types},
    }
    for name in ("metadata", "metadata_policy"):
        if stated := getattr(subordinate, name):
            content[name] = stated
    return content


def _current(
    *,
    issuer: str,
    subject: str,
    content: Mapping[str, Any],
    lifetime: int,
    key: PrivateKey,
    sign: Callable[[Mapping[str, Any], PrivateKey], str],
    now: int,
    until: int | None = None,
) -> str:
    """The statement in force, or a new one; it never lives past ``until`` (seconds since 1970)."""
    digest = hashlib.sha256(json.dumps([content, until], sort_keys=True).encode()).hexdigest()
    row = Statement.objects.filter(issuer=issuer, subject=subject).first()
    if row is not None and (row.digest, row.kid) == (digest, key.kid) and 0 <= now - row.issued_at < RENEW_AFTER:
        return row.text
    expires_at = now + lifetime if until is None else min(now + lifetime, until)
    claims = {"iss": issuer, "sub": subject, "iat": now, "exp": expires_at, **content}
    with transaction.atomic():
        row, _ = Statement.objects.update_or_create(
            issuer=issuer,
            subject=subject,
            defaults={
                "claims": claims,
                "digest": digest,
                "kid": key.kid,
                "issued_at": now,
                "expires_at": expires_at,
            },
        )
        row.text = sign(claims, key)
        row.save(update_fields=["text"])
        record(
            kind="federation.statement.signed",
            actor=signing.ACTOR,
            subject=subject[:255],
            data={"issuer": issuer, "digest": digest, "expires_at": expires_at},
        )
    return row.text

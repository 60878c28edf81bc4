"""Checkpoints and their lanes: registered by an officer, enrolled by the gate itself with a code of one use."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from idp.audit import events
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.border.models import Checkpoint, Lane
from idp.border.policy import watch_key
from idp.conf import authority
from idp.federation import entities, signing
from idp.protocol import keys, strict_json
from idp.protocol.refusals import Reason, Refusal

CODE_LIFETIME = 86_400  # seconds: an officer hands the file over and the gate uses it the same day
MAX_SEALING_KEYS = 2  # current and next


class UnableToEnrolLane(Exception):
    """The code is wrong, used or expired, or a key cannot be taken. ``code`` is the problem's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class LaneKeys:
    """What a gate brings to its enrolment: public keys only."""

    signing: keys.PublicKey
    sealing: tuple[keys.PublicKey, ...]
    face_models: tuple[str, ...]


@transaction.atomic
def register(
    *,
    code: str,
    name: Mapping[str, str],
    neighbour: str,
    directions: Sequence[str],
    officer: str,
    now: int,
    policy: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Make the checkpoint and its hosted entity (type ``oauth_resource``, RFC 9728). Keys come with the first lane."""
    face_models = [EMBEDDED_MODEL]
    entity = entities.host(
        path=f"checkpoints/{code}", metadata=_metadata(code, name, neighbour, directions, {}, face_models), now=now
    )
    checkpoint = Checkpoint.objects.create(
        code=code,
        name=dict(name),
        entity=entity,
        neighbour=neighbour,
        directions=list(directions),
        policy=dict(policy or {}),
        face_models=face_models,
    )
    events.record(kind="checkpoint.registered", actor=officer, subject=checkpoint.entity_id)
    return checkpoint


@transaction.atomic
def invite_lane(*, checkpoint: Checkpoint, name: str, direction: str, officer: str, now: int) -> dict[str, Any]:
    """The enrolment file of a lane, carried to the gate by an officer; holds the only copy of the code.

    Besides the code it pins what the gate must never take from the network: the authority's federation keys.
    """
    if direction not in checkpoint.directions:
        raise UnableToEnrolLane("invalid_request", "the checkpoint has no such direction")
    code = secrets.token_urlsafe(24)
    Lane.objects.update_or_create(
        checkpoint=checkpoint,
        name=name,
        defaults={
            "direction": direction,
            "code_hash": _digest(code),
            "code_expires_at": now + CODE_LIFETIME,
            "jwk": None,
            "enrolled_at": None,
            "revoked_at": None,
        },
    )
    events.record(kind="lane.invited", actor=officer, subject=f"{checkpoint.entity_id}#{name}")
    return {
        "node": authority().entity_id,
        "checkpoint": checkpoint.entity_id,
        "checkpoint_code": checkpoint.code,
        "checkpoint_name": checkpoint.name,
        "lane": name,
        "direction": direction,
        "code": code,
        "anchor_jwks": signing.published("federation").jwks(),
        "watch_key": strict_json.b64encode(watch_key()),
    }


@transaction.atomic
def enrol_lane(*, checkpoint_code: str, lane_name: str, code: str, lane_keys: LaneKeys, now: int) -> Lane:
    """Take a lane's keys in exchange for its code. The same code is never taken twice."""
    lane = (
        Lane.objects.select_for_update(of=("self",))
        .select_related("checkpoint__entity")
        .filter(checkpoint__code=checkpoint_code, name=lane_name, jwk__isnull=True)
        .first()
    )
    if lane is None or not lane.code_hash or not hmac.compare_digest(lane.code_hash, _digest(code)):
        raise UnableToEnrolLane("forbidden", "no lane with this code")
    if lane.code_expires_at <= now:
        raise UnableToEnrolLane("forbidden", "the code has expired")
    lane.jwk, lane.enrolled_at, lane.code_hash = lane_keys.signing.jwk(), now, ""
    lane.last_seen = now
    lane.save()
    _take_sealing_keys(lane.checkpoint, lane_keys, now=now)
    events.record(
        kind="lane.enrolled",
        actor=lane.lane_id,
        subject=lane.lane_id,
        data={"thumbprint": lane_keys.signing.thumbprint},
    )
    return lane


@transaction.atomic
def rotate_sealing_keys(*, lane: Lane, sealing: Sequence[keys.PublicKey], now: int) -> None:
    """Publish the checkpoint's sealing keys anew (current first). The old "next" must be among them."""
    checkpoint = Checkpoint.objects.select_for_update().get(pk=lane.checkpoint_id)
    published = [key["kid"] for key in checkpoint.sealing_jwks.get("keys", [])]
    offered = {key.kid for key in sealing}
    if published and published[-1] not in offered:
        raise UnableToEnrolLane("conflict", "the key announced as next is missing")
    _take_sealing_keys(checkpoint, LaneKeys(sealing[0], tuple(sealing), tuple(checkpoint.face_models)), now=now)
    events.record(kind="checkpoint.sealing_keys_rotated", actor=lane.lane_id, subject=checkpoint.entity_id)


@transaction.atomic
def configure(*, checkpoint: Checkpoint, changed: Sequence[str], officer: str) -> None:
    """Save an officer's change of policy, opening hours or activity; the next bundle carries it."""
    checkpoint.save(update_fields=["policy", "opening", "active"])
    events.record(
        kind="checkpoint.configured", actor=officer, subject=checkpoint.entity_id, data={"changed": list(changed)}
    )


@transaction.atomic
def revoke_lane(*, lane: Lane, officer: str, now: int) -> None:
    """From now on the lane gets no bundle and its journal is refused."""
    Lane.objects.filter(pk=lane.pk, revoked_at__isnull=True).update(revoked_at=now)
    events.record(kind="lane.revoked", actor=officer, subject=lane.lane_id)


def parse_lane_keys(value: Mapping[str, Any]) -> LaneKeys:
    """Read ``{"jwk", "sealing_jwks", "face_models"}``; raises `Refusal` (malformed)."""
    sealing = parse_sealing_keys(value.get("sealing_jwks"))
    models = value.get("face_models")
    if not isinstance(models, list) or not 1 <= len(models) <= 8 or not all(isinstance(item, str) for item in models):
        raise Refusal(Reason.MALFORMED, "face_models is a list of 1 to 8 names")
    return LaneKeys(keys.parse_public(value.get("jwk")), sealing, tuple(models))


def parse_sealing_keys(value: object) -> tuple[keys.PublicKey, ...]:
    """One or two P-256 keys, current first; raises `Refusal` (malformed)."""
    sealing = keys.parse_jwks(value).keys
    if len(sealing) > MAX_SEALING_KEYS or not all(key.jwk().get("crv") == "P-256" for key in sealing):
        raise Refusal(Reason.MALFORMED, "sealing keys are one or two P-256 keys")
    return sealing


def _take_sealing_keys(checkpoint: Checkpoint, lane_keys: LaneKeys, *, now: int) -> None:
    jwks = {"keys": [{**key.jwk(), "use": "enc", "alg": "ECDH-ES"} for key in lane_keys.sealing]}
    checkpoint.sealing_jwks, checkpoint.face_models = jwks, list(lane_keys.face_models)
    checkpoint.save(update_fields=["sealing_jwks", "face_models"])
    entities.host(
        path=f"checkpoints/{checkpoint.code}",
        metadata=_metadata(
            checkpoint.code, checkpoint.name, checkpoint.neighbour, checkpoint.directions, jwks, checkpoint.face_models
        ),
        now=now,
    )


def _metadata(
    code: str,
    name: Mapping[str, str],
    neighbour: str,
    directions: Sequence[str],
    jwks: Mapping[str, Any],
    face_models: Sequence[str],
) -> dict[str, Any]:
    """The checkpoint's ``oauth_resource`` metadata (protocol.md, Entities)."""
    node = authority()
    resource: dict[str, Any] = {
        "resource": node.url(f"/checkpoints/{code}"),
        "resource_name": name.get("en", code),
        **{f"resource_name#{language}": text for language, text in name.items() if language != "en"},
        "authorization_servers": [node.entity_id],
        "authorization_details_types_supported": ["border_crossing"],
        "face_models_supported": list(face_models),
        "border_jurisdiction": node.jurisdiction,
        "border_neighbour": neighbour,
        "border_directions": list(directions),
    }
    if jwks:
        resource["jwks"] = dict(jwks)
    return {"oauth_resource": resource}


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()

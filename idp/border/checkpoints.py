"""Checkpoints and their lanes: registered by an officer, enrolled by the gate itself with a code of one use."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from idp.audit import events
from idp.biometrics import engines
from idp.border import bundling
from idp.border.models import Checkpoint, Lane
from idp.border.policy import watch_key
from idp.conf import authority
from idp.federation import entities, signing
from idp.federation.models import HostedEntity
from idp.proposals import reviews
from idp.protocol import keys, strict_json
from idp.protocol.refusals import Reason, Refusal

CODE_LIFETIME = 86_400  # seconds: an officer hands the file over and the gate uses it the same day
MAX_SEALING_KEYS = 2  # current and next
MAX_MODEL_NAME = 64  # characters; protocol.border_claims
LANE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}\Z")


class UnableToRegister(Exception):
    """There can be no such checkpoint. ``code`` is the problem's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


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
    """Make the checkpoint and its hosted entity (type ``oauth_resource``, RFC 9728). Keys come with the first lane.

    Raises `UnableToRegister`: invalid_request for a code, neighbour, direction or policy that cannot be, conflict for a
    code that is taken.
    """
    checkpoint = Checkpoint(
        code=code,
        name=dict(name),
        neighbour=neighbour,
        directions=list(directions),
        policy=dict(policy or {}),
        face_models=engines.models(),
    )
    try:
        bundling.check(checkpoint)
        if Checkpoint.objects.filter(code=code).exists():
            raise UnableToRegister("conflict", "there is a checkpoint with this code")
        checkpoint.hosted = _host(checkpoint, now=now)
    except Refusal as error:
        raise UnableToRegister("invalid_request", str(error)) from error
    except entities.UnableToHost as error:
        raise UnableToRegister(error.code, str(error)) from error
    checkpoint.save()
    events.record(kind="checkpoint.registered", actor=officer, subject=checkpoint.entity_id)
    return checkpoint


@transaction.atomic
def invite_lane(*, checkpoint: Checkpoint, name: str, direction: str, officer: str, now: int) -> dict[str, Any]:
    """The enrolment file of a lane, carried to the gate by an officer; holds the only copy of the code.

    Besides the code it pins what the gate must never take from the network: the authority's federation keys. A lane
    that was enrolled is never invited again: its journal is one chain by one key. A new gate gets a new name.
    """
    if direction not in checkpoint.directions:
        raise UnableToEnrolLane("invalid_request", "the checkpoint has no such direction")
    if not LANE_NAME.match(name):
        raise UnableToEnrolLane("invalid_request", "not a name for a lane")
    if checkpoint.lanes.filter(name=name, jwk__isnull=False).exists():
        raise UnableToEnrolLane("conflict", "a lane with this name was enrolled before")
    code = secrets.token_urlsafe(24)
    Lane.objects.update_or_create(
        checkpoint=checkpoint,
        name=name,
        defaults={
            "direction": direction,
            "code_hash": _digest(code),
            "code_expires_at": now + CODE_LIFETIME,
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
    """Take a lane's keys in exchange for its code. The same code is never taken twice.

    Raises `UnableToEnrolLane`: forbidden for the code, conflict for sealing keys that are not those of the checkpoint.
    """
    if not LANE_NAME.match(checkpoint_code) or not LANE_NAME.match(lane_name):
        raise UnableToEnrolLane("forbidden", "no such lane")
    checkpoint = Checkpoint.objects.select_for_update(of=("self",)).select_related("hosted")
    lane = Lane.objects.filter(
        checkpoint=checkpoint.filter(code=checkpoint_code).first(),
        name=lane_name,
        jwk__isnull=True,
        revoked_at__isnull=True,
    ).first()
    if lane is None or not lane.code_hash or not hmac.compare_digest(lane.code_hash, _digest(code)):
        raise UnableToEnrolLane("forbidden", "no lane with this code")
    if lane.code_expires_at <= now:
        raise UnableToEnrolLane("forbidden", "the code has expired")
    _join(lane.checkpoint, lane_keys, now=now)
    lane.jwk, lane.enrolled_at, lane.code_hash = lane_keys.signing.jwk(), now, ""
    lane.face_models = list(lane_keys.face_models)
    lane.last_seen = now
    lane.save()
    events.record(
        kind="lane.enrolled",
        actor=lane.lane_id,
        subject=lane.lane_id,
        data={"thumbprint": lane_keys.signing.thumbprint},
    )
    return lane


@transaction.atomic
def rotate_sealing_keys(*, lane: Lane, sealing: Sequence[keys.PublicKey], now: int) -> None:
    """Publish the checkpoint's sealing keys anew, current first. Raises `UnableToEnrolLane` (conflict): `_follow`."""
    checkpoint = Checkpoint.objects.select_for_update(of=("self",)).select_related("hosted").get(pk=lane.checkpoint_id)
    if not _follow(checkpoint, sealing):
        raise UnableToEnrolLane("conflict", "keys that do not follow those announced")
    _publish(checkpoint, sealing, checkpoint.face_models, now=now)
    events.record(kind="checkpoint.sealing_keys_rotated", actor=lane.lane_id, subject=checkpoint.entity_id)


@transaction.atomic
def announce_models(*, lane: Lane, models: Sequence[str], now: int) -> None:
    """The lane runs other face engines than before; its checkpoint names what all its lanes can compare.

    Raises `UnableToEnrolLane` (conflict) where that would be nothing, and leaves everything as it was.
    """
    checkpoint = Checkpoint.objects.select_for_update(of=("self",)).select_related("hosted").get(pk=lane.checkpoint_id)
    if lane.face_models == list(models):
        return
    common = _in_common(checkpoint, models, but=lane)
    Lane.objects.filter(pk=lane.pk).update(face_models=list(models))
    _name(checkpoint, common, now=now)
    data = {"models": list(models), "checkpoint": common}
    events.record(kind="lane.models_announced", actor=lane.lane_id, subject=lane.lane_id, data=data)


@transaction.atomic
def configure(
    *, checkpoint: Checkpoint, changed: Sequence[str], officer: str, now: int, facts: Mapping[str, Any] | None = None
) -> None:
    """Save a change of policy, opening hours or activity; the next bundle carries it. The audit takes ``facts``: how
    it was decided.

    A checkpoint that is not active has no statement: no authority issues tokens for it, and its gates admit nobody.
    Raises `Refusal` (malformed) for what gates could not read.
    """
    bundling.check(checkpoint)
    current = Checkpoint.objects.select_for_update(of=("self",)).get(pk=checkpoint.pk)  # its keys may have rotated
    checkpoint.save(update_fields=["policy", "opening", "active"])
    current.active = checkpoint.active
    if "active" in changed and checkpoint.active:
        _host(current, now=now)
    elif "active" in changed:
        entities.end_subordinate(entity_id=checkpoint.entity_id, now=now, actor=officer)
    data = {"changed": list(changed), **(facts or {})}
    events.record(kind="checkpoint.configured", actor=officer, subject=checkpoint.entity_id, data=data)


@transaction.atomic
def revoke_lane(*, lane: Lane, officer: str, now: int, why: str = "") -> None:
    """From now on the lane gets no bundle and its journal is refused; another officer reviews it."""
    if Lane.objects.filter(pk=lane.pk, revoked_at__isnull=True).update(revoked_at=now, code_hash=""):
        data = {"why": why} if why else None
        events.record(kind="lane.revoked", actor=officer, subject=lane.lane_id, data=data)
        what = f"revoked: {why}" if why else "revoked"
        reviews.record(kind="border.lane_revoked", subject=lane.lane_id, what=what, officer=officer, now=now)
        _let_go(lane, now=now)


def parse_lane_keys(value: Mapping[str, Any]) -> LaneKeys:
    """Read ``{"jwk", "sealing_jwks", "face_models"}``; raises `Refusal` (malformed)."""
    sealing = parse_sealing_keys(value.get("sealing_jwks"))
    return LaneKeys(keys.parse_public(value.get("jwk")), sealing, parse_models(value.get("face_models")))


def parse_models(value: object) -> tuple[str, ...]:
    """Names of face models, preferred first; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or not 1 <= len(value) <= 8 or not all(_is_name(item) for item in value):
        raise Refusal(Reason.MALFORMED, "face_models is a list of 1 to 8 names")
    return tuple(value)


def parse_sealing_keys(value: object) -> tuple[keys.PublicKey, ...]:
    """One or two P-256 keys, current first; raises `Refusal` (malformed)."""
    sealing = keys.parse_jwks(value).keys
    if len(sealing) > MAX_SEALING_KEYS or not all(key.jwk().get("crv") == "P-256" for key in sealing):
        raise Refusal(Reason.MALFORMED, "sealing keys are one or two P-256 keys")
    return sealing


def _join(checkpoint: Checkpoint, lane_keys: LaneKeys, *, now: int) -> None:
    """Let a lane in. The sealing keys and the face models are the checkpoint's: a token is sealed for any of its lanes.

    While another lane stands, a newcomer brings the same sealing keys (lanes share them within the gate) and a face
    model of theirs; were its keys taken instead, the others could open nothing more. When all lanes are revoked, the
    keys are nobody's and the first new lane brings new ones.
    """
    if _standing(checkpoint).exists() and not _follow(checkpoint, lane_keys.sealing):
        raise UnableToEnrolLane("conflict", "the other lanes of the checkpoint have other sealing keys")
    _publish(checkpoint, lane_keys.sealing, _in_common(checkpoint, lane_keys.face_models), now=now)


def _standing(checkpoint: Checkpoint) -> QuerySet[Lane]:
    return checkpoint.lanes.filter(jwk__isnull=False, revoked_at__isnull=True)


def _in_common(checkpoint: Checkpoint, models: Sequence[str], *, but: Lane | None = None) -> list[str]:
    """Those of ``models`` that each standing lane can compare. A lane that never named any has the checkpoint's."""
    others = _standing(checkpoint).exclude(pk=but.pk if but else None)
    named = [each or checkpoint.face_models for each in others.values_list("face_models", flat=True)]
    common = [model for model in models if all(model in each for each in named)]
    if not common:
        raise UnableToEnrolLane("conflict", "no face model in common with the other lanes")
    return common


def _let_go(lane: Lane, *, now: int) -> None:
    """What only the revoked lane lacked is named from now on."""
    checkpoint = Checkpoint.objects.select_for_update(of=("self",)).select_related("hosted").get(pk=lane.checkpoint_id)
    left = _standing(checkpoint).order_by("-last_seen").first()
    if left is not None and left.face_models:
        _name(checkpoint, _in_common(checkpoint, left.face_models), now=now)


def _name(checkpoint: Checkpoint, models: list[str], *, now: int) -> None:
    if models != checkpoint.face_models:
        _publish(checkpoint, keys.parse_jwks(checkpoint.sealing_jwks).keys, models, now=now)


def _follow(checkpoint: Checkpoint, sealing: Sequence[keys.PublicKey]) -> bool:
    """Whether ``sealing`` are the announced keys or their rotation: the first was announced, and the next is kept.

    Keys are compared by thumbprint: a ``kid`` is only what somebody calls a key.
    """
    if not checkpoint.sealing_jwks:
        return True
    announced = [key.thumbprint for key in keys.parse_jwks(checkpoint.sealing_jwks).keys]
    offered = [key.thumbprint for key in sealing]
    return offered[0] in announced and announced[-1] in offered


def _publish(
    checkpoint: Checkpoint, sealing: Sequence[keys.PublicKey], face_models: Sequence[str], *, now: int
) -> None:
    checkpoint.sealing_jwks = {"keys": [{**key.jwk(), "use": "enc", "alg": "ECDH-ES"} for key in sealing]}
    checkpoint.face_models = list(face_models)
    checkpoint.save(update_fields=["sealing_jwks", "face_models"])
    if checkpoint.active:
        _host(checkpoint, now=now)


def _host(checkpoint: Checkpoint, *, now: int) -> HostedEntity:
    return entities.host(path=f"checkpoints/{checkpoint.code}", metadata=_metadata(checkpoint), now=now)


def _metadata(checkpoint: Checkpoint) -> dict[str, Any]:
    """The checkpoint's ``oauth_resource`` metadata (protocol.md, Entities)."""
    node, name = authority(), checkpoint.name
    resource: dict[str, Any] = {
        "resource": node.url(f"/checkpoints/{checkpoint.code}"),
        "resource_name": name.get("en", checkpoint.code),
        **{f"resource_name#{language}": text for language, text in name.items() if language != "en"},
        "authorization_servers": [node.entity_id],
        "authorization_details_types_supported": ["border_crossing"],
        "face_models_supported": list(checkpoint.face_models),
        "border_jurisdiction": node.jurisdiction,
        "border_neighbour": checkpoint.neighbour,
        "border_directions": list(checkpoint.directions),
    }
    if checkpoint.sealing_jwks:
        resource["jwks"] = dict(checkpoint.sealing_jwks)
    return {"oauth_resource": resource}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_MODEL_NAME and value.isprintable()


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()

"""What a trust bundle tells a gate about its own checkpoint, and how strict it must be there.

``checkpoint``: ``{"name": {language: text}, "jurisdiction": "HKG", "neighbour": "CHN",
"directions": ["exit", "entry"], "modes": ["time", "challenge"], "liveness": true}``. An exit goes from the
jurisdiction to its neighbour, an entry the other way.

``policy``: ``{"max_age": {"bundle": seconds, "status": seconds}, "on_stale_status": "refer" | "admit_and_mark",
"face": {model: {"admit": score, "refer": score}}, "max_attempts": 3, "four_eyes": reasons}``. A face score at or above
``admit`` admits, at or above ``refer`` goes to an officer, below it is another face. ``four_eyes`` says which referrals
two officers release by hand: true (all), false (none), or a list of refusal reasons; absent is false.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

DIRECTIONS = frozenset({"exit", "entry"})
JURISDICTIONS = frozenset({"CHN", "HKG", "MAC"})
MODES = frozenset({"time", "challenge"})
MAX_BUNDLE_AGE = 86_400  # seconds; protocol.md: a lane that is cut off decides for 24 h, whatever a bundle says
MAX_STATUS_AGE = 86_400
MAX_MODELS = 16


@dataclass(frozen=True)
class CheckpointFacts:
    """The checkpoint that a bundle is for."""

    name: Mapping[str, str]
    jurisdiction: str
    neighbour: str
    directions: frozenset[str]
    modes: frozenset[str]
    liveness: bool

    def leg(self, direction: str) -> tuple[str, str]:
        """Where a crossing in ``direction`` comes from and goes to."""
        here, there = self.jurisdiction, self.neighbour
        return (here, there) if direction == "exit" else (there, here)


@dataclass(frozen=True)
class Thresholds:
    """The scores of one face model: ``admit`` ≥ ``refer``."""

    admit: float
    refer: float


@dataclass(frozen=True)
class GatePolicy:
    """How old things may be, and what follows. Ages in seconds."""

    max_bundle_age: int
    max_status_age: int
    admit_stale_status: bool
    face: Mapping[str, Thresholds]
    max_attempts: int
    four_eyes: frozenset[Reason] = frozenset()  # of a referral that two officers release


def parse_checkpoint(value: object) -> CheckpointFacts:
    """Read the ``checkpoint`` member of a bundle; raises `Refusal` (malformed)."""
    members = _object(value, "checkpoint")
    name = _object(members.get("name"), "name")
    if not all(isinstance(text, str) for text in name.values()):
        raise Refusal(Reason.MALFORMED, "a checkpoint's name is not a text for each language")
    here, there = (strict_json.string(members, name, max_length=3) for name in ("jurisdiction", "neighbour"))
    if not {here, there} <= JURISDICTIONS or here == there:
        raise Refusal(Reason.MALFORMED, "a checkpoint is between two jurisdictions")
    liveness = members.get("liveness", True)
    if not isinstance(liveness, bool):
        raise Refusal(Reason.MALFORMED, "liveness is not a boolean")
    return CheckpointFacts(
        name=dict(name),
        jurisdiction=here,
        neighbour=there,
        directions=_words(members.get("directions"), DIRECTIONS),
        modes=_words(members.get("modes"), MODES),
        liveness=liveness,
    )


def parse_policy(value: object) -> GatePolicy:
    """Read the ``policy`` member of a bundle; raises `Refusal` (malformed)."""
    members = _object(value, "policy")
    ages = _object(members.get("max_age"), "max_age")
    stale = members.get("on_stale_status")
    if stale not in ("refer", "admit_and_mark"):
        raise Refusal(Reason.MALFORMED, "on_stale_status is neither refer nor admit_and_mark")
    face = _object(members.get("face"), "face")
    if len(face) > MAX_MODELS:
        raise Refusal(Reason.MALFORMED, "too many face models")
    attempts = strict_json.integer(members, "max_attempts")
    if attempts < 1:
        raise Refusal(Reason.MALFORMED, "max_attempts is less than one")
    return GatePolicy(
        max_bundle_age=min(strict_json.integer(ages, "bundle"), MAX_BUNDLE_AGE),
        max_status_age=min(strict_json.integer(ages, "status"), MAX_STATUS_AGE),
        admit_stale_status=stale == "admit_and_mark",
        face={model: _thresholds(scores) for model, scores in face.items()},
        max_attempts=attempts,
        four_eyes=_four_eyes(members.get("four_eyes", False)),
    )


def _four_eyes(value: object) -> frozenset[Reason]:
    if isinstance(value, bool):
        return frozenset(Reason) if value else frozenset()
    if not isinstance(value, list) or not all(item in Reason.__members__.values() for item in value):
        raise Refusal(Reason.MALFORMED, "four_eyes is neither a boolean nor a list of refusal reasons")
    return frozenset(map(Reason, value))


def _thresholds(value: object) -> Thresholds:
    members = _object(value, "face thresholds")
    admit, refer = (_number(members.get(name)) for name in ("admit", "refer"))
    if refer > admit:
        raise Refusal(Reason.MALFORMED, "a face threshold refer above admit")
    return Thresholds(admit, refer)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise Refusal(Reason.MALFORMED, "a face threshold is not a number")
    return float(value)


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, f"{name} is not an object")
    return value


def _words(value: object, known: frozenset[str]) -> frozenset[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item in known for item in value):
        raise Refusal(Reason.MALFORMED, f"not a list of {', '.join(sorted(known))}")
    return frozenset(value)

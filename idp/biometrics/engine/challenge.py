"""Active challenge: did this person do, before the camera, what was asked, in the order in which it was asked?

A session is a take looking straight and one take for each instruction, in an order that the caller draws by chance and
keeps with its session. Landmarks tell whether the movement was made, and whether it was a movement and no jump from one
still to another; embeddings, whether it was one person throughout; pixels, whether the frames differ.

What it stops: a still, also one that is moved, turned in its plane, tilted, shown on a screen, or injected; a frozen
video; stills of several poses; a recording of another session. What it does *not* stop: a program that turns a still
as a head turns (`idp.demo.takes` is one), a face swapped while it is filmed, a mask, a recording of all movements cut
to order, a helper who looks like the holder. A print that is bent round a head was not tried. It is no presentation
attack detection tested by ISO/IEC 30107-3. Bounds are policy values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations, pairwise, permutations
from math import factorial
from typing import Final

import numpy as np

from idp.biometrics.engine import templates
from idp.biometrics.engine.contract import FaceEngine, Sight
from idp.biometrics.engine.face import Box
from idp.biometrics.engine.liveness import CHANGE_NOISE, Patch, patch, ramp
from idp.biometrics.engine.templates import Embedding
from idp.protocol.refusals import Reason, Refusal

MINIMUM: Final = 0.5  # of the score
STRAIGHT_FRAMES: Final = (3, 6)  # at least, at most: as a gate's burst
TAKE_FRAMES: Final = (4, 8)
SEEN: Final = 3  # frames of a take with a face in them; a head that turns too far is not found
TURN_NOISE, TURN_CLEAR = 4.0, 16.0  # degrees of yaw from looking straight, as landmarks tell it
CLOSER_NOISE, CLOSER_CLEAR = 0.04, 0.28  # growth of the face
JUMP, GLIDE = 1.0, 0.6  # of a movement, done between two frames
TURNED: Final = 10.0  # degrees, from which a head is compared more leniently
LENIENCE: Final = 0.05  # of the score below which an engine sees two people
REPEATED: Final = 0.002  # change of the smoothed grey face, in its standard deviations; noise makes more


class Instruction(StrEnum):
    """What a traveller is asked to do; left and right are theirs. A stored picture is not mirrored: nothing is."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    COME_CLOSER = "come_closer"


MIRRORED: Final = {Instruction.TURN_LEFT: Instruction.TURN_RIGHT, Instruction.TURN_RIGHT: Instruction.TURN_LEFT}


LOST: Final = {
    Instruction.TURN_LEFT: "turn_less",
    Instruction.TURN_RIGHT: "turn_less",
    Instruction.COME_CLOSER: "move_into_the_picture",
}  # what to say when hardly a frame shows a face


@dataclass(frozen=True)
class Moment:
    """What one frame says: ``yaw`` in degrees to the picture's right, ``size`` between the eyes in picture widths.

    ``place``: x and y of the eyes' middle, in the same. ``likeness``: score against the frame looking straight.
    """

    yaw: float
    size: float
    place: tuple[float, float]
    patch: Patch
    likeness: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """``score`` in [0, 1], to be logged and not shown: how clearly the least clear of the instructions was obeyed.

    ``alarm``: another_person, repeated_frames, frozen, other_order, for an officer; empty where there is none.
    ``hint``: what would help a traveller who did not obey; empty where all was done.
    """

    score: float
    alarm: str = ""
    hint: str = ""

    def require(self) -> None:
        """Raise `Refusal` face_not_live with ``hint`` where it was not done. Look at ``alarm`` first."""
        if self.hint:
            raise Refusal(Reason.FACE_NOT_LIVE, self.hint)


def issue(random: bytes) -> list[str]:
    """All instructions in one of their orders; ``random`` is eight bytes or more, fresh for each session."""
    if len(random) < 8:
        raise ValueError("eight random bytes at least")
    orders = list(permutations(Instruction))
    return [one.value for one in orders[int.from_bytes(random) % factorial(len(Instruction))]]


def frames_wanted(challenge: Sequence[str]) -> list[tuple[int, int]]:
    """How many frames each take of a session has, at least and at most; the take looking straight first."""
    return [STRAIGHT_FRAMES, *[TAKE_FRAMES] * len(challenge)]


def watch(engine: FaceEngine, challenge: Sequence[str], takes: Sequence[Sequence[bytes]]) -> Outcome:
    """Look at a session's pictures, one after the other, and judge it.

    Raises `Refusal`: malformed (an unknown instruction, another number of takes or frames, no picture), face_no_face
    where a take has too few frames with a face, face_many_faces.
    """
    wanted = frames_wanted(challenge)
    if len(takes) != len(wanted) or set(challenge) - set(Instruction):
        raise Refusal(Reason.MALFORMED, f"{len(takes)} takes for {len(challenge)} instructions")
    for (least, most), take in zip(wanted, takes, strict=True):
        if not least <= len(take) <= most:
            raise Refusal(Reason.MALFORMED, f"a take of {len(take)} frames")
    moments = _moments(engine, takes)
    for number, seen in enumerate(moments):
        if len(seen) < SEEN:
            raise Refusal(
                Reason.FACE_NO_FACE, LOST[Instruction(challenge[number - 1])] if number else "look_at_the_camera"
            )
    return judge(challenge, moments, floor=engine.same_score)


def judge(challenge: Sequence[str], takes: Sequence[Sequence[Moment]], *, floor: float) -> Outcome:
    """The outcome of a session of at least three moments in each take; below ``floor`` two frames show two people."""
    straight, asked = takes[0], [Instruction(one) for one in challenge]
    obeyed = [_obeyed(one, take, straight) for one, take in zip(asked, takes[1:], strict=True)]
    score = min((min(done, smooth) for done, smooth in obeyed), default=1.0)
    alarm = _alarm(takes, floor)
    if not alarm and score < MINIMUM and _in_other_order(asked, takes):
        alarm = "other_order"
    return Outcome(score, alarm, _hint(asked, obeyed))


def _moments(engine: FaceEngine, takes: Sequence[Sequence[bytes]]) -> list[list[Moment]]:
    """Without the frames that show no face. Pictures are dropped one by one: twenty would fill the memory."""
    place: tuple[float, float, float, float] | None = None
    seen: list[list[tuple[Moment, Embedding, float]]] = []
    for take in takes:
        seen.append([])
        for sight in _sights(engine, take):
            place = place or _relative(sight)
            seen[-1].append((_moment(sight, place), engine.embed(sight), sight.quality.score))
    if not seen[0]:
        return [[] for _ in seen]
    _, anchor, _ = max(seen[0], key=lambda one: one[2])
    return [
        [replace(moment, likeness=_likeness(engine, embedding, anchor)) for moment, embedding, _ in take]
        for take in seen
    ]


def _sights(engine: FaceEngine, take: Sequence[bytes]) -> Iterator[Sight]:
    for frame in take:
        try:
            yield engine.look(frame)
        except Refusal as refusal:
            if refusal.reason is not Reason.FACE_NO_FACE:
                raise


def _relative(sight: Sight) -> tuple[float, float, float, float]:
    """Where the face is, in proportions of the picture: left, top, right, bottom."""
    rows, columns = sight.picture.shape[:2]
    box = sight.face.box
    return box.left / columns, box.top / rows, box.right / columns, box.bottom / rows


def _moment(sight: Sight, place: tuple[float, float, float, float]) -> Moment:
    rows, columns = sight.picture.shape[:2]
    left, top, right, bottom = place
    box = Box(round(left * columns), round(top * rows), round(right * columns), round(bottom * rows))
    x, y = sight.face.eyes.mean(axis=0) / columns
    size = sight.face.inter_eye_px / columns
    return Moment(sight.face.yaw, size, (float(x), float(y)), patch(sight.picture, box))


def _likeness(engine: FaceEngine, one: Embedding, other: Embedding) -> float:
    return templates.compare_raw(one, other, profile=engine.profile).score


def _path(instruction: Instruction, take: Sequence[Moment], straight: Sequence[Moment]) -> list[float]:
    """How far the instruction is obeyed in each moment, in its own unit."""
    if instruction is Instruction.COME_CLOSER:
        size = float(np.median([moment.size for moment in straight]))
        return [moment.size / size - 1.0 for moment in take]
    yaw = float(np.median([moment.yaw for moment in straight]))
    side = 1.0 if instruction is Instruction.TURN_LEFT else -1.0
    return [side * (moment.yaw - yaw) for moment in take]


def _obeyed(instruction: Instruction, take: Sequence[Moment], straight: Sequence[Moment]) -> tuple[float, float]:
    """Two scores: whether the movement was made, and whether it went through what lies between."""
    path = _path(instruction, take, straight)
    peak = int(np.argmax(path))
    closer = instruction is Instruction.COME_CLOSER
    done = ramp(path[peak], *((CLOSER_NOISE, CLOSER_CLEAR) if closer else (TURN_NOISE, TURN_CLEAR)))
    way = path[: peak + 1]
    whole = path[peak] - min(way)
    largest = max((after - before for before, after in pairwise(way)), default=whole)
    return done, ramp(1.0 - largest / whole if whole > 0 else 0.0, 1.0 - JUMP, 1.0 - GLIDE)


def _hint(asked: Sequence[Instruction], obeyed: Sequence[tuple[float, float]]) -> str:
    for instruction, (done, _) in zip(asked, obeyed, strict=True):
        if done < MINIMUM:
            return instruction.value
    return "move_slowly" if any(smooth < MINIMUM for _, smooth in obeyed) else ""


def _alarm(takes: Sequence[Sequence[Moment]], floor: float) -> str:
    yaw = float(np.median([moment.yaw for moment in takes[0]]))
    moments = [moment for take in takes for moment in take]
    for moment in moments:
        if moment.likeness < (floor if abs(moment.yaw - yaw) < TURNED else floor - LENIENCE):
            return "another_person"
    if any(_change(one, other) < REPEATED for one, other in combinations(moments, 2)):
        return "repeated_frames"
    return "frozen" if max(_change(one, other) for one, other in pairwise(moments)) < CHANGE_NOISE else ""


def _change(one: Moment, other: Moment) -> float:
    return float(np.abs(one.patch - other.patch).mean())


def _in_other_order(asked: Sequence[Instruction], takes: Sequence[Sequence[Moment]]) -> bool:
    """Whether all was done, but as another session asked; left for right alone is a camera that mirrors, or a slip."""
    slip = tuple(MIRRORED.get(one, one) for one in asked)
    for order in permutations(asked):
        if order in (tuple(asked), slip):
            continue
        if all(_obeyed(one, take, takes[0])[0] >= MINIMUM for one, take in zip(order, takes[1:], strict=True)):
            return True
    return False

"""A gate at which two authorities inspect together: two lanes, each with its own enrolment, keys, bundle and journal.

The traveller shows two codes, one after the other, in either order, and looks at the camera once. Each lane comes to
its verdict as if it stood alone (`idp.protocol.joint`); the door is released when both admit and both are written
(`idp.checkpoint.joint_store`). A lane's own decision against the traveller is written when it falls, and nothing on the
screen tells of it: the second code is asked for, and the face, whatever the first came to.
"""

import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from idp.checkpoint.deciding import Circumstances, Verdict, fields, instead, verdict
from idp.checkpoint.joint_store import Admission, Unwritten, admit_both
from idp.checkpoint.lane import FACE_TIME, LaneAtWork, Waiting
from idp.protocol import border_token, presentation
from idp.protocol.gate_decisions import Admit, Examined, Reference
from idp.protocol.joint import SIDES, CrossingSession, Side
from idp.protocol.refusals import Refusal

log = logging.getLogger(__name__)

CODE_TIME = 60  # seconds from the first code to the second


@dataclass(frozen=True)
class Awaited:
    """What the gate waits for: another code, or the face of the traveller of ``id``."""

    phase: Literal["code", "face"]
    id: str = ""


@dataclass(frozen=True)
class JointVerdict:
    """What the gate did. ``number`` counts the gate's travellers; what each side wrote is its own officers' to read."""

    released: bool
    number: int
    sides: Mapping[Side, Verdict] = field(repr=False)


@dataclass
class _Session:
    since: int
    state: CrossingSession = field(default_factory=CrossingSession)
    waiting: dict[Side, Waiting] = field(default_factory=dict)
    written: dict[Side, Verdict] = field(default_factory=dict)
    complete: int | None = None  # when the second code came
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))


class JointGate:
    """Two lanes that release one door. Nothing raises for what a traveller shows, a disk does or an engine says."""

    def __init__(self, one: LaneAtWork, other: LaneAtWork) -> None:
        """Raises RuntimeError for lanes that are not one exit and one entry of two authorities."""
        lanes = {lane.config.direction: lane for lane in (one, other)}
        if lanes.keys() != set(SIDES) or one.config.node == other.config.node:
            raise RuntimeError("a joint gate has an exit lane of one authority and an entry lane of another")
        self.lanes: Mapping[Side, LaneAtWork] = {side: lanes[side] for side in SIDES}
        self.clock = one.clock
        self._lock = threading.RLock()
        self._session: _Session | None = None
        self._latest: tuple[JointVerdict, int] | None = None
        self._number = 0

    def present(self, raw: bytes | str) -> Awaited:
        """Steps 0 to 9 of the lane that the code is for; what is awaited next."""
        with self._lock:
            session = self._current() or _Session(self.clock())
            side = self._side_of(raw)
            if side is None:  # of neither side: the next one says why, in its own journal, and waits for a right one
                self._refused(session.state.missing, raw)
            elif side in session.state.missing:  # the same phone's code stays in view: the first counts
                self._session = session
                self._show(session, side, raw)
            return self.awaited()

    def face(self, session_id: str, frames: Sequence[bytes] | None) -> JointVerdict | None:
        """Step 10 of both lanes over one burst (None: the camera failed), and the door; None where nobody waits."""
        with self._lock:
            session = self._current()
            if session is None or session.complete is None or not secrets.compare_digest(session.id, session_id):
                return None
            self._session = None
            seen = self._compare(session, frames)
            self._write(session, seen)
            self._number += 1
            found = JointVerdict(session.state.release, self._number, session.written)
            self._latest = (found, self.clock())
            return found

    def restart(self) -> None:
        """Whoever showed a code has left; what was decided against them is written already."""
        with self._lock:
            self._session = None

    def awaited(self) -> Awaited:
        """What the gate waits for now."""
        session = self._current()
        return Awaited("face", session.id) if session and session.complete is not None else Awaited("code")

    def shown(self) -> bool:
        """Whether one of the two codes was shown."""
        return self._current() is not None

    def challenge(self) -> str | None:
        """The challenge of the lane whose code comes next; None where its policy knows none."""
        session = self._current()
        missing = session.state.missing if session else SIDES
        return self.lanes[missing[0]].challenge() if missing else None

    def latest(self) -> tuple[JointVerdict, int] | None:
        """The last verdict and when it fell."""
        return self._latest

    def warm_up(self) -> None:
        """Load both engines before the first traveller comes."""
        for lane in self.lanes.values():
            lane.warm_up()

    def _current(self) -> _Session | None:
        session, now = self._session, self.clock()
        if session is None:
            return None
        begun, allowed = (session.since, CODE_TIME) if session.complete is None else (session.complete, FACE_TIME)
        return session if begun <= now < begun + allowed else None

    def _side_of(self, raw: bytes | str) -> Side | None:
        """Whose code it says it is; nothing is verified here."""
        try:
            audience = border_token.parse_unverified(presentation.parse_presentation(raw).token).aud
        except Refusal:
            return None
        return next((side for side in SIDES if self.lanes[side].config.checkpoint == audience), None)

    def _refused(self, missing: Sequence[Side], raw: bytes | str) -> None:
        if missing:
            lane = self.lanes[missing[0]]
            waiting = lane.examine(raw)
            if not isinstance(waiting.examined, Examined):
                lane.record(waiting.examined, Circumstances(waiting.bundle, waiting.gate_ms), timed=False)

    def _show(self, session: _Session, side: Side, raw: bytes | str) -> None:
        lane = self.lanes[side]
        waiting = session.waiting[side] = lane.examine(raw)
        session.state = session.state.shown(side, waiting.examined)
        if not isinstance(waiting.examined, Examined):
            session.written[side] = lane.record(
                waiting.examined, Circumstances(waiting.bundle, waiting.gate_ms), timed=False
            )
        if not session.state.missing:
            session.complete = self.clock()

    def _compare(self, session: _Session, frames: Sequence[bytes] | None) -> dict[Side, Circumstances]:
        seen = {}
        awaited = session.state.waiting
        for side in SIDES:
            if side in awaited:
                decision, seen[side] = self.lanes[side].compare(session.waiting[side], frames)
                session.state = session.state.decided(side, decision)
            elif awaited and frames is not None:
                self._idle(side, session.waiting[awaited[0]], frames)
        return seen

    def _idle(self, side: Side, other: Waiting, frames: Sequence[bytes]) -> None:
        """A lane that has decided looks at the face for as long as if it had not, so that no time tells of it."""
        examined = other.examined
        if isinstance(examined, Examined):
            reference: Reference = examined.reference
            try:
                self.lanes[side].comparison(examined, frames)(reference)
            except Exception as error:  # of no consequence
                log.debug("an idle comparison: %s", type(error).__name__)

    def _write(self, session: _Session, seen: Mapping[Side, Circumstances]) -> None:
        if session.state.release:
            self._admit(session, seen)
        for side in SIDES:
            if side not in session.written:
                session.written[side] = self.lanes[side].record(session.state.verdict(side), seen[side], timed=False)

    def _admit(self, session: _Session, seen: Mapping[Side, Circumstances]) -> None:
        """Both at once; where that fails neither is, and the door stays shut."""
        try:
            entries = admit_both(
                {side: lane.store for side, lane in self.lanes.items()},
                {side: self._admission(side, session, seen[side]) for side in SIDES},
            )
        except Unwritten as error:
            log.warning("a joint release could not be written: %s", error)
            own = None if error.side is None else session.state.of(error.side)
            if error.side is None or not isinstance(own, Admit):
                session.state = session.state.kept_shut()
            else:
                session.state = session.state.unwritten(error.side, instead(own, error.cause))
        except Exception:  # whatever it is, nothing was committed
            log.exception("a joint release could not be written")
            session.state = session.state.kept_shut()
        else:
            for side, written in entries.items():
                lane, decision = self.lanes[side], session.state.verdict(side)
                found = verdict(decision, seen[side], seq=written.seq, now=written.at)
                session.written[side] = lane.remember(found)

    def _admission(self, side: Side, session: _Session, seen: Circumstances) -> Admission:
        lane, decision = self.lanes[side], session.state.of(side)
        if not isinstance(decision, Admit):
            raise RuntimeError("only what both sides admit is written at once")  # noqa: TRY004  ours
        return fields(decision, seen.bundle, lane.config, lane.clock()), decision.crossing.reservation

"""One lane at work: a presentation comes in, then a face; a decision goes out, recorded before the door is released.

The steps are `idp.protocol.gate`'s. What is added here is time, memory and the engine: the traveller whose code was
examined has half a minute to look at the camera; only the lane's own transaction turns Admit into a released door.
"""

import gc
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from idp.biometrics.engine import FaceEngine
from idp.checkpoint import comparison, sealing_keys
from idp.checkpoint.config import LaneConfig
from idp.checkpoint.deciding import Circumstances, Verdict, record
from idp.checkpoint.desk import Desk
from idp.checkpoint.store import Store
from idp.checkpoint.trust import Trust
from idp.protocol import gate
from idp.protocol.gate_decisions import Decision, Examined, FaceScore, Lane, Refer, Reference, Refuse
from idp.protocol.keys import PrivateKey
from idp.protocol.presentation import Challenge, sign_challenge
from idp.protocol.refusals import Reason, Unavailable
from idp.protocol.trust_bundle import TrustBundle

log = logging.getLogger(__name__)

FACE_TIME = 30  # seconds from an examined code to a face
CHALLENGE_LIFE = 30  # protocol.md, Presentation
CHALLENGE_RENEWED = 15  # seconds before its end from which another challenge is shown
NONCE_BYTES = 16
SEALING_REREAD = 60  # seconds; the key announced as next is known already, so nothing is missed in between


@dataclass
class Waiting:
    """A traveller whose code was examined and whose face is to come; ``examined`` is a decision where steps 0 to 9
    gave one."""

    examined: Examined | Refer | Refuse
    bundle: TrustBundle | None
    since: int
    gate_ms: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))


class LaneAtWork:
    """The lane's state: the bundle in force, the challenge shown, the traveller who is being looked at.

    Nothing here raises for what a traveller shows, a disk does or an engine says: it is all in the `Verdict`.
    """

    def __init__(
        self,
        config: LaneConfig,
        *,
        store: Store,
        lane_key: PrivateKey,
        engine: Callable[[], FaceEngine],
        clock: Callable[[], int],
        still_pictures: bool = False,
    ) -> None:
        self.config, self.store, self.lane_key, self.clock = config, store, lane_key, clock
        self.trust = Trust(config, store, clock)
        self.still_pictures = still_pictures
        self.desk = Desk()
        self.camera = ""  # "working" or "failed" with the last traveller
        self._engine = engine
        self._lock = threading.RLock()
        self._waiting: Waiting | None = None
        self._latest: tuple[Verdict, int] | None = None
        self._challenge: Challenge | None = None
        self._sealing: tuple[tuple[PrivateKey, ...], int] | None = None  # and when they were read

    # The way of a traveller.

    def present(self, raw: bytes | str) -> Verdict | str:
        """Steps 0 to 9. A `Verdict` where they decided; otherwise the id under which a face is awaited.

        Only a code that passes them takes the place of a traveller who is awaited already.
        """
        with self._lock:
            waiting = self.examine(raw)
            if not isinstance(waiting.examined, Examined):
                return self.record(waiting.examined, Circumstances(waiting.bundle, waiting.gate_ms))
            self._waiting = waiting
            return waiting.id

    def face(self, waiting_id: str, frames: Sequence[bytes]) -> Verdict | None:
        """Step 10 for the traveller who is awaited; None where nobody is (too late, or another came)."""
        with self._lock:
            waiting = self._take(waiting_id)
            return None if waiting is None else self.record(*self.compare(waiting, frames))

    def camera_failed(self, waiting_id: str) -> Verdict | None:
        """The traveller who is awaited goes to an officer: there is no picture to be had."""
        with self._lock:
            waiting = self._take(waiting_id)
            return None if waiting is None else self.record(*self.compare(waiting, None))

    # The parts of that way, also for a gate that two lanes share (`idp.checkpoint.joint_lane`).

    def examine(self, raw: bytes | str) -> Waiting:
        """Steps 0 to 9 now; nothing is recorded."""
        now, begun, bundle = self.clock(), time.perf_counter(), self.bundle()
        examined = gate.examine(raw, bundle=bundle, lane=self._lane(now), ledger=self.store, now=now)
        return Waiting(examined, bundle, now, (time.perf_counter() - begun) * 1000)

    def compare(self, waiting: Waiting, frames: Sequence[bytes] | None) -> tuple[Decision, Circumstances]:
        """Step 10 for who passed the others, nothing recorded; ``frames`` None: the camera gave no picture."""
        examined = waiting.examined
        if not isinstance(examined, Examined):
            raise RuntimeError("steps 0 to 9 gave a decision")  # noqa: TRY004  ours, not the argument's type
        found = examined.crossing
        self.camera = "failed" if frames is None else "working"
        if self.clock() < waiting.since:  # it went back between code and face: no time of ours can be trusted
            decision: Decision = Refer(
                Reason.CLOCK_UNTRUSTED,
                10,
                iss=found.iss,
                jti=found.jti,
                sub=found.sub,
                document=found.document,
                reservation=found.reservation,
            )
            return decision, Circumstances(waiting.bundle, waiting.gate_ms)
        if frames is None:
            return gate.compare(examined, face=_no_camera), Circumstances(waiting.bundle, waiting.gate_ms)
        seen, begun = self.comparison(examined, frames), time.perf_counter()
        decision = gate.compare(examined, face=seen)
        face_ms = (time.perf_counter() - begun) * 1000
        return decision, Circumstances(waiting.bundle, waiting.gate_ms, face_ms, seen.score)

    def comparison(self, examined: Examined, frames: Sequence[bytes]) -> comparison.Comparison:
        """The comparison of these frames by this lane's engine, live where the checkpoint asks for it."""
        live = examined.liveness and not (self.still_pictures and len(frames) == 1)
        return comparison.Comparison(self._engine, frames, live=live)

    def record(self, decision: Decision, circumstances: Circumstances, *, timed: bool = True) -> Verdict:
        """Write the decision down, ``timed`` with how long it took; the verdict is the lane's latest."""
        written = record(decision, circumstances, config=self.config, store=self.store, now=self.clock(), timed=timed)
        return self.remember(written)

    def remember(self, verdict: Verdict) -> Verdict:
        """``verdict`` was recorded: it is the lane's latest, and the officers' to look at."""
        now = self.clock()
        self._latest = (verdict, now)
        self.desk.take(verdict, now=now)
        return verdict

    # What the lane shows and holds.

    def challenge(self) -> str | None:
        """The signed challenge to be shown now (protocol.md, Presentation); None where the policy knows none.

        Whoever asks while it is young gets the same one, so that a second phone does not void the first one's.
        """
        bundle = self.bundle()
        if bundle is None or "challenge" not in bundle.checkpoint.modes:
            return None
        with self._lock:
            now, shown = self.clock(), self._challenge
            if shown is None or not now + CHALLENGE_RENEWED <= shown.exp <= now + CHALLENGE_LIFE:
                shown = Challenge(
                    aud=self.config.checkpoint,
                    lane=self.config.lane,
                    nonce=secrets.token_bytes(NONCE_BYTES),
                    exp=now + CHALLENGE_LIFE,
                )
                self._challenge = shown
            return sign_challenge(shown, lane_key=self.lane_key)

    def waiting_id(self) -> str | None:
        """The id under which a face is awaited now."""
        waiting = self._waiting
        return None if waiting is None or not self._in_time(waiting) else waiting.id

    def latest(self) -> tuple[Verdict, int] | None:
        """The last verdict and when it fell."""
        return self._latest

    def bundle(self) -> TrustBundle | None:
        """The bundle in force; None where none holds."""
        return self.trust.bundle()

    def warm_up(self) -> None:
        """Load the face engine before the first traveller comes."""
        try:
            self._engine()
        except Exception:  # the first traveller is referred, and the next, until it loads
            log.exception("the face engine does not load")
        gc.collect()
        gc.freeze()  # what lives as long as the lane is not looked through at every collection

    def _lane(self, now: int) -> Lane:
        return Lane(
            checkpoint=self.config.checkpoint,
            lane=self.config.lane,
            direction=self.config.direction,
            sealing_keys=self._sealing_keys(now),
            watch_key=self.config.watch_key,
            challenge=self._shown_nonce,
        )

    def _sealing_keys(self, now: int) -> tuple[PrivateKey, ...]:
        known = self._sealing
        if known is None or not known[1] <= now < known[1] + SEALING_REREAD:
            try:
                known = self._sealing = (sealing_keys.read(self.config.sealing_directory, now=now).all, now)
            except (OSError, RuntimeError):
                log.exception("the sealing keys cannot be read")
        return known[0] if known is not None else ()  # without keys nothing opens, and the officer is asked

    def _shown_nonce(self) -> bytes | None:
        shown, self._challenge = self._challenge, None  # whatever comes of it, it is not shown again
        return None if shown is None or shown.exp <= self.clock() else shown.nonce

    def _take(self, waiting_id: str) -> Waiting | None:
        """The traveller awaited under this id, once. Another id (an old page's) takes nobody's place away."""
        waiting = self._waiting
        if waiting is None or not secrets.compare_digest(waiting.id.encode(), waiting_id.encode("utf-8", "replace")):
            return None
        self._waiting = None
        return waiting if self._in_time(waiting) else None

    def _in_time(self, waiting: Waiting) -> bool:
        return self.clock() < waiting.since + FACE_TIME


def _no_camera(reference: Reference) -> FaceScore:
    raise Unavailable("no camera")

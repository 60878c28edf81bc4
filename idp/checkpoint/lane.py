"""One lane at work: a presentation comes in, then a face; a decision goes out, recorded before the door is released.

The steps are `idp.protocol.gate`'s. What is added here is time, memory and the engine: the traveller whose code was
examined has half a minute to look at the camera; only the lane's own transaction turns Admit into a released door.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from idp.biometrics.engine import FaceEngine, Template
from idp.checkpoint import sealing_keys
from idp.checkpoint.config import LaneConfig
from idp.checkpoint.store import AlreadyAdmitted, Store
from idp.protocol import gate, trust_bundle
from idp.protocol.gate_decisions import Admit, Decision, Examined, FaceScore, Lane, Refer, Reference, Refuse
from idp.protocol.keys import PrivateKey
from idp.protocol.presentation import Challenge, sign_challenge
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_bundle import TrustBundle

log = logging.getLogger(__name__)

FACE_TIME = 30  # seconds from an examined code to a face
CHALLENGE_LIFE = 30  # protocol.md, Presentation
NONCE_BYTES = 16
SEALING_REREAD = 60  # seconds; the key announced as next is known already, so nothing is missed in between


@dataclass(frozen=True)
class Verdict:
    """A decision as it was recorded. ``score`` is for the officers' log and for nobody's screen."""

    decision: Decision
    seq: int  # of the journal entry; 0 where the journal could not be written
    gate_ms: float  # steps 0 to 9
    face_ms: float | None  # step 10; None where no face was looked at
    score: float | None = None
    bundle_age: int | None = None

    @property
    def word(self) -> str:
        """admit, refer or refuse."""
        return type(self.decision).__name__.lower()

    @property
    def reason(self) -> Reason | None:
        return None if isinstance(self.decision, Admit) else self.decision.reason


@dataclass
class _Waiting:
    """A traveller whose code was examined and whose face is to come."""

    examined: Examined
    until: int
    gate_ms: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))


class LaneAtWork:
    """The lane's state: the bundle in force, the challenge shown, the traveller who is being looked at."""

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
        self._engine, self._still_pictures = engine, still_pictures
        self._lock = threading.RLock()
        self._bundle: TrustBundle | None = None
        self._waiting: _Waiting | None = None
        self._nonce: tuple[bytes, int] | None = None  # and when it ends
        self._sealing: tuple[tuple[PrivateKey, ...], int] | None = None  # and when they were read

    # The way of a traveller.

    def present(self, raw: bytes | str) -> Verdict | str:
        """Steps 0 to 9. A `Verdict` where they decided; otherwise the id under which a face is awaited."""
        with self._lock:
            self._waiting = None
            now, begun = self.clock(), time.perf_counter()
            examined = gate.examine(raw, bundle=self.bundle(), lane=self._lane(now), ledger=self.store, now=now)
            gate_ms = (time.perf_counter() - begun) * 1000
            if not isinstance(examined, Examined):
                return self._record(examined, gate_ms=gate_ms, face_ms=None, score=None)
            self._waiting = _Waiting(examined, now + FACE_TIME, gate_ms)
            return self._waiting.id

    def face(self, waiting_id: str, frames: Sequence[bytes]) -> Verdict | None:
        """Step 10 for the traveller who is awaited; None where nobody is (too late, or another came)."""
        with self._lock:
            waiting = self._take(waiting_id)
            if waiting is None:
                return None
            scores: list[float] = []
            begun = time.perf_counter()
            decision = gate.compare(waiting.examined, face=self._comparison(frames, waiting.examined, scores))
            face_ms = (time.perf_counter() - begun) * 1000
            score = scores[-1] if scores else None
            return self._record(decision, gate_ms=waiting.gate_ms, face_ms=face_ms, score=score)

    def camera_failed(self, waiting_id: str) -> Verdict | None:
        """The traveller who is awaited goes to an officer: there is no picture to be had."""
        with self._lock:
            waiting = self._take(waiting_id)
            if waiting is None:
                return None

            def no_camera(reference: Reference) -> FaceScore:
                raise Unavailable("no camera")

            decision = gate.compare(waiting.examined, face=no_camera)
            return self._record(decision, gate_ms=waiting.gate_ms, face_ms=None, score=None)

    # What the lane shows and holds.

    def challenge(self) -> str:
        """A fresh signed challenge, to be shown for half a minute (protocol.md, Presentation)."""
        with self._lock:
            now = self.clock()
            nonce = secrets.token_bytes(NONCE_BYTES)
            self._nonce = (nonce, now + CHALLENGE_LIFE)
            shown = Challenge(aud=self.config.checkpoint, lane=self.config.lane, nonce=nonce, exp=now + CHALLENGE_LIFE)
            return sign_challenge(shown, lane_key=self.lane_key)

    def bundle(self) -> TrustBundle | None:
        """The bundle in force, read anew when `idp.checkpoint.sync` has stored a younger one; None where none holds."""
        try:
            serial, text = int(self.store.kept("serial") or "-1"), self.store.kept("bundle")
            if self._bundle is not None and self._bundle.serial == serial:
                return self._bundle
            if text is not None:
                self._bundle = self.read_bundle(text)
        except Refusal as refusal:  # expired while the lane was off, or altered on the disk
            log.warning("the stored bundle does not hold: %s", refusal)
            self._bundle = None
        except Unavailable as error:  # decided on with what is in memory; recording will say that the disk is gone
            log.error("bundle: %s", error)  # noqa: TRY400  the trace says nothing more
        return self._bundle

    def warm_up(self) -> None:
        """Load the face engine before the first traveller comes."""
        self._engine()

    def read_bundle(self, text: str) -> TrustBundle:
        """Verify a bundle for this lane; raises `Refusal`."""
        return trust_bundle.load_bundle(
            text,
            pinned=self.config.anchor_keys,
            anchor=self.config.node,
            checkpoint=self.config.checkpoint,
            now=self.clock(),
            min_serial=int(self.store.kept("serial") or "0"),
        )

    def _lane(self, now: int) -> Lane:
        if self._sealing is None or now >= self._sealing[1] + SEALING_REREAD or now < self._sealing[1]:
            self._sealing = (sealing_keys.ensure(self.config.sealing_directory, now=now).all, now)
        return Lane(
            checkpoint=self.config.checkpoint,
            lane=self.config.lane,
            direction=self.config.direction,
            sealing_keys=self._sealing[0],
            watch_key=self.config.watch_key,
            challenge=self._shown_nonce,
        )

    def _shown_nonce(self) -> bytes | None:
        if self._nonce is None or self._nonce[1] <= self.clock():
            return None
        nonce, self._nonce = self._nonce[0], None  # whatever comes of it, it is not shown again
        return nonce

    def _take(self, waiting_id: str) -> _Waiting | None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or not secrets.compare_digest(waiting.id, waiting_id) or waiting.until <= self.clock():
            return None
        return waiting

    def _comparison(
        self, frames: Sequence[bytes], examined: Examined, scores: list[float]
    ) -> Callable[[Reference], FaceScore]:
        live = examined.liveness and not (self._still_pictures and len(frames) == 1)

        def compare(reference: Reference) -> FaceScore:
            template = Template(reference.model, reference.profile, reference.template)
            result = self._engine().compare(template, frames, require_liveness=live)
            scores.append(result.score)
            return FaceScore(result.score, live=True if examined.liveness else None)

        return compare

    def _record(self, decision: Decision, *, gate_ms: float, face_ms: float | None, score: float | None) -> Verdict:
        """Write the decision down; an Admit that cannot be written is a referral."""
        seq = 0
        try:
            fields = self._fields(decision)
            seq = (self.store.admit(fields) if isinstance(decision, Admit) else self.store.note(fields)).seq
        except AlreadyAdmitted:
            crossing = decision.crossing if isinstance(decision, Admit) else None
            again = Refuse(
                Reason.REPLAYED, 7, iss=crossing.iss if crossing else "", jti=crossing.jti if crossing else ""
            )
            return self._record(again, gate_ms=gate_ms, face_ms=face_ms, score=score)
        except (Unavailable, Refusal) as error:
            log.error("a decision could not be recorded: %s", error)  # noqa: TRY400  the trace says nothing more
            if isinstance(decision, Admit) or decision.reason is not Reason.STORAGE_UNAVAILABLE:
                decision = Refer(Reason.STORAGE_UNAVAILABLE, 7)
        age = self.clock() - self._bundle.issued_at if self._bundle is not None else None
        return Verdict(decision, seq, gate_ms, face_ms, score, age)

    def _fields(self, decision: Decision) -> dict[str, Any]:
        about = decision.crossing if isinstance(decision, Admit) else decision
        band = about.score_band
        return {
            "checkpoint": self.config.checkpoint,
            "lane": self.config.lane,
            "at": self.clock(),
            "jti": about.jti,
            "iss": about.iss,
            "sub": about.sub,
            "direction": self.config.direction,
            "decision": type(decision).__name__.lower(),
            "reason": "" if isinstance(decision, Admit) else decision.reason.value,
            "score_band": band,
            "bundle_serial": self._bundle.serial if self._bundle is not None else 0,
        }

"""The lanes of one authority: the product's own lane, store and exchange with the node; only the engine is ours.

The engine looks at faces that are 128 bytes: the same bytes are the same person, two that differ in the last byte only
look much alike, and everything else is somebody else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idp.biometrics.engine import EMBEDDED_MODEL, EMBEDDED_THRESHOLDS, FaceResult, Quality, Template
from idp.checkpoint import config, sync
from idp.checkpoint.lane import LaneAtWork
from idp.checkpoint.store import Store
from idp.protocol.gate_decisions import Admit, Refer, Refuse
from idp.protocol.refusals import Reason
from tests.simulation.mesh import Mesh
from tests.simulation.orders import Seen, Shown

SAME, ALIKE, OTHER = 1.0, (EMBEDDED_THRESHOLDS.admit + EMBEDDED_THRESHOLDS.refer) / 2, 0.0


class Engine:
    """Deterministic, in place of a network."""

    model = EMBEDDED_MODEL

    def compare(self, template: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        """``frames`` are the face and a word: "live" or not."""
        face, word = frames
        score = SAME if face == template.data else ALIKE if face[:-1] == template.data[:-1] else OTHER
        live = 1.0 if require_liveness and word == b"live" else None
        return FaceResult(score, 1 - score, live, Quality({}, 0), 0)


class Clock:
    """The authority's time, and how far a lane is off."""

    def __init__(self) -> None:
        self.now = 0


class Gate:
    """One lane; ``skew`` in seconds."""

    def __init__(self, directory: Path, sealing: Path, clock: Clock, mesh: Mesh) -> None:
        self._directory, self._sealing, self._clock, self._mesh = directory, sealing, clock, mesh
        self.skew = 0
        self.restart()

    def restart(self) -> None:
        """Everything that was only in memory is gone."""
        self.lane = LaneAtWork(
            config.load(self._directory, self._sealing),
            store=Store(self._directory / config.DATABASE, self.now, create=False),
            lane_key=config.read_key(self._directory / config.LANE_KEY),
            engine=Engine,  # type: ignore[arg-type]
            clock=self.now,
        )
        self.exchange = sync.Sync(self.lane, self._mesh, lambda: [EMBEDDED_MODEL])  # type: ignore[arg-type]

    def now(self) -> int:
        """By this lane's clock."""
        return self._clock.now + self.skew

    def see(self, shown: Shown) -> Seen:
        """A traveller comes: code, face, verdict."""
        verdict: Any = self.lane.present(shown.presentation)
        if isinstance(verdict, str):
            verdict = self.lane.face(verdict, [shown.face, b"live" if shown.live else b"still"])
        decision: Admit | Refer | Refuse = verdict.decision
        about = decision.crossing if isinstance(decision, Admit) else decision
        rules = about.rules if isinstance(decision, Admit) else _rules(decision)
        reason = "" if isinstance(decision, Admit) else decision.reason.value
        return Seen(shown.number, verdict.word, reason, about.jti, self.now(), tuple(rules))


def _rules(decision: Refer | Refuse) -> tuple[str, ...]:
    """Those that decided: the gate's log names them in step 9."""
    asked = decision.step == 9 and decision.reason is not Reason.WATCHLIST
    return tuple(decision.detail.split(", ")) if asked and decision.detail else ()

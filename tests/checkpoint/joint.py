"""A joint gate between the mainland and Hong Kong: two lanes with everything of their own, and one door."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idp.checkpoint.joint_lane import JointGate, JointVerdict
from idp.protocol.joint import SIDES, Side
from idp.protocol.keys import KeySet
from tests.checkpoint.lanes import Clock, LaneSimulator
from tests.checkpoint.toy_engine import ALIKE
from tests.simulators.gate import CN, GateSimulator, federation_key, key

EXIT = f"{CN}/checkpoints/luohu"
INVITED = {
    "node": CN,
    "checkpoint": EXIT,
    "checkpoint_code": "luohu",
    "direction": "exit",
    "anchor_jwks": KeySet([federation_key(CN).public]).jwks(),
}


@dataclass
class JointSimulator:
    """The gate under test; `sides` are its two lanes, each with its authority."""

    directory: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        mainland = GateSimulator(anchor=CN, place=EXIT, neighbour="HKG", direction="exit")
        self.sides: dict[Side, LaneSimulator] = {
            "exit": LaneSimulator(
                self.directory / "exit",
                gate=mainland,
                clock=self.clock,
                invited=INVITED,
                joint=True,
                key=key("exit lane"),
            ),
            "entry": LaneSimulator(self.directory / "entry", clock=self.clock, joint=True),
        }
        self.gate = self.restarted()

    def restarted(self) -> JointGate:
        """The same gate in a new process's memory."""
        self.gate = JointGate(*(lane.restarted() for lane in self.sides.values()))
        return self.gate

    def cross(
        self,
        number: int = 0,
        frames: tuple[bytes, ...] | None = (ALIKE,) * 3,
        order: tuple[Side, ...] = SIDES,
        **changes: Any,
    ) -> JointVerdict:
        """Both codes of a traveller and the face; ``changes`` are by side."""
        for side in order:
            self.gate.present(self.sides[side].code(number, **changes.get(side, {})))
        verdict = self.gate.face(self.gate.awaited().id, frames)
        assert verdict is not None
        return verdict

    def said(self, side: Side) -> list[tuple[str, str]]:
        """Decision and reason of each entry of this side's journal, the chain verified."""
        return [(entry.decision, entry.reason) for entry in self.sides[side].journal()]

    def consumed(self, side: Side, number: int = 0) -> bool:
        """Whether this side's token of that number is used up."""
        from idp.protocol.strict_json import b64encode

        return self.sides[side].store.admitted(CN, b64encode(number.to_bytes(16, "big")))

"""Joint inspection: one gate, two authorities, two tokens, two verdicts, one release (protocol.md, Joint inspection).

A `CrossingSession` is what stands at the gate between the first code and the door. Each side comes to its verdict as if
it were alone. The door is released when both admit, and when both could be written down, at once. A side learns nothing
of the other but that: where it would have admitted and the door stays shut, its own record says `NOT_RELEASED`,
whatever the other side had, and its token is not used up.
"""

from dataclasses import dataclass, replace
from typing import Literal

from idp.protocol.gate_decisions import Admit, Decision, Examined, Refer, Refuse
from idp.protocol.refusals import Reason

Side = Literal["exit", "entry"]
SIDES: tuple[Side, Side] = ("exit", "entry")
Outcome = Examined | Decision


@dataclass(frozen=True)
class CrossingSession:
    """What each side has come to; None before its code was shown. Every change gives another session."""

    exit: Outcome | None = None
    entry: Outcome | None = None
    shut: bool = False  # the door stays shut whatever both sides say: their admissions could not be written

    def of(self, side: Side) -> Outcome | None:
        """What ``side`` has come to."""
        return self.exit if side == "exit" else self.entry

    @property
    def missing(self) -> tuple[Side, ...]:
        """The sides whose code is still to be shown."""
        return tuple(side for side in SIDES if self.of(side) is None)

    @property
    def waiting(self) -> tuple[Side, ...]:
        """The sides that still have to look at the face."""
        return tuple(side for side in SIDES if isinstance(self.of(side), Examined))

    @property
    def release(self) -> bool:
        """Whether the door may be released, once both admissions are written."""
        return not self.shut and all(self._admits(side) for side in SIDES)

    def shown(self, side: Side, outcome: Outcome) -> "CrossingSession":
        """``side``'s code was examined. Raises RuntimeError for a second one: the first counts."""
        if self.of(side) is not None:
            raise RuntimeError("this side was shown a code")
        return self._with(side, outcome)

    def decided(self, side: Side, decision: Decision) -> "CrossingSession":
        """``side`` has compared the face. Raises RuntimeError where it was not to."""
        if side not in self.waiting:
            raise RuntimeError("this side has decided, or has no code")
        return self._with(side, decision)

    def unwritten(self, side: Side, decision: Refer | Refuse) -> "CrossingSession":
        """``side``'s admission could not be written; ``decision`` is what it comes to instead."""
        if not self._admits(side):
            raise RuntimeError("this side did not admit")
        return self._with(side, decision)

    def kept_shut(self) -> "CrossingSession":
        """The admissions could not be written and nobody can tell on whose side: both say `NOT_RELEASED`."""
        return replace(self, shut=True)

    def verdict(self, side: Side) -> Decision:
        """What ``side`` writes for its own authority, once it is known whether the door is released.

        Its own decision; `NOT_RELEASED` in place of an Admit behind which the door stays shut.
        """
        own = self.of(side)
        if not isinstance(own, Admit | Refer | Refuse) or self.missing or self.waiting:
            raise RuntimeError("the session has not ended")
        return not_released(own) if isinstance(own, Admit) and not self.release else own

    def _admits(self, side: Side) -> bool:
        return isinstance(self.of(side), Admit)

    def _with(self, side: Side, outcome: Outcome) -> "CrossingSession":
        return replace(self, exit=outcome) if side == "exit" else replace(self, entry=outcome)


def not_released(admitted: Admit) -> Refer:
    """The honest record of a side that would have admitted: about the same token, and nothing of the other side."""
    found = admitted.crossing
    return Refer(
        Reason.NOT_RELEASED,
        10,
        iss=found.iss,
        jti=found.jti,
        sub=found.sub,
        status_as_of=found.status_as_of,
        document=found.document,
        score_band=found.score_band,
        reservation=found.reservation,
    )

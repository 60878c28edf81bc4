"""What lies on the officers' desk of a lane: travellers whom the machine did not admit, for a quarter of an hour.

Names and numbers are here, in memory alone, and gone when an officer has decided or the time is over.
"""

import threading
from dataclasses import dataclass, replace

from idp.checkpoint.deciding import Verdict
from idp.protocol.gate_decisions import Admit, Refer, Refuse
from idp.protocol.gate_policy import GatePolicy
from idp.protocol.refusals import Reason

KEPT = 900  # seconds
MOST = 50  # cases; a lane has one traveller at a time


@dataclass(frozen=True)
class Case:
    """One traveller at the desk; ``seq`` is that of the machine's entry."""

    seq: int
    at: int
    decision: Refer | Refuse
    score_band: str
    proposed: tuple[str, str] | None = None  # the first of two officers, and the ground
    done: str = ""  # "release" or "decline"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All that does not hold, the machine's reason first."""
        return self.decision.reason, *self.decision.also

    @property
    def releasable(self) -> bool:
        """A referral of a token that was verified and opened, about which nothing was decided."""
        decision = self.decision
        return isinstance(decision, Refer) and decision.document is not None and bool(decision.jti) and not self.done

    def needs_two(self, policy: GatePolicy) -> bool:
        """Whether two officers release it."""
        return not policy.four_eyes.isdisjoint(self.reasons)


class Desk:
    """The cases of one lane; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cases: dict[int, Case] = {}

    def take(self, verdict: Verdict, *, now: int) -> None:
        """A verdict has fallen; those that nobody need look at, or nobody could answer for, are passed over."""
        decision = verdict.decision
        with self._lock:
            self._forget(now)
            if not isinstance(decision, Admit) and verdict.seq and not verdict.hand:
                self._cases[verdict.seq] = Case(verdict.seq, now, decision, decision.score_band)
                while len(self._cases) > MOST:
                    del self._cases[min(self._cases)]

    def cases(self, *, now: int) -> list[Case]:
        """The newest first."""
        with self._lock:
            self._forget(now)
            return sorted(self._cases.values(), key=lambda case: -case.seq)

    def case(self, seq: int, *, now: int) -> Case | None:
        """The case about the entry ``seq``, while it is here."""
        with self._lock:
            self._forget(now)
            return self._cases.get(seq)

    def propose(self, case: Case, *, officer: str, ground: str) -> None:
        """The first of two officers would release it."""
        with self._lock:
            self._cases[case.seq] = replace(case, proposed=(officer, ground))

    def close(self, case: Case, *, done: str) -> None:
        """It was decided: whom it was about is forgotten."""
        with self._lock:
            bare = replace(case.decision, document=None, reservation=None)
            self._cases[case.seq] = replace(case, decision=bare, proposed=None, done=done)

    def _forget(self, now: int) -> None:
        for seq in [seq for seq, case in self._cases.items() if not case.at <= now < case.at + KEPT]:
            del self._cases[seq]

"""Officers release or decline what the machine referred: in the lane's journal, durably, before the door is released.

Only a referral is released by hand, and only of a token that was verified and opened: what the machine refused, or
could not read, officers look at and deal with by the document. A release consumes token and entry as an admission does.
"""

import threading
from collections.abc import Sequence

from idp.checkpoint import officers_log
from idp.checkpoint.deciding import Verdict, fields
from idp.checkpoint.desk import Case
from idp.checkpoint.lane import LaneAtWork
from idp.checkpoint.store import AlreadyAdmitted
from idp.protocol import journal
from idp.protocol.refusals import Unavailable

_deciding = threading.Lock()  # two officers press at once: one decides, and the other is told


class UnableToDecide(Exception):
    """Nothing was decided; ``code`` says why: not_found, not_releasable, not_acknowledged, wrong_ground,
    second_officer (the one who proposed cannot confirm), decided or storage."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def release(
    lane: LaneAtWork, *, seq: int, officer: str, ground: str, acknowledged: Sequence[str]
) -> journal.Entry | None:
    """Let the traveller of entry ``seq`` through on a ground of `journal.GROUNDS`; None: another officer must confirm.

    ``acknowledged`` are all reasons that stand against it, as the officer saw them. Raises `UnableToDecide`.
    """
    with _deciding:
        case = _case(lane, seq)
        if not case.releasable:
            raise UnableToDecide("decided" if case.done else "not_releasable")
        if list(acknowledged) != [reason.value for reason in case.reasons]:
            raise UnableToDecide("not_acknowledged")
        bundle = lane.bundle()
        if bundle is None or ground not in journal.GROUNDS["release"]:
            raise UnableToDecide("wrong_ground" if bundle is not None else "not_releasable")
        if not case.needs_two(bundle.policy):
            return _write(lane, case, "release", ground, (officer,))
        if case.proposed is None:
            lane.desk.propose(case, officer=officer, ground=ground)
            return None
        first, agreed = case.proposed
        if first == officer:
            raise UnableToDecide("second_officer")
        if ground != agreed:
            raise UnableToDecide("wrong_ground")
        return _write(lane, case, "release", ground, (first, officer))


def decline(lane: LaneAtWork, *, seq: int, officer: str, ground: str) -> journal.Entry:
    """Send the traveller of entry ``seq`` back; the token goes to an officer if it is shown again.

    Raises `UnableToDecide`.
    """
    with _deciding:
        case = _case(lane, seq)
        if not case.releasable:
            raise UnableToDecide("decided" if case.done else "not_releasable")
        if ground not in journal.GROUNDS["decline"]:
            raise UnableToDecide("wrong_ground")
        return _write(lane, case, "decline", ground, (officer,))


def _case(lane: LaneAtWork, seq: int) -> Case:
    case = lane.desk.case(seq, now=lane.clock())
    if case is None:
        raise UnableToDecide("not_found")
    return case


def _write(lane: LaneAtWork, case: Case, decision: str, ground: str, officers: tuple[str, ...]) -> journal.Entry:
    now, bundle = lane.clock(), lane.bundle()
    entry = {
        **fields(case.decision, bundle, lane.config, now),
        "decision": decision,
        "reason": ground,
        "about": case.seq,
        "officers": " ".join(officers),
    }
    try:
        written = (
            lane.store.admit(entry, case.decision.reservation) if decision == "release" else lane.store.note(entry)
        )
    except AlreadyAdmitted as error:
        raise UnableToDecide("decided") from error
    except Unavailable as error:
        raise UnableToDecide("storage") from error
    lane.desk.close(case, done=decision)
    verdict = lane.remember(Verdict(case.decision, written.seq, 0.0, None, hand=decision))
    officers_log.write(lane.config.directory, verdict, at=now, officers=written.officers)
    return written

"""A hit does the work of any other referral: the same functions in the same order, the same statements to the disk, the
same lines in the log. No clock is asked: `python -m bench watchlist` shows the times."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import officers_log
from idp.checkpoint.kiosk import Kiosk
from idp.inbound import Request
from idp.protocol.refusals import Reason
from tests.checkpoint.lanes import LaneSimulator

NUMBER = "CA7654321"
REFERRED: dict[str, dict[str, Any]] = {  # whom step 9 refers also without the list
    "document_not_eligible": {"endorsement": None},
    "guardian_missing": {"birth_date": "2024-06-01"},
}


def work(directory: Path, sealed: dict[str, Any], watched: tuple[str, ...]) -> tuple[list[str], list[str], Any]:
    """The functions of ours that are called, the statements that the lane's file gets, and what the screen is told."""
    lane = LaneSimulator(directory)
    lane.gate.watched = watched
    lane.take_bundle(serial=8)
    screen = Kiosk(lane.lane)
    for first in (lane.code(1), lane.code(3, document_type="bir")):  # what is loaded once is loaded
        screen.scan(Request("POST", "/scan", {}, {"content-type": "text/plain"}, str(first).encode()))
    code = str(lane.code(2, sealed={"document_number": NUMBER, **sealed})).encode()
    calls: list[str] = []
    statements: list[str] = []

    def called(frame: Any, event: str, _: object) -> None:
        if event == "call" and "/idp/" in frame.f_code.co_filename:
            calls.append(frame.f_code.co_qualname)

    lane.store.connect().set_trace_callback(lambda text: statements.append(re.sub(r"'[^']*'|\b\d+\b", "?", text)))
    sys.setprofile(called)
    try:
        answer = screen.scan(Request("POST", "/scan", {}, {"content-type": "text/plain"}, code))
    finally:
        sys.setprofile(None)
    return calls, statements, (answer, lane.journal()[-1].reason, officers_log.read(lane.directory)[-1])


@pytest.mark.parametrize("name", REFERRED)
def test_a_hit_does_the_work_of_any_referral(tmp_path: Path, name: str) -> None:
    """A shortcut for a hit, or a longer way, could be told from outside."""
    hit = work(tmp_path / "hit", REFERRED[name], (NUMBER,))
    other = work(tmp_path / "other", REFERRED[name], ("C00000000",))
    assert (hit[2][1], other[2][1]) == (Reason.WATCHLIST, name)
    assert len(hit[0]) > 100, "the work is seen"
    assert hit[0] == other[0]
    assert hit[1] == other[1] != []
    assert hit[2][0] == other[2][0], "the screen's answer, byte for byte"
    assert hit[2][2].keys() == other[2][2].keys()


def test_a_hit_alone_differs_from_another_referral_in_the_rules_only(tmp_path: Path) -> None:
    """Nobody but the travel rules, which read what the traveller carries, may take another way."""
    hit = work(tmp_path / "hit", {}, (NUMBER,))
    other = work(tmp_path / "other", REFERRED["guardian_missing"], ("C00000000",))

    def rest(calls: list[str]) -> list[str]:
        """What follows once step 9 has come to its reason."""
        return calls[len(calls) - calls[::-1].index("Refusal.__init__") :]

    assert rest(hit[0]) == rest(other[0])
    assert len(rest(hit[0])) > 40
    assert hit[1] == other[1]
    assert hit[2][0] == other[2][0]

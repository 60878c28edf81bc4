"""A lane remembers the entries that it let through, and goes to the officer when the endorsement has no more."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint.deciding import Circumstances, record
from idp.checkpoint.store import KEEP_ENTRIES, EntryUsed, Store
from idp.protocol.gate_decisions import Admit, Examined, Refer
from idp.protocol.refusals import Reason
from idp.protocol.reservations import Reservation
from idp.protocol.travel_rules import Endorsement
from tests.checkpoint.lanes import Clock, LaneSimulator
from tests.checkpoint.workers import CN, fields
from tests.simulators.gate import ENDORSEMENT, NOW

G = Endorsement("G", "HKG", date(2026, 11, 1), date(2027, 10, 31), entries_left=1, stay_days=7)
ONE = Reservation(CN, "sub", G)
DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "gate.sqlite3", Clock())


@pytest.fixture
def lane(tmp_path: Path) -> LaneSimulator:
    return LaneSimulator(tmp_path / "lane")


def shown(lane: LaneSimulator, number: int, **endorsement: Any) -> str | bytes:
    """Another token of the same traveller under the same endorsement."""
    return lane.code(number, sealed={"sub": "pairwise-subject", "endorsement": {**ENDORSEMENT, **endorsement}})


def test_second_token_under_a_used_endorsement_goes_to_the_officer(lane: LaneSimulator) -> None:
    """Cut off from its issuer, the lane would admit the one entry as often as there are tokens."""
    assert lane.cross(shown(lane, 1)).word == "admit"
    again = lane.cross(shown(lane, 2))
    assert (again.word, again.reason) == ("refer", Reason.DOCUMENT_NOT_ELIGIBLE)
    assert lane.cross(lane.code(3)).word == "admit"  # another traveller


def test_issuer_that_has_counted_is_not_counted_twice(lane: LaneSimulator) -> None:
    """Of two entries one was used here and the token says so: a lane that takes it off again refuses the second."""
    assert lane.cross(shown(lane, 1, entries_left=2)).word == "admit"
    assert lane.cross(shown(lane, 2, entries_left=1)).word == "admit"
    assert lane.cross(shown(lane, 3, entries_left=1)).reason is Reason.DOCUMENT_NOT_ELIGIBLE


def test_referral_uses_no_entry(lane: LaneSimulator) -> None:
    """A bad picture would cost the traveller the journey."""
    assert lane.cross(shown(lane, 1), frames=[]).word == "refer"
    assert lane.cross(shown(lane, 1)).word == "admit"


def test_weekly_endorsement_is_good_again_on_monday(lane: LaneSimulator) -> None:
    """Friday and Sunday are one natural week."""
    weekly = {"weekly": True, "entries_left": None}
    assert lane.cross(shown(lane, 1, **weekly)).word == "admit"
    for days, word in ((2, "refer"), (3, "admit")):
        lane.clock.now = lane.gate.now = NOW + days * DAY
        lane.take_bundle(serial=7 + days)
        lane.store.purge()
        assert lane.cross(shown(lane, 1 + days, **weekly)).word == word


def test_memory_of_an_entry_outlives_the_process_and_not_its_use(tmp_path: Path, store: Store) -> None:
    """One that is lost with the process would admit twice; one that is kept for good would be a record of travel."""
    store.admit(fields(1), ONE)
    again = Store(tmp_path / "gate.sqlite3", Clock())
    assert again.entries_used(CN, "sub", G) == 1
    assert again.entered_at(CN, "sub", G) == NOW
    again.note({**fields(2), "decision": "refer", "reason": "internal", "at": NOW + KEEP_ENTRIES + 1})
    again.purge()
    assert (again.entries_used(CN, "sub", G), again.entered_at(CN, "sub", G)) == (0, 0)


def test_second_process_that_was_faster_leaves_nothing_of_the_slower(store: Store) -> None:
    """Both looked before either wrote: the one that comes second consumes neither token nor entry."""
    store.admit(fields(1), ONE)
    with pytest.raises(EntryUsed):
        store.admit(fields(2), ONE)
    assert not store.admitted(CN, "token-2")
    assert len(store.pending()) == 1


def test_admission_that_came_second_is_referred_and_written(lane: LaneSimulator) -> None:
    """An Admit that was decided and could not be written under its endorsement must not open the door."""
    examined = lane.lane.present(shown(lane, 1))
    assert isinstance(examined, str)
    waiting = lane.lane._waiting  # the state between code and face
    assert waiting is not None
    assert isinstance(waiting.examined, Examined)
    crossing = waiting.examined.banded("high")
    lane.store.admit(
        {**fields(9), "checkpoint": lane.config.checkpoint, "lane": "1", "iss": crossing.iss}, crossing.reservation
    )
    verdict = record(
        Admit(crossing), Circumstances(lane.lane.bundle(), 0.0), config=lane.config, store=lane.store, now=NOW
    )
    assert isinstance(verdict.decision, Refer)
    assert verdict.reason is Reason.DOCUMENT_NOT_ELIGIBLE
    assert not lane.store.admitted(crossing.iss, crossing.jti)
    assert [entry.decision for entry in lane.journal()] == ["admit", "refer"]

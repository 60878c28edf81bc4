"""A live joint gate: released only when both admit and both are written; neither side's records tell of the other."""

import sqlite3
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import joint_store
from idp.checkpoint.joint_lane import CODE_TIME, JointGate
from idp.checkpoint.lane import FACE_TIME
from idp.checkpoint.store import Store
from idp.protocol.joint import SIDES, Side
from tests.checkpoint.joint import JointSimulator
from tests.checkpoint.toy_engine import ALIKE, NOBODY, OTHER, ToyFaceEngine
from tests.checkpoint.workers import fields
from tests.simulators.gate import CN, ENDORSEMENT, HK, NOW

ADMITTED, SHUT = ("admit", ""), ("refer", "not_released")
OUTCOMES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {  # what the side's token is, and what the side says
    "admits": ({}, ADMITTED),
    "watches": ({"sealed": {"document_number": "C00000000"}}, ("refer", "watchlist")),
    "finds it not eligible": ({"sealed": {"birth_date": "2024-06-01"}}, ("refer", "guardian_missing")),
    "finds it revoked": ({"status_idx": 9}, ("refuse", "revoked")),
    "finds it expired": ({"exp": NOW - 10, "nbf": NOW - 600, "iat": NOW - 600}, ("refuse", "expired")),
    "cannot open it": ({"recipient": None}, ("refer", "face_unsealable")),
}


class Crash(BaseException):
    """The process is gone."""


def _disk_full(*args: Any, **kwargs: Any) -> Any:
    raise sqlite3.OperationalError("database or disk is full")


def _crash(*args: Any, **kwargs: Any) -> Any:
    raise Crash


FAULTS: dict[str, Callable[..., Any] | None] = {"none": None, "full disk": _disk_full, "crash": _crash}


@pytest.fixture
def gate(tmp_path: Path) -> JointSimulator:
    made = JointSimulator(tmp_path)
    for lane in made.sides.values():
        lane.gate.revoked = {CN: {9}}
        lane.take_bundle(serial=8)
    return made


def changes(name: str) -> dict[str, Any]:
    from tests.simulators.gate import key

    found = dict(OUTCOMES[name][0])
    if "recipient" in found:
        found["recipient"] = key("another gate's")
    return found


# --- what is released, and what is written


@pytest.mark.parametrize(("exit_", "entry"), list(product(OUTCOMES, OUTCOMES)))
def test_each_pair_of_verdicts(gate: JointSimulator, exit_: str, entry: str) -> None:
    """Released by two admissions alone; each journal has its own side's reason, and its token is used up by release."""
    verdict = gate.cross(exit=changes(exit_), entry=changes(entry))
    both = exit_ == entry == "admits"
    assert verdict.released is both
    names: dict[Side, str] = {"exit": exit_, "entry": entry}
    for side in SIDES:
        own = OUTCOMES[names[side]][1]
        assert gate.said(side) == [own if own != ADMITTED or both else SHUT]
        assert gate.consumed(side) is both


@pytest.mark.parametrize(("other", "side"), [(name, side) for name in list(OUTCOMES)[2:] for side in SIDES])
def test_a_hit_on_one_side_is_to_the_other_as_any_reason(tmp_path: Path, other: str, side: Side) -> None:
    """Bytes of one side's journal that differ with the other side's reason would tell whom a peer looks for."""
    journals = []
    for place, name in enumerate(("watches", other)):
        made = JointSimulator(tmp_path / str(place))
        made.sides["entry"].gate.revoked = made.sides["exit"].gate.revoked = {CN: {9}}
        for lane in made.sides.values():
            lane.take_bundle(serial=8)
        foreign: Side = "entry" if side == "exit" else "exit"
        made.cross(**{foreign: changes(name)})
        journals.append([entry.wire() for entry in made.sides[side].journal()])
    assert journals[0] == journals[1]


def _faulty(monkeypatch: pytest.MonkeyPatch, store: Store, fault: Callable[..., Any]) -> None:
    monkeypatch.setattr(store, "consume", fault)


@pytest.mark.parametrize(
    ("at", "fault", "own"),
    [(side, fault, own) for side in SIDES for fault in ("full disk", "crash") for own in ("admits", "watches")],
)
def test_never_released_unless_both_are_written(
    gate: JointSimulator, monkeypatch: pytest.MonkeyPatch, at: Side, fault: str, own: str
) -> None:
    """A disk that is full, or a process that dies, between one side's write and the other's."""
    with monkeypatch.context() as broken:
        made = FAULTS[fault]
        assert made is not None
        _faulty(broken, gate.sides[at].store, made)
        try:
            released = gate.cross(**{at: changes(own)}).released
        except Crash:
            released = False
    assert not released
    assert not any(gate.consumed(side) for side in SIDES)
    assert all(ADMITTED not in gate.said(side) for side in SIDES)
    gate.restarted()
    if own == "admits":
        assert gate.cross().released, "the tokens are good still"


def test_disk_that_is_full_on_one_side_is_that_sides_own_reason(
    gate: JointSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side's record says that the door stayed shut, and not that a peer's disk is full."""
    with monkeypatch.context() as broken:
        _faulty(broken, gate.sides["entry"].store, _disk_full)
        verdict = gate.cross()
    assert verdict.sides["entry"].reason == "storage_unavailable"
    assert gate.said("exit") == [SHUT]


def test_commit_that_fails_leaves_both_as_they_were(gate: JointSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell at which file: both say that the door stayed shut, and neither that the other failed."""
    with monkeypatch.context() as broken:
        broken.setattr(joint_store, "_require_rollback_journals", _disk_full)
        assert not gate.cross().released
    for side in SIDES:
        assert gate.said(side) == [SHUT]
        assert not gate.consumed(side)


@pytest.mark.parametrize("side", SIDES)
def test_token_that_another_process_admitted_in_between(
    gate: JointSimulator, monkeypatch: pytest.MonkeyPatch, side: Side
) -> None:
    """The same token at two lane processes at once: the second is refused, and the other side's token is not lost."""
    store = gate.sides[side].store
    real = store.consume

    def late(connection: Any, written: Any, *rest: Any) -> Any:
        connection.execute(f"INSERT INTO {rest[1]}.admitted VALUES (?, ?, 1)", (written["iss"], written["jti"]))  # noqa: S608
        return real(connection, written, *rest)

    with monkeypatch.context() as raced:
        raced.setattr(store, "consume", late)
        verdict = gate.cross()
    assert not verdict.released
    assert verdict.sides[side].reason == "replayed"
    other: Side = "entry" if side == "exit" else "exit"
    assert gate.said(other) == [SHUT]
    assert not gate.consumed(other)


def test_entries_of_an_endorsement_are_reserved_on_both_sides(gate: JointSimulator) -> None:
    """An offline gate would let one entry be made as often as there are tokens, at the exit too."""
    assert gate.cross(1).released
    sealed = {"sealed": {"sub": "pairwise-subject0001", "endorsement": ENDORSEMENT}}
    assert not gate.cross(2, exit=sealed, entry=sealed).released
    for side in SIDES:
        assert gate.said(side)[-1] == ("refer", "document_not_eligible")


# --- the way of a traveller


def test_codes_come_in_either_order_and_stay_in_view(gate: JointSimulator) -> None:
    """The camera reads the first code again and again until the phone shows the second."""
    codes = {side: gate.sides[side].code() for side in SIDES}
    for side in ("entry", "entry", "exit", "entry"):
        gate.gate.present(codes[side])
    awaited = gate.gate.awaited()
    assert awaited.phase == "face"
    verdict = gate.gate.face(awaited.id, (ALIKE,) * 3)
    assert verdict is not None
    assert verdict.released
    assert gate.gate.face(awaited.id, (ALIKE,) * 3) is None, "once"


@pytest.mark.parametrize(("frame", "own"), [(OTHER, ("refuse", "face_mismatch")), (NOBODY, ("refer", "face_no_face"))])
def test_one_burst_is_compared_for_both(gate: JointSimulator, frame: bytes, own: tuple[str, str]) -> None:
    assert not gate.cross(frames=(frame,) * 3).released
    assert [gate.said(side) for side in SIDES] == [[own], [own]]


def test_camera_that_fails_is_the_officers(gate: JointSimulator) -> None:
    assert not gate.cross(frames=None).released
    assert gate.said("exit") == gate.said("entry") == [("refer", "camera_unavailable")]


def test_two_people_cannot_share_a_passage(gate: JointSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """One shows the exit's code and another the entry's: the one face in front of the camera is not both."""

    def compare(self: ToyFaceEngine, reference: Any, frames: Any, *, require_liveness: bool) -> Any:
        return real(self, reference, (OTHER if reference.data == bytes(128) else ALIKE,) * 3, require_liveness=False)

    real = ToyFaceEngine.compare
    monkeypatch.setattr(ToyFaceEngine, "compare", compare)
    for lane in gate.sides.values():
        lane.gate.checkpoint["liveness"] = False
        lane.take_bundle(serial=9)
    assert not gate.cross(entry={"sealed": {"template": bytes(128)}}).released
    assert [gate.said(side) for side in SIDES] == [[SHUT], [("refuse", "face_mismatch")]]


def test_face_is_asked_for_and_looked_at_whatever_the_codes_came_to(
    gate: JointSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that asks for no face, or looks at it once, tells one side that the other stopped before."""
    looked: list[object] = []
    real = ToyFaceEngine.compare
    monkeypatch.setattr(
        ToyFaceEngine, "compare", lambda self, *args, **options: (looked.append(self), real(self, *args, **options))[1]
    )
    for number, name in enumerate(("admits", "watches", "finds it not eligible", "finds it revoked"), start=1):
        looked.clear()
        gate.cross(number, entry=changes(name))
        assert len(looked) == 2, name


def test_code_for_no_side_is_recorded_and_holds_nobody_up(gate: JointSimulator) -> None:
    """Row 56 at a joint gate: a token for a third checkpoint, and no code at all."""
    elsewhere = f"{HK}/checkpoints/other"
    foreign = gate.sides["entry"].gate
    gate.gate.present(foreign.present(gate.sides["entry"].token(aud=elsewhere), aud=elsewhere))
    gate.gate.present("BT1:nothing")
    assert gate.said("exit") == [("refuse", "wrong_audience"), ("refuse", "malformed")]
    assert gate.cross(1).released


def test_traveller_who_leaves_is_forgotten(gate: JointSimulator) -> None:
    """The next one's code would be taken for the second of somebody else."""
    gate.gate.present(gate.sides["exit"].code())
    assert gate.gate.shown()
    gate.clock.now += CODE_TIME
    assert not gate.gate.shown()
    assert gate.cross(1).released
    for side in SIDES:
        gate.gate.present(gate.sides[side].code(2))
    awaited = gate.gate.awaited()
    gate.clock.now += FACE_TIME
    assert gate.gate.face(awaited.id, (ALIKE,) * 3) is None
    gate.gate.present(gate.sides["exit"].code(3))
    gate.gate.restart()
    assert not gate.gate.shown()


def test_two_lanes_of_one_authority_or_one_direction_are_no_joint_gate(gate: JointSimulator, tmp_path: Path) -> None:
    """One authority would stand for both."""
    entry = gate.sides["entry"].lane
    with pytest.raises(RuntimeError):
        JointGate(entry, entry)
    from dataclasses import replace

    exit_ = gate.sides["exit"]
    exit_.config = replace(exit_.config, node=HK)
    with pytest.raises(RuntimeError):
        JointGate(exit_.restarted(), entry)


def test_file_with_a_write_ahead_log_releases_nobody(gate: JointSimulator) -> None:
    """SQLite would commit to each file for itself, and a loss of power would leave one side admitted."""
    for lane in gate.sides.values():
        lane.store.close()
    other = sqlite3.connect(gate.sides["entry"].store.path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN")
    other.execute("SELECT 1 FROM journal").fetchall()  # holds it there
    connection = gate.sides["entry"].store
    assert connection.path.with_name(connection.path.name + "-wal").exists()
    assert not gate.cross().released
    other.close()
    assert gate.cross(1).released


def test_what_a_lane_wrote_alone_is_continued_in_one_chain(gate: JointSimulator) -> None:
    """The joint transaction reads the journal's last entry itself: another connection's memory of it is old."""
    lane = gate.sides["exit"]
    for number in range(1, 4):
        own = {**fields(number), "checkpoint": lane.config.checkpoint, "direction": "exit"}
        lane.store.admit(own)
        assert gate.cross(10 + number).released
    assert len(lane.journal()) == 6

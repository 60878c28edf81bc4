"""The challenge: who obeys passes in any order, and no *synthetic* attack does but those that are known to."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.challenge import (
    MINIMUM,
    Instruction,
    Moment,
    frames_wanted,
    issue,
    judge,
    watch,
)
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.demo import takes as simulated
from idp.demo.photographs import live_capture
from idp.protocol.refusals import Reason, Refusal

from .attacks import NOT_STOPPED, STOPPED, Takes, session
from .frames import jpeg

ORDERS = [list(order) for order in permutations(Instruction)]
FLOOR = 0.7
NAMES = sorted(STOPPED)
HINTS = {*Instruction, "move_slowly"}


def moment(number: int, yaw: float = 0.0, size: float = 0.1, likeness: float = 1.0) -> Moment:
    patch = np.random.default_rng(number).normal(size=(8, 8)).astype(np.float32)
    return Moment(yaw, size, (0.5, 0.4), patch, likeness)


def obeying(order: Sequence[str], path: Sequence[float] = (0.0, 0.3, 0.6, 0.8, 1.0, 1.0)) -> list[list[Moment]]:
    """Landmarks of somebody who does as told."""
    made = {
        Instruction.TURN_LEFT: lambda part: {"yaw": 20 * part},
        Instruction.TURN_RIGHT: lambda part: {"yaw": -20 * part},
        Instruction.COME_CLOSER: lambda part: {"size": 0.1 * (1 + 0.4 * part)},
    }
    numbers = iter(range(1000))
    takes = [[moment(next(numbers)) for _ in range(3)]]
    return takes + [[moment(next(numbers), **made[Instruction(one)](part)) for part in path] for one in order]


@pytest.mark.parametrize("person", simulated.FRONTAL)
def test_a_traveller_who_obeys_is_not_believed(engine: EmbeddedEngine, person: int) -> None:
    for seed, order in ((1, ORDERS[0]), (2, ORDERS[3])):
        outcome = watch(engine, order, session(person, seed, *order))
        assert (outcome.alarm, outcome.hint) == ("", "")
        assert MINIMUM <= outcome.score <= 1.0
        outcome.require()


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_order_that_cannot_be_obeyed(order: list[str]) -> None:
    assert judge(order, obeying(order), floor=FLOOR).score == 1.0


@pytest.mark.parametrize("name", NAMES, ids=[f"synthetic: {name}" for name in NAMES])
def test_a_synthetic_attack_passes(engine: EmbeddedEngine, name: str) -> None:
    attack, alarming = STOPPED[name]
    for order in (ORDERS[0], ORDERS[4]):
        outcome = watch(engine, order, attack(order))
        assert bool(outcome.alarm) == alarming, outcome
        assert outcome.alarm or (outcome.hint in HINTS and outcome.score < MINIMUM)


@pytest.mark.parametrize("name", NOT_STOPPED, ids=[f"synthetic: {name}" for name in NOT_STOPPED])
def test_what_is_known_to_pass_is_said_to(engine: EmbeddedEngine, name: str) -> None:
    """Should it be stopped one day, docs/operations.md and the docstring have to say so."""
    order = ORDERS[2]
    assert watch(engine, order, NOT_STOPPED[name](order)).score >= MINIMUM


@pytest.mark.parametrize("given_order", ORDERS, ids="-".join)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_session_that_obeyed_another_challenge_passes(order: list[str], given_order: list[str]) -> None:
    """A recording is an alarm; left for right alone may be a mirroring camera, and is only refused."""
    outcome = judge(order, obeying(given_order), floor=FLOOR)
    if order == given_order:
        assert not outcome.hint and not outcome.alarm
        return
    swap = {"turn_left": "turn_right", "turn_right": "turn_left"}
    mirrored = [swap.get(one, one) for one in order] == given_order
    assert outcome.alarm == ("" if mirrored else "other_order")
    with pytest.raises(Refusal) as caught:
        outcome.require()
    assert caught.value.reason is Reason.FACE_NOT_LIVE and caught.value.detail in set(Instruction)


def test_a_movement_not_made_is_asked_for_again() -> None:
    order = ORDERS[0]
    for number, one in enumerate(order, start=1):
        takes = obeying(order)
        takes[number] = [moment(500 + place) for place in range(6)]
        outcome = judge(order, takes, floor=FLOOR)
        assert (outcome.alarm, outcome.hint, outcome.score) == ("", one, 0.0)


def test_a_jump_between_two_stills_taken_for_a_movement() -> None:
    for path in ((0, 0, 0, 1, 1, 1), (0, 0.05, 0.02, 1, 0.9, 1), (1, 1, 1, 1, 1, 1)):
        outcome = judge(ORDERS[0], obeying(ORDERS[0], path), floor=FLOOR)
        assert (outcome.alarm, outcome.hint) == ("", "move_slowly"), path
        assert outcome.score < MINIMUM


def test_a_traveller_still_turned_from_the_last_take_refused() -> None:
    """The second turn begins where the first ended, at the other side."""
    assert judge(ORDERS[0], obeying(ORDERS[0], (-1, -0.5, 0, 0.5, 1, 1)), floor=FLOOR).hint == ""


@pytest.mark.parametrize(("yaw", "likeness", "alarm"), [
    (0.0, 0.69, "another_person"), (0.0, 0.71, ""), (20.0, 0.69, ""), (20.0, 0.64, "another_person"),
])  # fmt: skip
def test_a_turned_head_taken_for_another_or_another_for_a_turned_head(yaw: float, likeness: float, alarm: str) -> None:
    takes = obeying(ORDERS[0])
    takes[1][2] = replace(takes[1][2], yaw=yaw, likeness=likeness)
    assert judge(ORDERS[0], takes, floor=FLOOR).alarm == alarm


@given(st.lists(st.floats(-60, 60), min_size=6, max_size=6), st.sampled_from(ORDERS), st.integers(0, 2))
def test_a_score_outside_0_to_1_or_a_failure_without_a_word(yaws: list[float], order: list[str], place: int) -> None:
    takes = obeying(order)
    takes[1 + place] = [moment(700 + number, yaw=yaw) for number, yaw in enumerate(yaws)]
    outcome = judge(order, takes, floor=FLOOR)
    assert 0.0 <= outcome.score <= 1.0
    assert bool(outcome.hint) == (outcome.score < MINIMUM)


@given(st.binary(min_size=8, max_size=32))
def test_an_order_with_an_instruction_left_out_or_twice(random: bytes) -> None:
    assert sorted(issue(random)) == sorted(Instruction)


def test_orders_that_never_come() -> None:
    found = {tuple(issue(number.to_bytes(8))) for number in range(60)}
    assert len(found) == 6
    with pytest.raises(ValueError, match="eight"):
        issue(b"seven b")


@pytest.mark.parametrize(
    ("challenge", "change"),
    [
        (ORDERS[0], lambda takes: takes[:3]),
        (ORDERS[0], lambda takes: [*takes, takes[1]]),
        (ORDERS[0], lambda takes: [takes[0][:2], *takes[1:]]),
        (ORDERS[0], lambda takes: [takes[0], takes[1] * 2, *takes[2:]]),
        (["smile", "turn_left", "turn_right"], lambda takes: takes),
    ],
)
def test_a_session_of_another_shape_judged(engine: EmbeddedEngine, challenge: list[str], change: object) -> None:
    takes: Takes = change(session(0, 1, *ORDERS[0]))  # type: ignore[operator]
    with pytest.raises(Refusal) as caught:
        watch(engine, challenge, takes)
    assert caught.value.reason is Reason.MALFORMED


def test_a_take_without_a_face_called_an_attack(engine: EmbeddedEngine) -> None:
    wall = [jpeg(np.full((720, 1280, 3), 140 + number, np.uint8)) for number in range(6)]
    for place, hint in ((0, "look_at_the_camera"), (1, "turn_less"), (2, "turn_less"), (3, "move_into_the_picture")):
        takes = [list(take) for take in session(0, 1, *ORDERS[0])]
        takes[place] = wall[: len(takes[place])]
        with pytest.raises(Refusal) as caught:
            watch(engine, ORDERS[0], takes)
        assert (caught.value.reason, caught.value.detail) == (Reason.FACE_NO_FACE, hint)


def test_a_head_that_turns_so_far_that_it_is_lost_refused(engine: EmbeddedEngine) -> None:
    takes = [list(take) for take in session(0, 1, *ORDERS[0])]
    takes[1][5] = jpeg(np.full((720, 1280, 3), 140, np.uint8))
    assert watch(engine, ORDERS[0], takes).hint == ""


def test_without_a_challenge_only_the_passive_burst_is_asked_for(engine: EmbeddedEngine) -> None:
    assert frames_wanted([]) == [(3, 6)]
    assert watch(engine, [], [live_capture(1, 1)]).hint == ""

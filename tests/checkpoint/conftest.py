"""Lanes for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import kiosk
from tests.checkpoint.browser import Browser
from tests.checkpoint.lanes import LaneSimulator

MakeLane = Callable[..., LaneSimulator]


@pytest.fixture
def make_lane(tmp_path: Path) -> Iterator[MakeLane]:
    """Makes lanes, each in its own directory; closes their files."""
    made: list[LaneSimulator] = []

    def make(**options: Any) -> LaneSimulator:
        made.append(LaneSimulator(tmp_path / f"lane-{len(made)}", **options))
        return made[-1]

    yield make
    for simulator in made:
        simulator.store.close()


@pytest.fixture
def lane(make_lane: MakeLane) -> LaneSimulator:
    """A lane with a fresh bundle."""
    return make_lane()


@pytest.fixture
def browser(lane: LaneSimulator) -> Iterator[Browser]:
    with kiosk.serve(kiosk.Kiosk(lane.lane), host="127.0.0.1", port=0, names=[]) as server:
        yield Browser(server)


@pytest.fixture
def phone(lane: LaneSimulator) -> Iterator[Browser]:
    """On the local link."""
    with kiosk.serve_link(kiosk.Kiosk(lane.lane), host="127.0.0.1", port=0, names=[]) as server:
        yield Browser(server)

"""What a lane says of itself: when something changed, and never about a traveller."""

import json
import tomllib
from pathlib import Path

from idp.checkpoint.reporting import EVERY, HEADER, VERSION, Reporter
from tests.checkpoint.conftest import MakeLane
from tests.simulators.gate import NOW


def test_the_lane_says_what_changed_and_otherwise_is_silent(make_lane: MakeLane) -> None:
    lane = make_lane()
    reporter = Reporter(lane.lane)
    said = json.loads(reporter.headers()[HEADER])
    assert said.keys() == {"bundle", "camera", "clock", "pending", "sealing", "version"}
    assert (said["camera"], said["clock"], said["pending"]) == ("", NOW, 0) and said["bundle"]
    assert reporter.headers() == {}
    assert lane.cross().word == "admit"
    said = json.loads(reporter.headers()[HEADER])
    assert (said["camera"], said["pending"]) == ("working", 1)
    lane.clock.now += EVERY
    assert HEADER in reporter.headers(), "now and then although nothing changed"


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION

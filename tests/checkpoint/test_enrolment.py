"""A lane hands in its keys with its officer's code; what fails leaves no lane, and may be tried again."""

import json
from pathlib import Path

import pytest

from idp.checkpoint import config as configuration
from idp.checkpoint import sealing_keys
from idp.checkpoint.config import DATABASE, LANE_FILE, LANE_KEY
from idp.checkpoint.store import Store
from idp.checkpoint.sync import enrol
from idp.protocol.refusals import Refusal, Unavailable
from tests.checkpoint.lanes import Clock, invitation
from tests.checkpoint.node import NodeSimulator, Rerouted
from tests.simulators.gate import NOW, GateSimulator


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "new"


def enrolled(directory: Path, outbound: Rerouted, **changes: object) -> configuration.LaneConfig:
    return enrol(invitation(**changes), directory, face_models=["toy-1"], outbound=outbound, now=NOW)


@pytest.fixture
def empty_node() -> NodeSimulator:
    node = NodeSimulator(GateSimulator(), Clock())
    node.lane_key = None
    return node


def test_an_enrolled_lane_has_its_keys_at_the_node_and_its_code_nowhere(
    directory: Path, empty_node: NodeSimulator
) -> None:
    with empty_node.serving() as outbound:
        config = enrolled(directory, outbound)
    assert configuration.load(directory).lane_id == config.lane_id
    sealing = sealing_keys.read(config.sealing_directory, now=NOW)
    assert empty_node.sealing == [sealing.current.kid, sealing.next.kid]
    assert sealing.announced
    own = configuration.read_key(directory / LANE_KEY)
    assert empty_node.lane_key is not None
    assert own.public.thumbprint == empty_node.lane_key.thumbprint
    assert "one-time-code" not in (directory / LANE_FILE).read_text()
    assert (directory / LANE_KEY).stat().st_mode & 0o777 == 0o600
    Store(directory / DATABASE, Clock(), create=False).close()


def test_a_refused_enrolment_leaves_no_lane(directory: Path, empty_node: NodeSimulator) -> None:
    with empty_node.serving() as outbound:
        with pytest.raises(Refusal):
            enrolled(directory, outbound, code="wrong")
        assert not (directory / LANE_FILE).exists()
        enrolled(directory, outbound)


def test_an_enrolment_whose_answer_is_lost_is_repeated_with_the_same_keys(
    directory: Path, empty_node: NodeSimulator
) -> None:
    empty_node.lost = {"enrol"}
    with empty_node.serving() as outbound:
        with pytest.raises(Unavailable):
            enrolled(directory, outbound)
        first = empty_node.lane_key
        empty_node.lost = set()
        enrolled(directory, outbound)
    assert first is not None
    assert empty_node.lane_key is not None
    assert first.thumbprint == empty_node.lane_key.thumbprint


def test_another_lane_is_not_enrolled_over_this_one(directory: Path, empty_node: NodeSimulator) -> None:
    """Its entries would go on in this one's journal."""
    with empty_node.serving() as outbound:
        enrolled(directory, outbound)
        with pytest.raises(RuntimeError, match="is enrolled"):
            enrolled(directory, outbound, lane="2")
        enrolled(directory, outbound)
    assert json.loads((directory / LANE_FILE).read_text())["lane"] == "1"


def test_an_invitation_without_a_code_is_refused_before_anything_is_sent(
    directory: Path, empty_node: NodeSimulator
) -> None:
    with empty_node.serving() as outbound, pytest.raises(Refusal):
        enrolled(directory, outbound, code="")
    assert empty_node.lane_key is None

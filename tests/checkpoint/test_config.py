"""What a lane is told at its enrolment, and the switches that a border must never see."""

import json
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import config
from idp.checkpoint.config import Insecure
from idp.protocol.keys import generate
from idp.protocol.refusals import Refusal
from tests.checkpoint.lanes import invitation


@pytest.mark.parametrize(
    "switches",
    [{"INSECURE_CLOCK_OFFSET": "60"}, {"INSECURE_LOOPBACK_HTTP": "1"}, {"INSECURE_STILL_PICTURES": "true"}],
)
@pytest.mark.parametrize("debug", [{}, {"DEBUG": ""}, {"DEBUG": "0"}, {"DEBUG": "no"}])
def test_an_insecure_switch_without_debug_is_refused(switches: dict[str, str], debug: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match="INSECURE_"):
        config.insecure({**switches, **debug})


def test_the_switches_work_under_debug() -> None:
    environment = {"DEBUG": "1", "INSECURE_CLOCK_OFFSET": "-60", "INSECURE_STILL_PICTURES": "1"}
    assert config.insecure(environment) == Insecure(clock_offset=-60, still_pictures=True)


@pytest.mark.parametrize(
    "environment", [{}, {"DEBUG": "1"}, {"INSECURE_CLOCK_OFFSET": ""}, {"INSECURE_CLOCK_OFFSET": "0"}]
)
def test_nothing_insecure_is_on_by_itself(environment: dict[str, str]) -> None:
    assert config.insecure(environment) == Insecure()


def test_an_offset_that_is_no_number_is_said() -> None:
    with pytest.raises(RuntimeError, match="number of seconds"):
        config.insecure({"DEBUG": "1", "INSECURE_CLOCK_OFFSET": "an hour"})


@pytest.mark.parametrize(
    "changes",
    [
        {"node": ""},
        {"node": 1},
        {"checkpoint": None},
        {"lane": "a#b"},
        {"lane": "x" * 65},
        {"direction": "both"},
        {"checkpoint_name": {}},
        {"checkpoint_name": {"pt": "Lo Wu"}},
        {"checkpoint_name": {"en": 1}},
        {"checkpoint_name": "Lo Wu"},
        {"anchor_jwks": {"keys": []}},
        {"anchor_jwks": {"keys": [generate().jwk()]}},
        {"watch_key": "not base64url!"},
        {"watch_key": "c2hvcnQ"},
        {"watch_key": None},
    ],
)
def test_an_invitation_with_a_wrong_member_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        config.parse(invitation(**changes), tmp_path)


def test_a_directory_without_a_lane_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no lane"):
        config.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"node": "https://idp.hk.example"}'])
def test_a_damaged_enrolment_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / config.LANE_FILE).write_text(text)
    with pytest.raises(RuntimeError, match="cannot be read"):
        config.load(tmp_path)


def test_an_enrolment_is_read_as_it_was_written(tmp_path: Path) -> None:
    config.write_private(tmp_path / config.LANE_FILE, json.dumps(invitation()))
    found = config.load(tmp_path)
    assert found.lane_id == "https://idp.hk.example/checkpoints/lo-wu#1"
    assert found.sealing_directory == tmp_path / "sealing"
    assert config.load(tmp_path, tmp_path / "shared").sealing_directory == tmp_path / "shared"


def test_no_secret_is_shown_where_a_lane_is_printed(tmp_path: Path) -> None:
    found = config.parse(invitation(), tmp_path)
    assert repr(found.watch_key) not in repr(found)


def test_a_private_file_is_its_owner_s_even_over_one_that_a_crash_left(tmp_path: Path) -> None:
    path = tmp_path / "key"
    left = tmp_path / "key.new"
    left.write_text("left")
    left.chmod(0o644)
    config.write_private(path, "secret")
    assert path.read_text() == "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not left.exists()


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"kty": "EC"}'])
def test_a_damaged_key_is_said_without_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.jwk").write_text(text)
    with pytest.raises(RuntimeError, match=r"key\.jwk cannot be read"):
        config.read_key(tmp_path / "key.jwk")

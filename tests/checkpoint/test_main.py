"""The program: enrol, exchange once, run, show decisions; with real processes."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from idp.checkpoint import officers_log
from idp.checkpoint.__main__ import main
from idp.checkpoint.config import DATABASE, LANE_FILE, LANE_KEY, write_private
from tests.checkpoint.joint import JointSimulator
from tests.checkpoint.lanes import LaneSimulator, invitation, lane_key
from tests.checkpoint.toy_engine import OTHER

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def enrolled(lane: LaneSimulator) -> Path:
    """A directory as an enrolment leaves it."""
    write_private(lane.directory / LANE_FILE, json.dumps(invitation()))
    write_private(lane.directory / LANE_KEY, json.dumps(lane_key().jwk()))
    lane.store.close()
    return lane.directory


def test_a_kiosk_runs_and_ends_when_it_is_told(enrolled: Path) -> None:
    command = [sys.executable, "-m", "idp.checkpoint", "run", "--directory", str(enrolled), "--port", "0"]
    child = subprocess.Popen(
        [*command, "--interval", "0", "--link-port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert "#1 entry on http://127.0.0.1:" in child.stdout.readline()
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        child.stdout.close()
    assert child.returncode == 0


def test_a_joint_gate_runs_with_a_page_for_the_officers_of_each_side(tmp_path: Path) -> None:
    gate = JointSimulator(tmp_path)
    for side, lane in gate.sides.items():
        write_private(lane.directory / LANE_FILE, json.dumps(invitation(**lane.invited)))
        write_private(lane.directory / LANE_KEY, json.dumps(lane.key.jwk()))
        lane.store.close()
        assert side == lane.config.direction
    places = [str(lane.directory) for lane in gate.sides.values()]
    command = [sys.executable, "-m", "idp.checkpoint", "run", "--directory", places[1], "--joint", places[0]]
    ports = ["--port", "0", "--interval", "0", "--officer-port", "0", "--joint-officer-port", "0"]
    child = subprocess.Popen([*command, *ports], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        said = child.stdout.readline()
        assert "#1 entry and " in said
        assert "#1 exit on http" in said
        screen, *desks = re.findall(r"http://127.0.0.1:\d+", said)
        with urllib.request.urlopen(f"{screen}/state", timeout=20) as answer:  # noqa: S310
            assert json.load(answer)["joint"] is True
        for desk in desks:
            with urllib.request.urlopen(f"{desk}/texts?lang=pt", timeout=20) as answer:  # noqa: S310
                assert json.load(answer)["desk"]["title"] == "Agentes"
        assert len(desks) == 2
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        child.stdout.close()
    assert child.returncode == 0


def test_two_lanes_of_one_authority_do_not_start_as_a_joint_gate(
    enrolled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--directory", str(enrolled), "--joint", str(enrolled), "--port", "0", "--interval", "0"]) == 1
    assert "exit lane of one authority" in capsys.readouterr().err


def test_a_lane_without_its_memory_does_not_start_with_an_empty_one(
    enrolled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in enrolled.glob(f"{DATABASE}*"):
        path.unlink()
    assert main(["sync", "--directory", str(enrolled)]) == 1
    assert "storage" in capsys.readouterr().err
    assert not (enrolled / DATABASE).exists()


def test_a_screen_for_others_to_reach_is_refused(enrolled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--port", "0", "--host", "0.0.0.0", "--interval", "0"]  # noqa: S104  refused
    assert main(["run", "--directory", str(enrolled), *options]) == 1
    assert "loopback only" in capsys.readouterr().err


def test_an_insecure_switch_without_debug_stops_the_program(
    enrolled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEBUG", raising=False)
    monkeypatch.setenv("INSECURE_STILL_PICTURES", "1")
    assert main(["run", "--directory", str(enrolled), "--port", "0"]) == 1
    assert "INSECURE_" in capsys.readouterr().err


def test_an_exchange_in_which_a_part_failed_says_so_by_its_status(
    enrolled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's port is one at which nobody listens."""
    write_private(enrolled / LANE_FILE, json.dumps(invitation(node="http://hk.localhost:1")))
    for switch in ("DEBUG", "INSECURE_LOOPBACK_HTTP"):
        monkeypatch.setenv(switch, "1")
    assert main(["sync", "--directory", str(enrolled)]) == 1
    assert "ConnectError" in capsys.readouterr().err


def test_decisions_are_shown_in_words(lane: LaneSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    officers_log.write(lane.directory, lane.cross(frames=(OTHER,) * 3), at=lane.clock.now)
    officers_log.write(lane.directory, lane.cross(), at=lane.clock.now)
    assert main(["decisions", "--directory", str(lane.directory), "--language", "pt"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.rstrip().endswith("refuse O rosto não é o do titular da credencial. 0.1")
    assert " admit " in second


def test_a_line_that_a_loss_of_power_cut_short_hides_no_other(lane: LaneSimulator) -> None:
    for _ in range(2):
        officers_log.write(lane.directory, lane.cross(), at=lane.clock.now)
    path = lane.directory / officers_log.FILE
    path.write_text(path.read_text()[:-20])
    assert [line["seq"] for line in officers_log.read(lane.directory)] == [1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_directory_without_a_lane_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decisions", "--directory", str(tmp_path)]) == 1
    assert main(["run", "--directory", str(tmp_path), "--port", "0"]) == 1
    assert "no lane is enrolled" in capsys.readouterr().err

"""``faces evaluate --pad`` on a node: the same report as without a database, and no threshold is drawn from it."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from idp.biometrics.models import Calibration
from tests.biometrics.world import burst


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """One live burst, and one *synthetic* attack: the same picture three times."""
    for folder, frames in (("bona-fide", burst(2)), ("repeated-still", (burst(0)[0],) * 3)):
        directory = tmp_path / folder / "one"
        directory.mkdir(parents=True)
        for number, frame in enumerate(frames):
            (directory / f"{number}.jpg").write_bytes(frame)
    return tmp_path


def test_a_report_of_a_node_that_says_nothing_of_attacks(db: None, captures: Path) -> None:
    out = StringIO()
    call_command("faces", "evaluate", str(captures), "--pad", "--json", "--dataset", "trial", stdout=out)
    found = json.loads(out.getvalue())
    assert (found["dataset"], found["standard"], found["worst"]) == ("trial", "ISO/IEC 30107-3", "repeated-still")
    assert found["species"]["repeated-still"]["apcer"] == 0.0 == found["bona_fide"]["bpcer"]
    assert not any(point["claimed"] for point in found["operating_points"].values())


def test_thresholds_of_comparisons_calibrated_by_attacks(db: None, captures: Path) -> None:
    with pytest.raises(CommandError, match="calibrates nothing"):
        call_command(
            "faces", "evaluate", str(captures), "--pad", "--calibrate", "--dataset", "trial", "--officer", "account:7"
        )
    assert not Calibration.objects.exists()


def test_a_directory_without_attacks_ends_in_a_traceback(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="bona-fide"):
        call_command("faces", "evaluate", str(tmp_path), "--pad")

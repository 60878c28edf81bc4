"""Attack presentations counted: by species, without those that had no response, and without claims that few bear."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine import evaluate
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.biometrics.engine.evaluation.attacks import Attacks, Presentation, measure_attacks, report
from idp.biometrics.engine.evaluation.trials import UnableToRead
from idp.demo.photographs import live_capture
from tests.biometrics.engine.attacks import STOPPED, session
from tests.biometrics.engine.frames import jpeg

ORDER = ["turn_left", "come_closer", "turn_right"]
EMPTY = jpeg(np.full((720, 1280, 3), 140, np.uint8))


def kept(directory: Path, takes: Sequence[Sequence[bytes]], order: Sequence[str] = ORDER) -> None:
    for number, (name, take) in enumerate(zip(["look_straight", *order], takes, strict=True)):
        burst(directory / f"{number}-{name}", take)


def burst(directory: Path, frames: Sequence[bytes]) -> None:
    directory.mkdir(parents=True)
    for number, frame in enumerate(frames):
        (directory / f"{number:02}.jpg").write_bytes(frame)


def many(species: str, scores: Sequence[float | None], at: float = 0.5) -> list[Presentation]:
    return [Presentation(species, score, None if score is None else score >= at) for score in scores]


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic ones, of every kind that the reader knows."""
    directory = tmp_path_factory.mktemp("pad")
    kept(directory / "bona-fide" / "one", session(0, 1, *ORDER))
    burst(directory / "bona-fide" / "burst", live_capture(2, 5))
    burst(directory / "bona-fide" / "nobody", [EMPTY] * 3)
    for species in ("printed photo", "one frame of another"):
        kept(directory / species.replace(" ", "-") / "one", STOPPED[species][0](ORDER))
    burst(directory / "moved-still" / "one", live_capture(0, 9))
    return directory


def test_what_the_engine_said_of_each_presentation_is_not_what_is_counted(
    engine: EmbeddedEngine, captures: Path
) -> None:
    measured = measure_attacks(engine, captures)
    found = report(measured)
    assert found["model"] == engine.model
    bona_fide = found["bona_fide"]
    assert (bona_fide["presentations"], bona_fide["bpcer"]) == (3, 0.0)
    assert bona_fide["bpnrr"] == pytest.approx(1 / 3)
    assert bona_fide["no_response"] == {"face_no_face look_at_the_camera": 1}
    rates = {name: one["apcer"] for name, one in found["species"].items()}
    assert rates == {"moved-still": 1.0, "printed-photo": 0.0, "one-frame-of-another": 0.0}
    assert found["worst"] == "moved-still"
    assert measured.of("one-frame-of-another")[0].score == 0.0, "an alarm passes at no threshold"
    assert json.loads(json.dumps(found)) == found


def test_the_command_prints_another_report(
    engine: EmbeddedEngine, captures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([str(captures), "--pad", "--json", "--out", str(tmp_path / "out")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "attacks.json").read_text("utf-8"))
    assert printed["dataset"] == captures.name and printed["species"]["moved-still"]["apcer"] == 1.0


def test_an_average_that_hides_the_worst_species() -> None:
    """No ACER, and no APCER over all species."""
    found = report(Attacks("m", many("bona-fide", [0.9] * 4) + many("easy", [0.1] * 9) + many("hard", [0.8, 0.1])))
    assert found["worst"] == "hard" and found["species"]["hard"]["apcer"] == 0.5
    assert found["species"]["easy"]["apcer"] == 0.0
    assert not any("acer" in name.lower().replace("apcer", "") for name in json.dumps(found).split('"'))
    assert [row["apcer"] for row in found["table"] if row["threshold"] == 0.5] == [0.5]


def test_no_response_counted_as_an_attack_stopped_or_a_traveller_refused() -> None:
    found = report(Attacks("m", many("bona-fide", [0.9, None]) + many("mask", [0.9, None, None, None])))
    assert (found["bona_fide"]["bpcer"], found["bona_fide"]["bpnrr"]) == (0.0, 0.5)
    assert (found["species"]["mask"]["apcer"], found["species"]["mask"]["apnrr"]) == (1.0, 0.75)


def test_a_claim_that_the_presentations_do_not_bear() -> None:
    """Thirty of each species say something of 10 %, and nothing of 5 %."""
    found = report(Attacks("m", many("bona-fide", [0.9] * 30) + many("print", [0.1] * 30) + many("mask", [0.2] * 60)))
    points = found["operating_points"]
    assert points["BPCER10"]["claimed"] and points["BPCER10"]["bpcer"] == 0.0
    assert points["BPCER20"] == {
        "claimed": False,
        "why": "print: 60 presentations with a response are needed, of 30",
    }
    few = report(Attacks("m", many("bona-fide", [0.9] * 29) + many("print", [0.1] * 300)))
    assert "bona-fide" in few["operating_points"]["BPCER100"]["why"]
    silent = report(Attacks("m", many("bona-fide", [0.9] * 30) + many("print", [None] * 300)))
    assert not silent["operating_points"]["BPCER10"]["claimed"] and silent["worst"] is None


def test_an_operating_point_at_which_more_attacks_pass_than_it_says() -> None:
    scores = np.linspace(0.0, 1.0, 300).tolist()
    points = report(Attacks("m", many("bona-fide", scores) + many("mask", scores)))["operating_points"]
    for name, target in (("BPCER10", 0.1), ("BPCER20", 0.05), ("BPCER100", 0.01)):
        passing = sum(score >= points[name]["threshold"] for score in scores) / len(scores)
        assert passing <= target < passing + 1 / len(scores) + 1e-9
        assert points[name]["bpcer"] == pytest.approx(1 - passing)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=40), st.lists(st.floats(0, 1), max_size=40))
def test_a_table_that_does_not_fall_and_rise(attack: list[float | None], live: list[float]) -> None:
    table = report(Attacks("m", many("bona-fide", live) + many("mask", attack)))["table"]
    for name, order in (("apcer", -1), ("bpcer", 1)):
        values = [row[name] for row in table]
        assert None in values or values == sorted(values, key=lambda value: order * value)


@pytest.mark.parametrize(
    "folders",
    [
        (),
        ("bona-fide/one",),
        ("print/one", "mask/one"),
        ("bona-fide/one", "print"),
        ("bona-fide/one", "print/one/1-turn_left"),
        ("bona-fide/one", "print/one/0-look_straight", "print/one/1-smile"),
        ("bona-fide/one", "print/one/0-look_straight", "print/one/2-turn_left"),
        ("bona-fide/one", "print/one/0-turn_left"),
    ],
)
def test_a_directory_that_says_nothing_is_measured(
    engine: EmbeddedEngine, tmp_path: Path, folders: Sequence[str]
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        if folder.count("/"):
            (tmp_path / folder / "0.jpg").write_bytes(EMPTY)
    with pytest.raises(UnableToRead):
        measure_attacks(engine, tmp_path)
    assert evaluate.main([str(tmp_path), "--pad"]) == 2
    with pytest.raises(UnableToRead):
        measure_attacks(engine, tmp_path / "nowhere")

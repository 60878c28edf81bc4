"""From pictures to counted scores."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idp.biometrics.engine.evaluation import groups, measuring, rates, trials
from idp.biometrics.engine.evaluation.measuring import Measured
from idp.biometrics.engine.evaluation.report import name_of, report
from idp.biometrics.engine.evaluation.tally import BINS
from idp.biometrics.engine.evaluation.work import Work
from idp.biometrics.engine.templates import compare
from tests.biometrics.engine.evaluation.synthetic import SyntheticEngine, people

AT = {"admit": 0.6, "refer": 0.5}


def measured(directory: Path, engine: Any = None, *, by_group: bool = False, work: Path | None = None) -> Measured:
    wanted = trials.read(directory, by_group=by_group)
    grouped = groups.read(directory, wanted, by_group=by_group)
    with Work(work, engine="e", keep=True) as kept:
        return measuring.measure(
            engine or SyntheticEngine(), directory, wanted, groups=grouped, work=kept, thresholds=list(AT.values())
        )


def test_comparisons_are_counted_by_whether_it_is_one_person(tmp_path: Path) -> None:
    found = measured(people(tmp_path, 4, 3))
    assert (found.all.genuine.size, found.all.impostor.size) == (4 * 3, 6 * 9)
    assert rates.eer(found.all.genuine, found.all.impostor) == 0


def test_person_without_any_template_fails_to_enrol_and_one_with_another_picture_does_not(tmp_path: Path) -> None:
    """FTE is a rate of people and FTA one of pictures (ISO/IEC 19795-1)."""
    people(tmp_path, 3, 2)
    (tmp_path / "p00000" / "0.jpg").write_text("wall 0")
    for number in range(2):
        (tmp_path / "p00001" / f"{number}.jpg").write_text(f"wall {number + 1}")
    found = measured(tmp_path)
    assert (found.pictures, found.failed) == (6, 3)
    assert (found.subjects, found.unenrolled) == (3, 1)
    assert found.failures == {"face_no_face look_at_the_camera": 3}


def test_reference_without_template_fails_to_enrol_and_a_probe_does_not(tmp_path: Path) -> None:
    people(tmp_path, 2, 2)
    (tmp_path / "p00000" / "0.jpg").write_text("wall")
    (tmp_path / "p00001" / "1.jpg").write_text("wall")
    rows = "p00000/0.jpg,p00000/1.jpg,1\np00001/0.jpg,p00001/1.jpg,1\np00001/0.jpg,p00000/1.jpg,0\n"
    (tmp_path / "pairs.csv").write_text("reference,probe,same\n" + rows)
    found = measured(tmp_path)
    assert (found.subjects, found.unenrolled) == (2, 1)
    assert (found.pictures, found.failed) == (4, 2)
    assert (found.all.genuine.size, found.all.impostor.size) == (0, 1)


def test_second_run_looks_at_new_pictures_only(tmp_path: Path) -> None:
    """After a crash everything was looked at again, or a changed picture was not."""
    work, root, engine = tmp_path / "work", people(tmp_path / "set", 3), SyntheticEngine()
    first = report(measured(root, engine, work=work), AT)
    assert engine.asked == 6
    assert report(measured(root, engine, work=work), AT) == first
    assert engine.asked == 6
    (root / "p00000" / "0.jpg").write_text("7 0")
    assert report(measured(root, engine, work=work), AT) != first
    assert engine.asked == 7


def test_picture_that_is_there_twice_is_looked_at_once_and_told(tmp_path: Path) -> None:
    """A genuine comparison of a file with itself says nothing of an engine."""
    engine, root = SyntheticEngine(), people(tmp_path, 2)
    (root / "p00001" / "copy.jpg").write_text("1 0")
    found = measured(root, engine)
    assert (engine.asked, found.repeated, found.misfiled) == (4, 1, 0)


def test_picture_under_two_names_is_told(tmp_path: Path) -> None:
    """One of them is wrong; it counts as an impostor who matches at any threshold, and costs a profile."""
    root = people(tmp_path, 3)
    (root / "p00001" / "stray.jpg").write_text("0 0")
    found = measured(root)
    assert (found.repeated, found.misfiled) == (1, 1)


def test_file_that_has_gone_is_no_failure_of_the_engine(tmp_path: Path) -> None:
    """A disk that was pulled out half way made a rate of failures to acquire."""
    wanted = trials.read(people(tmp_path, 2))
    (tmp_path / "p00001" / "0.jpg").unlink()
    with Work(None, engine="e") as work, pytest.raises(trials.UnableToRead, match=r"p00001/0\.jpg"):
        measuring.measure(
            SyntheticEngine(), tmp_path, wanted, groups=groups.read(tmp_path, wanted), work=work, thresholds=()
        )


def test_groups_are_compared_within_themselves(tmp_path: Path) -> None:
    """An impostor of another group is told apart more easily, and makes every group look better than it is."""
    people(tmp_path / "x", 2, 2)
    people(tmp_path / "y", 3, 2, first=10)
    (tmp_path / "y" / "p00010" / "wall.jpg").write_text("wall")
    found = measured(tmp_path, by_group=True)
    assert found.acquiring == {"x": (4, 0), "y": (7, 1)}  # faces that are not found show in no other rate
    sizes = {name: (one.genuine.size, one.impostor.size) for name, one in found.groups.items()}
    assert sizes == {"x": (2, 4), "y": (3, 12)}
    assert (found.all.genuine.size, found.all.impostor.size) == (5, 40)


def test_groups_that_lie_mixed_in_a_block_are_not_confused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "ROWS", 3)
    monkeypatch.setattr(trials, "PROBES", 4)
    people(tmp_path, 6, 2)
    rows = "".join(f"p{person:05},{'even' if person % 2 == 0 else 'odd'}\n" for person in range(5))
    (tmp_path / "groups.csv").write_text("person,group\n" + rows)
    found = measured(tmp_path)
    sizes = {name: (one.genuine.size, one.impostor.size) for name, one in found.groups.items()}
    assert sizes == {"even": (3, 12), "odd": (2, 4)}
    assert (found.all.genuine.size, found.all.impostor.size) == (6, 60)


def test_millions_of_comparisons_take_no_more_memory_and_give_exact_thresholds(tmp_path: Path) -> None:
    """FMR 1e-6 takes three million; kept as numbers and sorted, those of 100,000 pictures would take 80 GB."""
    engine, root = SyntheticEngine(), people(tmp_path, 2500, 1)
    tracemalloc.start()
    found = measured(root, engine)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.all.impostor.size == 2500 * 2499 // 2 > 3_000_000
    assert peak < 60_000_000  # blocks of a million, whatever the number of pictures
    profiles = report(found, AT)["profiles"]
    assert all(profile["claimed"] for profile in profiles.values())
    scores = _every_score(root, engine)
    for target in (1e-3, 1e-4, 1e-5, 1e-6):
        threshold = profiles[name_of(target)]["threshold"]
        errors = int(np.count_nonzero(scores >= threshold))
        assert errors == rates.fmr(found.all.impostor, threshold).errors
        assert rates.rate(errors, scores.size).high <= target
        laxer = int(np.count_nonzero(scores >= threshold - 1 / BINS))
        assert rates.rate(laxer, scores.size).high > target


def _every_score(root: Path, engine: SyntheticEngine) -> np.ndarray:
    """By another way, with the numbers kept: each reference with all after it, as `compare` does it for one."""
    kept = [engine.enrol((root / name).read_bytes()).template for name in trials.read(root).pictures]
    vectors = np.stack([np.frombuffer(one.data, np.int8) for one in kept]).astype(np.float64) / 224
    scores = np.concatenate(
        [1 - np.linalg.norm(vectors[place + 1 :] - vectors[place], axis=1) / 2 for place in range(len(kept) - 1)]
    )
    assert scores[0] == pytest.approx(compare(kept[0], kept[1], model=engine.model).score, abs=1e-7)
    return np.maximum(scores, 0)

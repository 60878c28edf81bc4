"""Who is compared with whom."""

from pathlib import Path

import numpy as np
import pytest

from idp.biometrics.engine.evaluation import trials
from idp.biometrics.engine.evaluation.trials import Trials, UnableToRead


def folders(root: Path, **people: int) -> Path:
    for name, count in people.items():
        (root / name).mkdir()
        for number in range(count):
            (root / name / f"{number}.jpg").write_bytes(b"x")
    return root


def listed(found: Trials, acquired: list[bool] | None = None) -> set[tuple[str, str, bool]]:
    usable = np.array(acquired if acquired is not None else [True] * len(found.pictures))
    pairs = [
        (found.pictures[block.references[row]], found.pictures[block.probes[column]], bool(block.same[row, column]))
        for block in found.blocks(usable)
        for row, column in np.argwhere(block.counted)
    ]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def pairs_file(root: Path, text: str) -> Path:
    (root / "pairs.csv").write_text(text, "utf-8")
    return root


def test_every_two_pictures_are_compared_once(tmp_path: Path) -> None:
    """A pair that is counted in both directions makes every interval too narrow."""
    found = listed(trials.read(folders(tmp_path, a=2, b=1)))
    assert found == {("a/0.jpg", "a/1.jpg", True), ("a/0.jpg", "b/0.jpg", False), ("a/1.jpg", "b/0.jpg", False)}


def test_picture_without_template_is_in_no_comparison(tmp_path: Path) -> None:
    found = listed(trials.read(folders(tmp_path, a=2, b=1)), [False, True, True])
    assert found == {("a/1.jpg", "b/0.jpg", False)}


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    """Notes and hidden folders that a file manager leaves were counted as failures to acquire."""
    folders(tmp_path, a=1)
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "0.jpg").write_bytes(b"x")
    (tmp_path / "readme.jpg").write_bytes(b"x")
    assert trials.read(tmp_path).pictures == ["a/0.jpg"]


def test_pairs_are_those_of_the_file_alone(tmp_path: Path) -> None:
    folders(tmp_path, a=2, b=1)
    pairs_file(tmp_path, "same,reference,probe\n1,a/0.jpg,a/1.jpg\nfalse, a/0.jpg , ./b/0.jpg\n")
    assert listed(trials.read(tmp_path)) == {("a/0.jpg", "a/1.jpg", True), ("a/0.jpg", "b/0.jpg", False)}


def test_one_picture_under_two_spellings_is_enrolled_once(tmp_path: Path) -> None:
    folders(tmp_path, a=2)
    pairs_file(tmp_path, "reference,probe,same\na/0.jpg,a/1.jpg,1\na/../a/0.jpg,a/1.jpg,0\n")
    assert trials.read(tmp_path).pictures == ["a/0.jpg", "a/1.jpg"]


def test_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """A byte order mark made the first column's name another one."""
    folders(tmp_path, a=2)
    (tmp_path / "pairs.csv").write_bytes(b"\xef\xbb\xbfreference,probe,same\r\na/0.jpg,a/1.jpg,1\r\n")
    assert len(listed(trials.read(tmp_path))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "reference,probe\na/0.jpg,a/1.jpg\n",
        "reference,probe,same\na/0.jpg,a/1.jpg,perhaps\n",
        "reference,probe,same\na/0.jpg,a/1.jpg\n",
        "reference,probe,same\na/0.jpg,a/9.jpg,1\n",
        "reference,probe,same\na/0.jpg,../outside.jpg,1\n",
        "reference,probe,same\na/0.jpg,,1\n",
        "reference,probe,same\n",
        "",
    ],
)
def test_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    """A report over half of the pairs, or over a picture outside."""
    (tmp_path / "outside.jpg").write_bytes(b"x")
    inside = tmp_path / "set"
    inside.mkdir()
    with pytest.raises(UnableToRead):
        trials.read(pairs_file(folders(inside, a=2), text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(b"reference,probe,same\n\xff\xff,x,1\n")
    with pytest.raises(UnableToRead):
        trials.read(tmp_path)


def test_empty_or_missing_directory_is_refused(tmp_path: Path) -> None:
    """Rates of nothing."""
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnableToRead):
            trials.read(directory)


def test_no_comparison_is_lost_between_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one block ended and the next began, pairs were left out or taken twice."""
    monkeypatch.setattr(trials, "ROWS", 3)
    monkeypatch.setattr(trials, "PROBES", 4)
    names = [f"{person}/{number}.jpg" for person in range(5) for number in range(3)]
    found = Trials(names, [place // 3 for place in range(15)])
    pairs = listed(found, [place != 7 for place in range(15)])
    usable = [name for place, name in enumerate(names) if place != 7]
    assert pairs == {(a, b, a[0] == b[0]) for place, a in enumerate(usable) for b in usable[place + 1 :]}
    acquired = np.array([place != 7 for place in range(15)])
    assert found.number_of_blocks(acquired) == len(list(found.blocks(acquired)))


def test_who_enrols_is_a_person_or_with_pairs_a_reference(tmp_path: Path) -> None:
    """A person with one bad picture of two was counted as one who could not enrol; so was a probe."""
    folders(tmp_path, a=2, b=1)
    assert trials.read(tmp_path).subjects() == [[0, 1], [2]]
    pairs_file(tmp_path, "reference,probe,same\na/0.jpg,a/1.jpg,1\na/0.jpg,b/0.jpg,0\nb/0.jpg,a/1.jpg,0\n")
    assert trials.read(tmp_path).subjects() == [[0], [2]]


def test_people_stand_in_folders_of_groups(tmp_path: Path) -> None:
    """Two people of one group were taken for one person."""
    for group in ("x", "y"):
        (tmp_path / group).mkdir()
        folders(tmp_path / group, a=1, b=1)
    found = trials.read(tmp_path, by_group=True)
    assert found.pictures == ["x/a/0.jpg", "x/b/0.jpg", "y/a/0.jpg", "y/b/0.jpg"]
    assert found.people == [0, 1, 2, 3]

"""Who belongs to which group."""

from pathlib import Path

import pytest

from idp.biometrics.engine.evaluation import groups
from idp.biometrics.engine.evaluation.groups import NONE
from idp.biometrics.engine.evaluation.trials import Trials, UnableToRead

TRIALS = Trials(["a/0.jpg", "a/1.jpg", "b/0.jpg", "c/0.jpg"], [0, 0, 1, 2])


def named(tmp_path: Path, text: str) -> list[str | None]:
    (tmp_path / "groups.csv").write_text(text)
    found = groups.read(tmp_path, TRIALS)
    return [None if place == NONE else found.names[place] for place in found.of]


def test_all_pictures_of_a_person_are_in_the_persons_group(tmp_path: Path) -> None:
    assert named(tmp_path, "person,group\nb,old\na,young\n") == ["young", "young", "old", None]


def test_folders_are_the_groups_when_that_is_asked_for(tmp_path: Path) -> None:
    found = groups.read(tmp_path, Trials(["x/a/0.jpg", "y/a/0.jpg"], [0, 1]), by_group=True)
    assert (list(found.names), found.of.tolist()) == (["x", "y"], [0, 1])


def test_no_file_is_no_group(tmp_path: Path) -> None:
    found = groups.read(tmp_path, TRIALS)
    assert not found.names and found.of.tolist() == [NONE] * 4


@pytest.mark.parametrize(
    "text",
    [
        "person,group\na,young\na,old\n",
        "person,group\nnobody,old\n",
        "person,group\na,\n",
        "person\na\n",
        "",
    ],
)
def test_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    """A mistyped name left a person out of the group whose rate is reported."""
    with pytest.raises(UnableToRead):
        named(tmp_path, text)


def test_a_group_for_each_person_is_refused(tmp_path: Path) -> None:
    """A column that holds something else would take the memory of a thousand tallies."""
    many = Trials([f"{n}/0.jpg" for n in range(65)], list(range(65)))
    (tmp_path / "groups.csv").write_text("person,group\n" + "".join(f"{n},{n}\n" for n in range(65)))
    with pytest.raises(UnableToRead, match="65 groups"):
        groups.read(tmp_path, many)

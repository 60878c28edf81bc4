"""Groups of people whose error rates are held side by side: ``groups.csv``, or folders of groups.

``groups.csv`` has the columns ``person,group``; a person is the folder (the first part of a picture's path).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.evaluation.trials import Trials, UnableToRead, rows

FILE: Final = "groups.csv"
COLUMNS: Final = ("person", "group")
MOST: Final = 64  # each takes 4 MB to count its scores
NONE: Final = -1


@dataclass(frozen=True)
class Groups:
    """``of``: for each picture the place of its group in ``names``, `NONE` where it has none; int64 (pictures,)."""

    names: Sequence[str]
    of: NDArray[np.int64]


def read(directory: Path, trials: Trials, *, by_group: bool = False) -> Groups:
    """The groups of the pictures of ``trials``: the folders with ``by_group``, else those of ``groups.csv``, or none.

    Raises `UnableToRead` for a file that cannot be meant: somebody in two groups, or who is not there.
    """
    folders = [name.split("/")[0] for name in trials.pictures]
    if by_group:
        return _named({folder: folder for folder in folders}, folders)
    if not (directory / FILE).is_file():
        return Groups((), np.full(len(folders), NONE))
    people = set(folders)
    known: dict[str, str] = {}
    for line, row in rows(directory / FILE, COLUMNS):
        person, group = (row["person"] or "").strip(), (row["group"] or "").strip()
        if person not in people or not group or known.setdefault(person, group) != group:
            raise UnableToRead(f"{FILE}, line {line}: {person!r} is no folder with pictures, or is in two groups")
    return _named(known, folders)


def _named(known: dict[str, str], folders: Sequence[str]) -> Groups:
    names = sorted(set(known.values()))
    if len(names) > MOST:
        raise UnableToRead(f"there are {len(names)} groups, more than {MOST}")
    places = {name: place for place, name in enumerate(names)}
    return Groups(names, np.array([places.get(known.get(folder, ""), NONE) for folder in folders], dtype=np.int64))

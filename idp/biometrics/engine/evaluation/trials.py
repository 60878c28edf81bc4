"""Who is compared with whom: a directory of folders by person, or a list of pairs.

Folders: each holds pictures of one person; every two pictures are compared, of one person (genuine) and of two
(impostor). Pairs: a file ``pairs.csv`` with the columns ``reference,probe,same``, paths relative to the directory.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
PAIRS: Final = "pairs.csv"
COLUMNS: Final = ("reference", "probe", "same")
YES, NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})

Rows = NDArray[np.intp]  # places in `Trials.pictures`


class UnableToRead(RuntimeError):
    """The directory is not one that can be evaluated; the text says what is wrong with it."""


@dataclass(frozen=True)
class Block:
    """Comparisons of one picture with others: ``same`` says of which it is the same person, bool (n,)."""

    reference: int
    probes: Rows
    same: NDArray[np.bool_]


@dataclass(frozen=True)
class Trials:
    """``pictures`` are paths below the directory, in order; ``people`` the number of the person in each, if known."""

    pictures: Sequence[str]
    people: Sequence[int] | None
    pairs: Sequence[tuple[int, int, bool]] = ()

    def blocks(self, acquired: NDArray[np.bool_]) -> Iterator[Block]:
        """The comparisons of which both pictures were ``acquired``, bool (pictures,); each pair once."""
        if self.people is None:
            yield from self._listed(acquired)
            return
        people, usable = np.asarray(self.people), np.flatnonzero(acquired)
        for place, reference in enumerate(usable):
            probes = usable[place + 1 :]
            if probes.size:
                yield Block(int(reference), probes, people[probes] == people[reference])

    def _listed(self, acquired: NDArray[np.bool_]) -> Iterator[Block]:
        by_reference: dict[int, list[tuple[int, bool]]] = {}
        for reference, probe, same in self.pairs:
            if acquired[reference] and acquired[probe]:
                by_reference.setdefault(reference, []).append((probe, same))
        for reference, found in by_reference.items():
            probes = np.array([probe for probe, _ in found], dtype=np.intp)
            yield Block(reference, probes, np.array([same for _, same in found], dtype=np.bool_))


def read(directory: Path) -> Trials:
    """What ``directory`` asks to compare, by its ``pairs.csv`` if there is one. Raises `UnableToRead`."""
    if not directory.is_dir():
        raise UnableToRead(f"{directory} is no directory")
    trials = _of_pairs(directory) if (directory / PAIRS).is_file() else _of_folders(directory)
    if not trials.pictures:
        raise UnableToRead(f"{directory} has neither {PAIRS} nor folders with pictures")
    return trials


def _of_folders(directory: Path) -> Trials:
    pictures: list[str] = []
    people: list[int] = []
    folders = sorted(folder for folder in directory.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    for number, folder in enumerate(folders):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                pictures.append(path.relative_to(directory).as_posix())
                people.append(number)
    return Trials(pictures, people)


def _of_pairs(directory: Path) -> Trials:
    places: dict[str, int] = {}
    pairs = []
    try:
        with (directory / PAIRS).open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise UnableToRead(f"{PAIRS} has not the columns {','.join(COLUMNS)}")
            for row in rows:
                same = _is_same(row, rows.line_num)
                reference, probe = (
                    places.setdefault(_inside(directory, row[name], rows.line_num), len(places))
                    for name in ("reference", "probe")
                )
                pairs.append((reference, probe, same))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnableToRead(f"{PAIRS} cannot be read: {error}") from error
    return Trials(list(places), None, pairs)


def _is_same(row: Mapping[str, str | None], line: int) -> bool:
    said = (row["same"] or "").strip().lower()
    if said not in YES | NO:
        raise UnableToRead(f"{PAIRS}, line {line}: same is {said!r}, not 1 or 0")
    return said in YES


def _inside(directory: Path, name: str | None, line: int) -> str:
    """``name`` as a path below ``directory``: one picture has one spelling."""
    path = (directory / (name or "").strip()).resolve()
    if not name or not path.is_relative_to(directory.resolve()) or not path.is_file():
        raise UnableToRead(f"{PAIRS}, line {line}: {name!r} is no picture below the directory")
    return path.relative_to(directory.resolve()).as_posix()

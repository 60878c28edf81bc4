"""Who is compared with whom: a directory of folders by person, or a list of pairs.

Folders: each holds pictures of one person; every two pictures are compared, of one person (genuine) and of two
(impostor). Pairs: a file ``pairs.csv`` with the columns ``reference,probe,same``, paths relative to the directory.
Groups of people, to be held side by side, come from `groups`.
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
ROWS, PROBES = 256, 4096  # of a block: a million scores are 8 MB

Places = NDArray[np.intp]  # in `Trials.pictures`
Mask = NDArray[np.bool_]


class UnableToRead(RuntimeError):
    """The directory is not one that can be evaluated; the text says what is wrong with it."""


@dataclass(frozen=True)
class Block:
    """Comparisons of each of ``references`` (r,) with each of ``probes`` (p,).

    ``same``, bool (r, p), says of which it is the same person; ``counted``, bool (r, p), which of them are asked for.
    """

    references: Places
    probes: Places
    same: Mask
    counted: Mask


@dataclass(frozen=True)
class Trials:
    """``pictures`` are paths below the directory, in order; ``people`` the number of the person in each, if known."""

    pictures: Sequence[str]
    people: Sequence[int] | None
    pairs: Sequence[tuple[int, int, bool]] = ()

    def subjects(self) -> list[list[int]]:
        """Pictures by whom they would enrol: those of each person, or with pairs each reference by itself."""
        if self.people is None:
            return [[place] for place in sorted({reference for reference, _, _ in self.pairs})]
        found: dict[int, list[int]] = {}
        for place, person in enumerate(self.people):
            found.setdefault(person, []).append(place)
        return list(found.values())

    def blocks(self, acquired: Mask) -> Iterator[Block]:
        """The comparisons of which both pictures were ``acquired``, bool (pictures,); each pair once."""
        if self.people is None:
            yield from self._listed(acquired)
            return
        people, usable = np.asarray(self.people), np.flatnonzero(acquired)
        for row in range(0, usable.size, ROWS):
            references = usable[row : row + ROWS]
            for column in range(row, usable.size, PROBES):
                probes = usable[column : column + PROBES]
                same = people[references][:, None] == people[probes][None, :]
                yield Block(references, probes, same, references[:, None] < probes[None, :])

    def number_of_blocks(self, acquired: Mask) -> int:
        """How many `blocks` there will be, about: some lists of pairs have fewer."""
        if self.people is None:
            return len(self.subjects())
        usable = int(np.count_nonzero(acquired))
        return sum(-(-(usable - row) // PROBES) for row in range(0, usable, ROWS))

    def _listed(self, acquired: Mask) -> Iterator[Block]:
        by_reference: dict[int, list[tuple[int, bool]]] = {}
        for reference, probe, same in self.pairs:
            if acquired[reference] and acquired[probe]:
                by_reference.setdefault(reference, []).append((probe, same))
        for reference, found in by_reference.items():
            probes = np.array([probe for probe, _ in found], dtype=np.intp)
            alike = np.array([[same for _, same in found]], dtype=np.bool_)
            yield Block(np.array([reference]), probes, alike, np.ones_like(alike))


def read(directory: Path, *, by_group: bool = False) -> Trials:
    """What ``directory`` asks to compare, by its ``pairs.csv`` if there is one. Raises `UnableToRead`.

    With ``by_group`` folders of people stand in folders of groups.
    """
    if not directory.is_dir():
        raise UnableToRead(f"{directory} is no directory")
    trials = _of_pairs(directory) if (directory / PAIRS).is_file() else _of_folders(directory, by_group=by_group)
    if not trials.pictures:
        raise UnableToRead(f"{directory} has neither {PAIRS} nor folders with pictures")
    return trials


def _of_folders(directory: Path, *, by_group: bool) -> Trials:
    pictures: list[str] = []
    people: list[int] = []
    folders = _folders(directory)
    if by_group:
        folders = [person for group in folders for person in _folders(group)]
    for number, folder in enumerate(folders):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                pictures.append(path.relative_to(directory).as_posix())
                people.append(number)
    return Trials(pictures, people)


def _folders(directory: Path) -> list[Path]:
    return sorted(folder for folder in directory.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _of_pairs(directory: Path) -> Trials:
    places: dict[str, int] = {}
    pairs = []
    for line, row in rows(directory / PAIRS, COLUMNS):
        same = _is_same(row, line)
        reference, probe = (
            places.setdefault(_inside(directory, row[name], line), len(places)) for name in ("reference", "probe")
        )
        pairs.append((reference, probe, same))
    return Trials(list(places), None, pairs)


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """The lines of a CSV file that has these ``columns`` at least, with their numbers. Raises `UnableToRead`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = csv.DictReader(file, skipinitialspace=True)
            if not set(columns) <= set(found.fieldnames or ()):
                raise UnableToRead(f"{path.name} has not the columns {','.join(columns)}")
            for row in found:
                yield found.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnableToRead(f"{path.name} cannot be read: {error}") from error


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

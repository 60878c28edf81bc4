"""One figure: what it is called, its rows and its plot; the same rows on the page and in the file."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from idp.office.dashboards.periods import Period

Cell = str | int | float | None
NOTHING = "—"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of one


@dataclass(frozen=True)
class Figure:
    """``rows`` have a cell for each of ``columns``; those after the first ``words`` are numbers.

    ``note`` says what is counted and how exact it is. ``plot`` is None where there is nothing to be drawn.
    """

    name: str  # in addresses
    title: str
    note: str
    columns: tuple[str, ...]
    words: int
    rows: tuple[tuple[Cell, ...], ...]
    plot: SafeString | None = None

    @property
    def table(self) -> list[tuple[list[str], list[str]]]:
        """Each row's words and its numbers, as the page shows them."""
        shown = [[_shown(cell) for cell in row] for row in self.rows]
        return [(row[: self.words], row[self.words :]) for row in shown]

    @property
    def headings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.columns[: self.words], self.columns[self.words :]

    def file(self) -> bytes:
        """As CSV (RFC 4180) in UTF-8 with a byte order mark, by which spreadsheets know it."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([_harmless(name) for name in self.columns])
        writer.writerows([["" if cell is None else _harmless(cell) for cell in row] for row in self.rows])
        return out.getvalue().encode("utf-8-sig")


@dataclass(frozen=True)
class Dashboard:
    """One page of figures, for officers with ``permission``. ``figures`` makes them for a period, now.

    One that is not ``timed`` tells how things are now, whatever the period.
    """

    name: str
    title: Any
    about: Any
    permission: str
    figures: Callable[[Period, int], list[Figure]]
    timed: bool = True


def share(part: float, whole: float) -> float | None:
    """Per cent, to one digit; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def _shown(cell: Cell) -> str:
    return NOTHING if cell is None else str(cell)


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

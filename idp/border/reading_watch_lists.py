"""Document numbers out of an officer's file: a number a line, CSV with a column, or JSON lines. No number is repeated
in what is said of a bad line."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from idp.protocol import strict_json
from idp.protocol.refusals import Refusal
from idp.protocol.watch_list import bare

COLUMN = "document_number"
MAX_NUMBER = 24  # letters and digits; the longest document number has 18
SHOWN = 20  # bad lines that are named


class UnableToRead(Exception):
    """A file of which some lines are no document numbers; ``places`` names the first of them."""

    def __init__(self, places: list[str]) -> None:
        super().__init__("\n".join(places))
        self.places = places


def read(path: Path, form: str | None = None) -> Iterator[str]:
    """The numbers in ``path``; ``form`` is one of `FORMS`, by the file's ending where it is None.

    Raises `UnableToRead` at the end when any line was bad, `OSError` and `UnicodeDecodeError`.
    """
    bad: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, number in FORMS[form or ENDINGS.get(path.suffix.lower(), "plain")](file):
            said = _wrong(number)
            if said is None:
                yield str(number)
            elif len(bad) < SHOWN:
                bad.append(f"{path.name}:{line}: {said}")
    if bad:
        raise UnableToRead(bad)


def _wrong(number: str | None) -> str | None:
    if number is None:
        return f"there is no {COLUMN}"
    found = bare(number)
    if not found or not found.isascii() or not number.isprintable():
        return "not letters and digits"
    return None if len(found) <= MAX_NUMBER else f"more than {MAX_NUMBER} letters and digits"


Line = tuple[int, str | None]  # its place, and the number on it; None where there is none


def _plain(file: TextIO) -> Iterator[Line]:
    """Empty lines, and lines that begin with #, are passed over."""
    for line, text in enumerate(file, start=1):
        if text.strip() and not text.startswith("#"):
            yield line, text.strip()


def _csv(file: TextIO) -> Iterator[Line]:
    rows = csv.DictReader(file)
    if COLUMN not in (rows.fieldnames or ()):
        yield 1, None
        return
    for row in rows:
        yield rows.line_num, row[COLUMN]


def _json_lines(file: TextIO) -> Iterator[Line]:
    for line, text in enumerate(file, start=1):
        if text.strip():
            yield line, _member(text)


def _member(text: str) -> str | None:
    try:
        value: Mapping[str, object] = strict_json.loads_object(text, max_bytes=65_536)
    except Refusal:
        return None
    found = value.get(COLUMN)
    return found if isinstance(found, str) else None


FORMS: Mapping[str, Callable[[TextIO], Iterator[Line]]] = {"plain": _plain, "csv": _csv, "jsonl": _json_lines}
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

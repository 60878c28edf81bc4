"""What an evaluation has found so far: a template or a failure for each picture that was looked at, never a picture.

It lies in one SQLite file, so that an evaluation that was killed goes on where it was. A picture is known by its
SHA-256 and the engine by its model and version: whatever else has changed is looked at again. The templates are faces:
the directory is for its owner only, and is deleted when the evaluation has ended, unless it is to be kept.
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from idp.biometrics.engine.templates import Template

FILE: Final = "seen.sqlite3"
OURS: Final = (FILE, f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal")
TABLE: Final = """
CREATE TABLE IF NOT EXISTS seen (
  picture TEXT NOT NULL, engine TEXT NOT NULL, model TEXT, profile TEXT, data BLOB, failure TEXT,
  PRIMARY KEY (picture, engine)
) WITHOUT ROWID
"""


class UnableToKeep(RuntimeError):
    """The work directory cannot be used; the text says why."""


@dataclass(frozen=True)
class Seen:
    """What a picture gave: a template, or why none."""

    template: Template | None
    failure: str = ""


class Work:
    """Found results of one engine, in ``directory`` or, without one, in memory. To be used in a ``with``."""

    def __init__(self, directory: Path | None, *, engine: str, keep: bool = False) -> None:
        """``engine`` names model and version. Raises `UnableToKeep`."""
        self._directory, self._engine, self._keep = directory, engine, keep
        try:
            if directory is not None:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                directory.chmod(0o700)
            self._file = sqlite3.connect(":memory:" if directory is None else directory / FILE, isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")  # a process that is killed loses no line that it wrote
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(TABLE)
        except (OSError, sqlite3.Error) as error:
            raise UnableToKeep(f"{directory} cannot be used: {error}") from error

    def known(self, picture: str) -> Seen | None:
        """What was found for the picture with this SHA-256, if it was looked at with this engine."""
        query = "SELECT model, profile, data, failure FROM seen WHERE picture = ? AND engine = ?"
        row = self._file.execute(query, (picture, self._engine)).fetchone()
        if row is None:
            return None
        model, profile, data, failure = row
        return Seen(None, failure) if data is None else Seen(Template(model, profile, data))

    def keep(self, picture: str, seen: Seen) -> None:
        """Remember ``seen`` for the picture with this SHA-256."""
        one = seen.template
        values = (one.model, one.profile, one.data, None) if one is not None else (None, None, None, seen.failure)
        self._file.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", (picture, self._engine, *values))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._directory is None or self._keep or kind is not None:  # to be taken up again
            return
        for name in OURS:
            (self._directory / name).unlink(missing_ok=True)
        with suppress(OSError):  # something of another's lies there
            self._directory.rmdir()

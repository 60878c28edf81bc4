"""What a lane remembers, in one SQLite file: tokens admitted, attempts, nonces, the journal, the bundle.

Every write is on the disk before it returns (``synchronous=FULL``). A disk that fails raises `Unavailable`, and the
gate refers; nothing is admitted that is not recorded.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idp.protocol import journal, strict_json
from idp.protocol.refusals import Unavailable

KEEP_ADMITTED = 2 * 86_400  # seconds; a token lives 24 h at most
_SCHEMA = """
CREATE TABLE IF NOT EXISTS admitted (iss TEXT, jti TEXT, at INTEGER NOT NULL, PRIMARY KEY (iss, jti)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (iss TEXT, jti TEXT, count INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (iss, jti)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nonces (nonce BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class AlreadyAdmitted(Exception):
    """Another presentation of the same token was first, between its examination and now."""


class Store:
    """The lane's file; safe to use from several threads and processes."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()  # one connection: a lane has one traveller at a time
        self._open: sqlite3.Connection | None = None
        with self._transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)

    # The ledger that the gate's steps read (`idp.protocol.gate_decisions.Ledger`).

    def admitted(self, iss: str, jti: str) -> bool:
        """Whether this token was admitted here before."""
        return self._one("SELECT 1 FROM admitted WHERE iss = ? AND jti = ?", iss, jti) is not None

    def attempts(self, iss: str, jti: str) -> int:
        """How often it was presented without being admitted."""
        row = self._one("SELECT count FROM attempts WHERE iss = ? AND jti = ?", iss, jti)
        return int(row[0]) if row else 0

    def spend_nonce(self, nonce: bytes) -> bool:
        """True the first time only."""
        with self._transaction() as connection:
            return (
                connection.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (nonce, self._clock())).rowcount == 1
            )

    def last_entry_at(self) -> int:
        """When the last journal entry was made; 0 for none."""
        row = self._one("SELECT at FROM journal ORDER BY seq DESC LIMIT 1")
        return int(row[0]) if row else 0

    # What a decision leaves behind.

    def admit(self, fields: Mapping[str, Any]) -> journal.Entry:
        """Consume the token and write the entry, in one transaction, before the door is released."""
        with self._transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO admitted VALUES (?, ?, ?)", (fields["iss"], fields["jti"], fields["at"])
                )
            except sqlite3.IntegrityError as error:
                raise AlreadyAdmitted from error
            return _append(connection, fields)

    def note(self, fields: Mapping[str, Any]) -> journal.Entry:
        """Write the entry of a traveller who was not admitted, and count the attempt."""
        with self._transaction() as connection:
            if fields["jti"]:
                connection.execute(
                    "INSERT INTO attempts VALUES (?, ?, 1, ?) ON CONFLICT (iss, jti) DO UPDATE SET count = count + 1",
                    (fields["iss"], fields["jti"], fields["at"]),
                )
            return _append(connection, fields)

    # The journal on its way to the node.

    def pending(self, limit: int = journal.MAX_ENTRIES) -> list[journal.Entry]:
        """The oldest entries that the node has not confirmed."""
        after = int(self.kept("uploaded") or "0")
        rows = self._all("SELECT entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
        return [journal.parse_entry(strict_json.loads(row[0])) for row in rows]

    def uploaded(self, seq: int) -> None:
        """The node has everything up to ``seq``."""
        self.keep("uploaded", str(seq))

    def purge(self, *, now: int) -> None:
        """Forget tokens that have been dead for a day. The journal stays."""
        with self._transaction() as connection:
            for table in ("admitted", "attempts", "nonces"):
                connection.execute(f"DELETE FROM {table} WHERE at < ?", (now - KEEP_ADMITTED,))  # noqa: S608  ours

    # Single values: the bundle, its tag and serial.

    def keep(self, name: str, value: str) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO kept VALUES (?, ?) ON CONFLICT DO UPDATE SET value = ?", (name, value, value)
            )

    def keep_bundle(self, text: str, tag: str, serial: int) -> None:
        """Store a verified bundle with its serial, together; a lower serial never replaces a higher one."""
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM kept WHERE name = 'serial'").fetchone()
            if row is not None and int(row[0]) > serial:
                return
            for name, value in (("bundle", text), ("tag", tag), ("serial", str(serial))):
                connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))

    def kept(self, name: str) -> str | None:
        row = self._one("SELECT value FROM kept WHERE name = ?", name)
        return str(row[0]) if row else None

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _one(self, statement: str, *values: object) -> Any:
        with self._lock, _disk():
            return self._connection().execute(statement, values).fetchone()

    def _all(self, statement: str, *values: object) -> list[Any]:
        with self._lock, _disk():
            return self._connection().execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _disk():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _connection(self) -> sqlite3.Connection:
        if not self._path.parent.is_dir():
            raise Unavailable("the lane's disk is gone")
        if self._open is None:
            self._open = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = FULL")
        return self._open


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"storage: {type(error).__name__}") from error


def _append(connection: sqlite3.Connection, fields: Mapping[str, Any]) -> journal.Entry:
    row = connection.execute("SELECT entry FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    previous = journal.parse_entry(strict_json.loads(row[0])) if row else None
    entry = journal.append(previous, fields)
    text = strict_json.dumps(entry.wire()).decode()
    connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (entry.seq, entry.at, text))
    return entry

"""What a lane remembers, in one SQLite file: tokens admitted, entries used, attempts, nonces, the journal, the bundle.

Every write is on the disk before it returns (``synchronous=FULL``). A disk that fails raises `Unavailable`, and the
gate refers; nothing is admitted that is not recorded. A file that disappears or is replaced under a running lane is not
made anew: an empty one would have forgotten whom it admitted.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idp.checkpoint.config import sync_directory
from idp.protocol import journal, strict_json, travel_rules
from idp.protocol.refusals import Unavailable
from idp.protocol.reservations import Reservation, as_remembered, entry_left
from idp.protocol.travel_rules import Endorsement
from idp.protocol.watch_list import EMPTY, WatchList

KEEP_ADMITTED = 2 * 86_400  # seconds; a token lives 24 h at most
KEEP_ENTRIES = 8 * 86_400  # seconds; a natural week, and time for a receipt to reach an issuer that was down
DECLINED = 1_000  # attempts: a token that an officer declined goes to an officer whenever it is shown again
WAIT = 5.0  # seconds for another process's transaction
_SCHEMA = """
CREATE TABLE IF NOT EXISTS admitted (iss TEXT, jti TEXT, at INTEGER NOT NULL, PRIMARY KEY (iss, jti)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (iss TEXT, sub TEXT, kind TEXT, destination TEXT, valid_from TEXT, valid_to TEXT,
  remaining INTEGER, at INTEGER NOT NULL,
  PRIMARY KEY (iss, sub, kind, destination, valid_from, valid_to)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (iss TEXT, jti TEXT, count INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (iss, jti)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nonces (nonce BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, latest INTEGER NOT NULL, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS badges (jti TEXT PRIMARY KEY, session TEXT UNIQUE, badge TEXT NOT NULL, at INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID
"""


_SAME = "iss = ? AND sub = ? AND kind = ? AND destination = ? AND valid_from = ? AND valid_to = ?"


class AlreadyAdmitted(Exception):
    """Another presentation of the same token was first, between its examination and now."""


class EntryUsed(Exception):
    """Another token under the same endorsement was first, and it allows no further entry."""


class Store:
    """The lane's file; safe to use from several threads and processes.

    ``create`` False: the lane has worked before, and `Unavailable` is raised where its file is not there. ``rollback``:
    at a joint gate, where a transaction spans two files, which SQLite makes atomic with rollback journals only
    (`idp.checkpoint.joint_store`).
    """

    def __init__(self, path: Path, clock: Callable[[], int], *, create: bool = True, rollback: bool = False) -> None:
        self.path = path
        self._clock = clock
        self._rollback = rollback
        self.lock = threading.RLock()  # one connection: a lane has one traveller at a time
        self._open: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode of what is open
        self._last: tuple[int, journal.Entry, int] | None = None  # data_version, last entry, latest time
        with disk():
            if create and not path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same mode
                sync_directory(path.parent)
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

    def admitted_subject(self, iss: str, sub: str, since: int) -> bool:
        """Whether the journal says that this issuer's ``sub`` was let through at ``since`` or later."""
        with self.lock, disk():
            newest_first = self.connect().execute("SELECT latest, entry FROM journal ORDER BY seq DESC")
            for latest, text in newest_first:
                if latest < since:
                    break
                entry = strict_json.loads_object(text)
                if (
                    (entry["iss"], entry["sub"]) == (iss, sub)
                    and entry["decision"] in journal.PASSED
                    and entry["at"] >= since
                ):
                    return True
        return False

    def entries_used(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        """How many entries of its ``entries_left`` were used up here since, in any token that says as many."""
        found = self._entries(Reservation(iss, sub, endorsement))
        if found is None or found[0] is None or endorsement.entries_left is None:
            return 0
        return max(0, endorsement.entries_left - int(found[0]))

    def entered_at(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        """When this lane last let somebody through under it; 0 for never."""
        found = self._entries(Reservation(iss, sub, endorsement))
        return int(found[1]) if found else 0

    def spend_nonce(self, nonce: bytes) -> bool:
        """True the first time only."""
        with self._transaction() as connection:
            spent = connection.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (nonce, self._clock()))
            return spent.rowcount == 1

    def last_entry_at(self) -> int:
        """The latest time in the journal; 0 for none.

        Not the last entry's: that one may say that the clock had gone back, and must not make it trusted again.
        """
        row = self._one("SELECT latest FROM journal ORDER BY seq DESC LIMIT 1")
        return int(row[0]) if row else 0

    # What a decision leaves behind.

    def admit(self, fields: Mapping[str, Any], reservation: Reservation | None = None) -> journal.Entry:
        """Consume the token and its entry and write the journal, in one transaction, before the door is released.

        Raises `AlreadyAdmitted`, `EntryUsed`, `Unavailable`, or `Refusal` for fields that no entry can hold. What an
        officer releases may use more entries than there are: both sides' books will show it.
        """
        with self._transaction() as connection:
            return self.consume(connection, fields, reservation)

    def consume(
        self,
        connection: sqlite3.Connection,
        fields: Mapping[str, Any],
        reservation: Reservation | None,
        schema: str = "main",
    ) -> journal.Entry:
        """`admit` in a transaction of the caller's, on a connection to which this file is ``schema``."""
        try:
            connection.execute(
                f"INSERT INTO {schema}.admitted VALUES (?, ?, ?)",  # noqa: S608  our own names
                (fields["iss"], fields["jti"], fields["at"]),
            )
        except sqlite3.IntegrityError as error:
            raise AlreadyAdmitted from error
        if reservation is not None:
            today = travel_rules.local_date(fields["at"])
            found = as_remembered(reservation, self)
            if fields["decision"] == "admit" and not entry_left(found, today):
                raise EntryUsed
            left = None if found.entries_left is None else max(0, found.entries_left - 1)
            connection.execute(
                f"INSERT OR REPLACE INTO {schema}.entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  our own names
                (*reservation.key, left, fields["at"]),
            )
        return self._append(connection, fields, schema)

    def note(self, fields: Mapping[str, Any]) -> journal.Entry:
        """Write the entry of a traveller who was not admitted, and count the attempt. Raises as `admit`."""
        count = DECLINED if fields["decision"] == "decline" else 1
        with self._transaction() as connection:
            if fields["jti"]:
                connection.execute(
                    "INSERT INTO attempts VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (iss, jti) DO UPDATE SET count = count + excluded.count",
                    (fields["iss"], fields["jti"], count, fields["at"]),
                )
            return self._append(connection, fields)

    # Officers' badges: each is handed over once, into a session that outlives the process.

    def take_badge(self, jti: str, *, session: str, badge: str) -> bool:
        """Begin ``session`` (the digest of its secret) with the badge; False where it was handed over before."""
        with self._transaction() as connection:
            taken = connection.execute(
                "INSERT OR IGNORE INTO badges VALUES (?, ?, ?, ?)", (jti, session, badge, self._clock())
            )
            return taken.rowcount == 1

    def badge_of(self, session: str) -> str | None:
        """The badge with which ``session`` began, until it ends."""
        row = self._one("SELECT badge FROM badges WHERE session = ?", session)
        return str(row[0]) if row else None

    def end_session(self, session: str) -> None:
        """The officer has left; the badge stays spent."""
        with self._transaction() as connection:
            connection.execute("UPDATE badges SET session = NULL WHERE session = ?", (session,))

    # The journal on its way to the node.

    def pending(self, limit: int = journal.MAX_ENTRIES) -> list[journal.Entry]:
        """The oldest entries that the node has not confirmed."""
        after = int(self.kept("uploaded") or "0")
        rows = self._all("SELECT entry FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
        return [journal.parse_entry(strict_json.loads(row[0])) for row in rows]

    def uploaded(self, seq: int) -> None:
        """The node has everything up to ``seq``."""
        self.keep("uploaded", str(seq))

    def purge(self) -> None:
        """Forget tokens that have been dead for a day, and entries that their issuers have counted; the journal stays.

        By the journal's time and not the clock's: one that runs ahead for a moment must not make the lane forget.
        """
        latest = self.last_entry_at()
        kept = {"admitted": KEEP_ADMITTED, "attempts": KEEP_ADMITTED, "nonces": KEEP_ADMITTED, "badges": KEEP_ADMITTED}
        kept["entries"] = KEEP_ENTRIES
        with self._transaction() as connection:
            for table, seconds in kept.items():
                connection.execute(f"DELETE FROM {table} WHERE at < ?", (latest - seconds,))  # noqa: S608  our own names

    # Single values: the bundle, its tag and serial.

    def keep(self, name: str, value: str) -> None:
        """Remember ``value`` under ``name``, in place of what was there."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))

    def keep_bundle(self, text: str, tag: str, serial: int, *, trust: str = "", watch: WatchList = EMPTY) -> None:
        """Store a verified bundle with its serial, watch list and what `idp.checkpoint.trust` keeps of it, together.

        A lower serial never replaces a higher one. The list is written only where it is another than the stored one:
        with many numbers it is most of what there is to write.
        """
        with self._transaction() as connection:
            row = connection.execute("SELECT value FROM kept WHERE name = 'serial'").fetchone()
            if row is not None and int(row[0]) > serial:
                return
            parts = {"bundle": text, "tag": tag, "serial": str(serial), "trust": trust}
            row = connection.execute("SELECT value FROM kept WHERE name = 'watchlist_sha256'").fetchone()
            if row is None or row[0] != watch.digest:
                parts |= {"watchlist": strict_json.b64encode(watch.content), "watchlist_sha256": watch.digest}
            connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", parts.items())

    def kept(self, name: str) -> str | None:
        """What is remembered under ``name``."""
        row = self._one("SELECT value FROM kept WHERE name = ?", name)
        return str(row[0]) if row else None

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self.lock:
            if self._open is not None:
                self._open.close()
            self._open = self._file = self._last = None

    def _entries(self, reservation: Reservation) -> Any:
        return self._one(f"SELECT remaining, at FROM entries WHERE {_SAME}", *reservation.key)  # noqa: S608  ours

    def _append(self, connection: sqlite3.Connection, fields: Mapping[str, Any], schema: str = "main") -> journal.Entry:
        version = int(connection.execute("PRAGMA data_version").fetchone()[0])  # changes with others' commits only
        if self._last is None or self._last[0] != version or connection is not self._open:
            self._last = _last_entry(connection, version, schema)
        _, previous, latest = self._last or (version, None, 0)
        entry = journal.append(previous, fields)
        latest = max(latest, entry.at)
        text = strict_json.dumps(entry.wire()).decode()
        connection.execute(f"INSERT INTO {schema}.journal VALUES (?, ?, ?)", (entry.seq, latest, text))  # noqa: S608
        # Dropped again where the transaction fails; of another connection the version says nothing.
        self._last = (version, entry, latest) if connection is self._open else None
        return entry

    def _one(self, statement: str, *values: object) -> Any:
        with self.lock, disk():
            return self.connect().execute(statement, values).fetchone()

    def _all(self, statement: str, *values: object) -> list[Any]:
        with self.lock, disk():
            return self.connect().execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self.lock, disk():
            connection = self.connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._last = None
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def connect(self) -> sqlite3.Connection:
        """The lane's own connection; raises `Unavailable`, OSError or sqlite3.Error where the file is not as before."""
        found = self.path.stat()  # raises OSError when the file or its directory is gone
        if self._open is not None and self._file != (found.st_dev, found.st_ino):
            self.close()
            raise Unavailable("the lane's file is another than before")
        if self._open is None:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",  # never made here
                uri=True,
                timeout=WAIT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                durable(connection, "main", rollback=self._rollback)
            except BaseException:
                connection.close()
                raise
            self._open, self._file = connection, (found.st_dev, found.st_ino)
        return self._open


def durable(connection: sqlite3.Connection, schema: str, *, rollback: bool) -> None:
    """Have what is committed survive a loss of power: for a rollback journal its deletion must, too (EXTRA)."""
    mode, level = ("DELETE", "EXTRA") if rollback else ("WAL", "FULL")
    connection.execute(f"PRAGMA {schema}.journal_mode = {mode}")
    connection.execute(f"PRAGMA {schema}.synchronous = {level}")


@contextmanager
def disk() -> Iterator[None]:
    """What a disk does wrong is `Unavailable`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"storage: {type(error).__name__}") from error


def _last_entry(connection: sqlite3.Connection, version: int, schema: str) -> tuple[int, journal.Entry, int] | None:
    last = f"SELECT entry, latest FROM {schema}.journal ORDER BY seq DESC LIMIT 1"  # noqa: S608  our own names
    row = connection.execute(last).fetchone()
    return (version, journal.parse_entry(strict_json.loads(row[0])), int(row[1])) if row else None

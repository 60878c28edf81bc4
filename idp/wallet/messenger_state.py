"""What the messenger remembers: which device keys are its phones', and which proofs it has seen. SQLite."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from idp.wallet.keys import private_directory

MAX_PHONES = 100_000  # registration is open in this reference; a messenger with accounts counts by account
SIGNATURES_PER_MINUTE = 30  # for one phone; a crossing needs two

_SCHEMA = """
CREATE TABLE IF NOT EXISTS phone (jkt TEXT PRIMARY KEY, registered_at INTEGER NOT NULL, revoked_at INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS proof (
    jkt TEXT NOT NULL, jti TEXT NOT NULL, at INTEGER NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (jkt, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS proof_by_time ON proof (forget_at);
"""


class MessengerState:
    """Phones and spent proofs, in one file of mode 0600; safe for threads and processes."""

    def __init__(self, directory: Path) -> None:
        self._path = private_directory(directory) / "messenger.sqlite3"
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def register(self, jkt: str, *, now: int) -> bool:
        """Take a device key as a phone's; false for a key that was revoked, or when there is no room."""
        with self._open() as connection:
            (count,) = connection.execute("SELECT count(*) FROM phone").fetchone()
            if count < MAX_PHONES:
                connection.execute("INSERT OR IGNORE INTO phone VALUES (?, ?, NULL)", (jkt, now))
            return self._known(connection, jkt)

    def knows(self, jkt: str) -> bool:
        """Whether the key is a registered phone's that was not revoked."""
        with self._open() as connection:
            return self._known(connection, jkt)

    def revoke(self, jkt: str, *, now: int) -> bool:
        """Sign nothing for this phone from now on; false when there is no such phone."""
        with self._open() as connection:
            return connection.execute("UPDATE phone SET revoked_at = ? WHERE jkt = ?", (now, jkt)).rowcount == 1

    def spend(self, jkt: str, jti: str, *, forget_at: int, now: int) -> bool:
        """Use a proof up, in one statement; false when it was used before."""
        with self._open() as connection:
            connection.execute("DELETE FROM proof WHERE forget_at < ?", (now,))
            done = connection.execute("INSERT OR IGNORE INTO proof VALUES (?, ?, ?, ?)", (jkt, jti, now, forget_at))
            return done.rowcount == 1

    def is_busy(self, jkt: str, *, now: int) -> bool:
        """Whether this phone has asked more often in the last minute than any phone needs to."""
        with self._open() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM proof WHERE jkt = ? AND at > ?", (jkt, now - 60)
            ).fetchone()
            return int(count) > SIGNATURES_PER_MINUTE

    @staticmethod
    def _known(connection: sqlite3.Connection, jkt: str) -> bool:
        return (
            connection.execute("SELECT 1 FROM phone WHERE jkt = ? AND revoked_at IS NULL", (jkt,)).fetchone()
            is not None
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")  # a proof that was spent stays spent after a power cut
            yield connection

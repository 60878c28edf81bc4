"""Two lanes' files at one gate: both admissions are written, or neither (docs/decisions).

One SQLite transaction over both files. It is atomic also when power fails between them, with rollback journals: the
super-journal that names both is the one thing whose deletion commits (https://www.sqlite.org/atomiccommit.html, 5).
With a write-ahead log it would not be, so a joint gate's files have none, and one that somebody changed is not used.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from idp.checkpoint.store import WAIT, Store, disk, durable
from idp.protocol import journal
from idp.protocol.joint import SIDES, Side
from idp.protocol.refusals import Unavailable
from idp.protocol.reservations import Reservation

Admission = tuple[Mapping[str, Any], Reservation | None]  # the entry's fields, and what it uses up
_SCHEMA: Mapping[Side, str] = {"exit": "main", "entry": "entry"}


class Unwritten(Exception):
    """Neither admission was written. ``side`` is the one whose file or memory stood against it, with ``cause`` as
    `Store.admit` raises it; None where nobody can tell (the commit itself failed)."""

    def __init__(self, side: Side | None, cause: Exception) -> None:
        super().__init__(f"{side or 'the commit'}: {cause}")
        self.side, self.cause = side, cause


def admit_both(stores: Mapping[Side, Store], admissions: Mapping[Side, Admission]) -> dict[Side, journal.Entry]:
    """Consume both tokens and write both journals, durably, before the door is released. Raises `Unwritten`."""
    with stores["exit"].lock, stores["entry"].lock:
        for side in SIDES:
            _tried(side, lambda side=side: _ready(stores[side]))
        try:
            with disk(), closing(_open(stores)) as connection:
                connection.execute("BEGIN IMMEDIATE")  # on both files
                try:
                    written = {
                        side: _tried(
                            side,
                            lambda side=side: stores[side].consume(connection, *admissions[side], _SCHEMA[side]),
                        )
                        for side in SIDES
                    }
                    _require_rollback_journals(connection)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
                return written
        except Unavailable as error:
            raise Unwritten(None, error) from error


def _ready(store: Store) -> None:
    """That the file is the one that it was. A write-ahead log goes when nobody has it open, ourselves included."""
    if store.connect().execute("PRAGMA journal_mode").fetchone()[0] != "delete":
        store.close()
        store.connect()


def _open(stores: Mapping[Side, Store]) -> sqlite3.Connection:
    paths = {side: f"{stores[side].path.absolute().as_uri()}?mode=rw" for side in SIDES}
    connection = sqlite3.connect(paths["exit"], uri=True, timeout=WAIT, isolation_level=None)
    connection.execute("ATTACH ? AS entry", (paths["entry"],))
    for schema in _SCHEMA.values():
        durable(connection, schema, rollback=True)
    return connection


def _require_rollback_journals(connection: sqlite3.Connection) -> None:
    """Within the transaction, in which nobody can change them."""
    for schema in _SCHEMA.values():
        if connection.execute(f"PRAGMA {schema}.journal_mode").fetchone()[0] != "delete":
            raise Unavailable("a joint gate's file has a write-ahead log")


def _tried(side: Side, act: Any) -> Any:
    try:
        with disk():
            return act()
    except Exception as error:
        raise Unwritten(side, error) from error

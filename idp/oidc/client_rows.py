"""A client's row by one plain statement: every machine's request reads it, and the ORM costs more than the database.

Or by none: a worker remembers rows for a request that ends in a statement which sees whether the row still stands, and
does nothing if it does not (`Held`; docs/decisions/0017).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from idp import prepared
from idp.oidc.models import Client
from idp.plain_rows import Columns

_CLIENT = Columns(Client, "c")
_MARK = "c.xmin::text || c.ctid::text"  # which transaction wrote the row, and where: any change makes it another
_READ = f"SELECT {_CLIENT.sql} FROM {_CLIENT.table} WHERE client_id = $1"  # noqa: S608  constants
_READ_MARKED = f"SELECT {_CLIENT.sql}, {_MARK} FROM {_CLIENT.table} WHERE client_id = $1"  # noqa: S608  constants
_STILL = f"SELECT 1 FROM {_CLIENT.table} WHERE id = $1 AND {_MARK} = $2"  # noqa: S608  constants
MEMORY, MAX_AGE = 1024, 60  # rows; seconds, after which one is read again in any case


class Version(NamedTuple):
    """One version of one row, as PostgreSQL knows it. As a condition: `standing`."""

    pk: int
    mark: str


class Outdated(Exception):
    """The row that was remembered is not the client's any more: ask again, with a new one."""


class _Remembered(NamedTuple):
    client: Client
    version: Version
    read_at: int


_memory: dict[str, _Remembered] = {}


class Held:
    """The row that one request goes by. Nobody writes to it: other requests may have the same.

    Whatever comes of the request counts only if `version` stands at its end, by `standing` or `confirm`. Without
    PostgreSQL every row is read anew, and there is nothing to confirm.
    """

    def __init__(self, *, now: int) -> None:
        self.version: Version | None = None
        self._now, self._client_id = now, ""

    def find(self, client_id: str) -> Client | None:
        """Like `find`."""
        known = _memory.get(client_id)
        if known is not None and 0 <= self._now - known.read_at < MAX_AGE:
            self.version, self._client_id = known.version, client_id
            return known.client
        found = _found(client_id)
        if found is None:
            return None
        client, version = found
        if version is not None:
            if len(_memory) >= MEMORY:
                _memory.clear()
            _memory[client_id] = _Remembered(client, version, self._now)
        return client

    def confirm(self) -> None:
        """Raises `Outdated` unless the row stands; for a request that is refused by what the row says."""
        version = self.version
        if version is not None and not prepared.on_trial(lambda: prepared.run(_STILL, version)):
            self.forget()
            raise Outdated

    def forget(self) -> None:
        """The row was found not to stand."""
        _memory.pop(self._client_id, None)


def standing(pk: str, mark: str) -> str:
    """The condition that a `Version` stands, whose two values have these places in the statement."""
    return f"EXISTS (SELECT 1 FROM {_CLIENT.table} WHERE id = {pk} AND {_MARK} = {mark})"  # noqa: S608  constants


def find(client_id: str) -> Client | None:
    """The client of that identifier, as the ORM would give it. Any text may be asked for."""
    found = _found(client_id)
    return found[0] if found is not None else None


def _found(client_id: str) -> tuple[Client, Version | None] | None:
    if not client_id.isprintable():  # PostgreSQL takes no null character
        return None
    row = prepared.on_trial(lambda: _read(client_id))  # often the first statement of a request
    if row is None:
        return None
    client = _CLIENT.read(row)
    return client, Version(client.pk, row[-1]) if len(row) > len(_CLIENT) else None


def _read(client_id: str) -> Sequence[Any] | None:
    statement = _READ_MARKED if connection.vendor == "postgresql" else _READ
    found = prepared.rows(statement, [client_id])
    return found[0] if found else None

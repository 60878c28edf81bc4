"""A client's row by one plain statement: every machine's request reads it, and the ORM costs more than the database.

Or by none: a worker remembers rows for a request that ends in a statement which sees whether the row still stands, and
does nothing if it does not (`Held`; docs/decisions/0017).
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection, models

from idp import prepared
from idp.oidc.models import Client

_FIELDS = Client._meta.concrete_fields
_NAMES = [field.attname for field in _FIELDS]
_JSON = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.JSONField)]
_BOOLEAN = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.BooleanField)]
_INTEGER = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.IntegerField)]
_COLUMNS = ", ".join(field.column for field in _FIELDS)
_READ = f"SELECT {_COLUMNS} FROM {Client._meta.db_table} WHERE client_id = %s"  # noqa: S608  constants
_MARK = "xmin::text || ctid::text"  # which transaction wrote the row, and where: any change makes it another
_PREPARED = f"SELECT {_COLUMNS}, {_MARK} FROM {Client._meta.db_table} WHERE client_id = $1"  # noqa: S608  constants
_STILL = f"SELECT 1 FROM {Client._meta.db_table} WHERE id = $1 AND {_MARK} = $2"  # noqa: S608  constants
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
    return f"EXISTS (SELECT 1 FROM {Client._meta.db_table} WHERE id = {pk} AND {_MARK} = {mark})"  # noqa: S608  constants


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
    values = list(row[: len(_FIELDS)])
    for place in _JSON:
        if values[place] is not None:
            values[place] = json.loads(values[place])
    for place in _BOOLEAN:
        values[place] = values[place] in (1, "t")  # SQLite has numbers, PostgreSQL's text has letters
    client = Client.from_db(connection.alias, _NAMES, values)
    return client, Version(client.pk, row[-1]) if len(row) > len(_FIELDS) else None


def _read(client_id: str) -> Sequence[Any] | None:
    if connection.vendor == "postgresql":
        return _read_prepared(client_id)
    with connection.cursor() as cursor:
        cursor.execute(_READ, [client_id])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _read_prepared(client_id: str) -> list[Any] | None:
    rows = prepared.run(_PREPARED, [client_id])
    if not rows:
        return None
    values: list[Any] = list(rows[0])
    for place in _INTEGER:
        if values[place] is not None:
            values[place] = int(values[place])
    return values

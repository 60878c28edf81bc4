"""A client's row by one plain statement: every machine's request reads it, and the ORM costs more than the database."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from idp.oidc import prepared
from idp.oidc.models import Client

_FIELDS = Client._meta.concrete_fields
_NAMES = [field.attname for field in _FIELDS]
_JSON = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.JSONField)]
_BOOLEAN = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.BooleanField)]
_INTEGER = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.IntegerField)]
_COLUMNS = ", ".join(field.column for field in _FIELDS)
_READ = f"SELECT {_COLUMNS} FROM {Client._meta.db_table} WHERE client_id = %s"  # noqa: S608  constants
_PREPARED = _READ.replace("%s", "$1")


def find(client_id: str) -> Client | None:
    """The client of that identifier, as the ORM would give it. Any text may be asked for."""
    if not client_id.isprintable():  # PostgreSQL takes no null character
        return None
    row = prepared.on_trial(lambda: _read(client_id))  # often the first statement of a request
    if row is None:
        return None
    values = list(row)
    for place in _JSON:
        if values[place] is not None:
            values[place] = json.loads(values[place])
    for place in _BOOLEAN:
        values[place] = values[place] in (1, "t")  # SQLite has numbers, PostgreSQL's text has letters
    return Client.from_db(connection.alias, _NAMES, values)


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

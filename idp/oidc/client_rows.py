"""A client's row by one plain statement: every machine's request reads it, and the ORM costs more than the database."""

import json
from typing import Any

from django.db import InterfaceError, OperationalError, connection, models

from idp.oidc.models import Client

_FIELDS = Client._meta.concrete_fields
_NAMES = [field.attname for field in _FIELDS]
_JSON = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.JSONField)]
_BOOLEAN = [place for place, field in enumerate(_FIELDS) if isinstance(field, models.BooleanField)]
_READ = (
    f"SELECT {', '.join(field.column for field in _FIELDS)} FROM {Client._meta.db_table} "  # noqa: S608  constants
    "WHERE client_id = %s"
)


def find(client_id: str) -> Client | None:
    """The client of that identifier, as the ORM would give it. Any text may be asked for."""
    if not client_id.isprintable():  # PostgreSQL takes no null character
        return None
    row = _row(client_id)
    if row is None:
        return None
    values = list(row)
    for place in _JSON:
        if values[place] is not None:
            values[place] = json.loads(values[place])
    for place in _BOOLEAN:
        values[place] = bool(values[place])  # SQLite has numbers
    return Client.from_db(connection.alias, _NAMES, values)


def _row(client_id: str) -> tuple[Any, ...] | None:
    """Often the first statement of a request, so it is its own trial of the connection: Django would send another one.

    It is repeated once on a new connection, unless a transaction went with the old one.
    """
    if connection.in_atomic_block:
        return _read(client_id)
    tried, connection.health_check_done = connection.health_check_done, True
    try:
        return _read(client_id)
    except (OperationalError, InterfaceError):
        if tried:
            raise
        connection.close()
        return _read(client_id)


def _read(client_id: str) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [client_id])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row

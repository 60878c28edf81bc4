"""Rows of models by a statement that is written once, when a module is imported.

The ORM writes its statement anew each time, which takes longer than the database needs to answer it. So what every
machine's request reads and stores goes this way; everything else by the ORM.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

from idp import prepared

Model = TypeVar("Model", bound=models.Model)
Reader = Callable[[Any], Any]  # from PostgreSQL's text, or what SQLite has; never from NULL


class Columns(Generic[Model]):
    """The columns of ``model`` in a statement where its table is called ``alias``; all of them or those of ``names``.

    What is left out is fetched by the ORM when somebody asks for it. `sql` is the list for a SELECT.
    """

    def __init__(self, model: type[Model], alias: str, names: Sequence[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not names or field.name in names]
        self._model, self._names = model, [field.attname for field in fields]
        self._readers = [_reader(field) for field in fields]
        self.table = f"{model._meta.db_table} {alias}"
        self.sql = ", ".join(f"{alias}.{field.column}" for field in fields)
        self._written = [field for field in fields if not isinstance(field, models.AutoField)]
        self._insert = _insert(model, [field.column for field in self._written])

    def __len__(self) -> int:
        return len(self._names)

    def read(self, values: Sequence[Any]) -> Model:
        """The instance that the ORM would make of ``values``, of which these columns are the first."""
        pairs = zip(self._readers, values, strict=False)
        read = [value if reader is None or value is None else reader(value) for reader, value in pairs]
        return self._model.from_db(DEFAULT_DB_ALIAS, self._names, read)

    def insert(self, row: Model) -> None:
        """Store ``row``, which is new, as `save` would. Raises `django.db.DatabaseError`."""
        values = [_written(field, getattr(row, field.attname)) for field in self._written]
        key, reader = self._model._meta.pk.attname, _reader(self._model._meta.pk)
        found = prepared.rows(self._insert, values)[0][0]
        setattr(row, key, found if reader is None else reader(found))
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def insert_new(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[str | int | None]]) -> int:
    """Store ``rows``, the values of the fields ``names`` in each, by one statement; how many were stored.

    The other fields have their defaults. What a unique constraint refuses is left out; where another transaction is
    about to store the same, this waits for its end. The rows travel as one JSON text: driver and database read hundreds
    of them faster than as many parameters. Raises `django.db.DatabaseError`.
    """
    if not rows:
        return 0
    named = [model._meta.get_field(name) for name in names]
    others = [field for field in model._meta.concrete_fields if field not in named and not field.primary_key]
    fields, defaults = [*named, *others], [_written(field, field.get_default()) for field in others]
    if connection.vendor == "postgresql":
        places = ", ".join(f"(r ->> {place})::{field.db_type(connection)}" for place, field in enumerate(fields))
        source = f"SELECT {places} FROM json_array_elements(%s) r"  # noqa: S608  constants
    else:
        places = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(fields)))
        source = f"SELECT {places} FROM json_each(%s) WHERE true"  # noqa: S608  or ON would begin a join
    columns = ", ".join(field.column for field in fields)
    statement = f"INSERT INTO {model._meta.db_table} ({columns}) {source} ON CONFLICT DO NOTHING"
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps([[*row, *defaults] for row in rows])])
        return int(cursor.rowcount)


def _insert(model: type[models.Model], columns: Sequence[str]) -> str:
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    table, key = model._meta.db_table, model._meta.pk.column
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) RETURNING {key}"  # noqa: S608  constants


def _written(field: Any, value: Any) -> prepared.Value:
    """What PostgreSQL and SQLite both understand."""
    if value is not None and isinstance(field, models.JSONField):
        return json.dumps(value)
    return value.hex if isinstance(value, uuid.UUID) else value


def _reader(field: Any) -> Reader | None:
    if isinstance(field, models.ForeignKey):
        return _reader(field.target_field)
    for kind, reader in _READERS:
        if isinstance(field, kind):
            return reader
    raise RuntimeError(f"a column of a kind that is not read yet: {field}")


def _octets(value: Any) -> bytes:
    return (
        value if isinstance(value, bytes) else bytes.fromhex(value.removeprefix("\\x"))
    )  # PostgreSQL's text is in hex


def _boolean(value: Any) -> bool:
    return value in (1, "t")  # SQLite has numbers, PostgreSQL's text has letters


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)  # PostgreSQL's text is ISO 8601


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)  # SQLite keeps UTC and does not say so


_READERS: tuple[tuple[Any, Reader | None], ...] = (
    (models.JSONField, json.loads),
    (models.BooleanField, _boolean),
    (models.IntegerField, int),
    (models.UUIDField, uuid.UUID),
    (models.CharField, None),
    (models.DateTimeField, _moment),  # before its parent
    (models.DateField, _day),
    (models.BinaryField, _octets),
)

"""A statement for PostgreSQL that is prepared once on each connection and sent without a cursor.

For what every machine's request sends: there a cursor costs the worker more than the statement costs the network
(docs/decisions/0017).
"""

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DataError, InterfaceError, OperationalError, connections
from psycopg import Connection, errors, pq

Result = TypeVar("Result")
Value = str | int | None

_PLACE = re.compile(r"\$\d+")
_AGAIN = ("26000", "0A000")  # forgotten by a pooler in between, or planned for a table that has changed since

_numbers = count()
_names: WeakKeyDictionary[Connection[Any], dict[str, bytes]] = WeakKeyDictionary()


def run(statement: str, values: Sequence[Value]) -> list[tuple[str | None, ...]]:
    """The rows of ``statement``, whose places are $1, $2 …; each value as PostgreSQL writes it, None for NULL.

    Outside a transaction it is committed when this returns. Raises `django.db.DatabaseError`.
    """
    return _sent(this_threads(), statement, values)


def rows(statement: str, values: Sequence[Value]) -> Sequence[Sequence[Any]]:
    """Like `run`, and with a cursor where the database is no PostgreSQL: there each value has the database's own type.

    Each place stands once in ``statement``, in the order of ``values``.
    """
    database = this_threads()
    if database.vendor == "postgresql":
        return _sent(database, statement, values)
    with database.cursor() as cursor:
        cursor.execute(_PLACE.sub("%s", statement), values)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
    return found


def on_trial(statement: Callable[[], Result]) -> Result:
    """What ``statement`` gives; it is its own trial of the connection, for which Django would send another one.

    It is sent once more on a new connection, unless a transaction went with the old one: so it must be a statement that
    does no harm when it is sent twice.
    """
    database = this_threads()
    if database.in_atomic_block:
        return statement()
    tried, database.health_check_done = database.health_check_done, True
    try:
        return statement()
    except (OperationalError, InterfaceError):
        if tried:
            raise
        database.close()
        return statement()


def this_threads() -> Any:
    """This thread's database: what `django.db.connection` stands for, which looks for it at each use."""
    return connections[DEFAULT_DB_ALIAS]


def _sent(database: Any, statement: str, values: Sequence[Value]) -> list[tuple[str | None, ...]]:
    database.ensure_connection()
    parameters = [_parameter(value) for value in values]
    connection = database.connection
    with database.wrap_database_errors:
        if database.in_atomic_block:
            _begin(connection)
        return _run(connection, statement, parameters)


def _parameter(value: Value) -> bytes | None:
    if value is None:
        return None
    text = str(value)
    if "\x00" in text:  # PostgreSQL's library would end the text there
        raise DataError("a null character in a value")
    return text.encode()


def _begin(connection: Connection[Any]) -> None:
    """The transaction that Django has promised: the driver begins it with a cursor's first statement, of its own."""
    if connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return
    if connection.isolation_level is None:
        begun = connection.pgconn.exec_(b"BEGIN")
        if begun.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(begun)
    else:
        connection.execute("SELECT 1")


def _run(connection: Connection[Any], statement: str, parameters: list[bytes | None]) -> list[tuple[str | None, ...]]:
    names = _names.setdefault(connection, {})
    if known := statement in names:
        result = connection.pgconn.exec_prepared(names[statement], parameters)
        known = result.status == pq.ExecStatus.TUPLES_OK or _sqlstate(result) not in _AGAIN
    if not known:
        name = b"machine_%d" % next(_numbers)
        made = connection.pgconn.prepare(name, statement.encode())
        if made.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(made)
        names[statement] = name
        result = connection.pgconn.exec_prepared(name, parameters)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    columns = range(result.nfields)
    return [tuple(_text(result.get_value(row, column)) for column in columns) for row in range(result.ntuples)]


def _sqlstate(result: Any) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()

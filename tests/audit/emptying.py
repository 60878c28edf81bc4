"""A sealed record lets nobody delete, and a browser's test has to: on SQLite the triggers stand aside meanwhile."""

from django.db import connection

_TABLES = ("audit_sealedevent", "audit_treehead", "audit_treenode", "audit_auditevent")
_FOUND = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%_no_delete'"


def empty() -> None:
    """Delete the record; PostgreSQL truncates without being told."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(_FOUND)
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  constants
        for _, sql in triggers:
            cursor.execute(sql)

"""One count at a time."""

from django.db import connection

_LOCK = 0x686F757273  # "hours"


def alone() -> None:
    """Until the caller's transaction ends nobody else counts. On SQLite nobody else writes at all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])

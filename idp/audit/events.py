"""Recording what was done, in the transaction that does it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction

from idp import clock
from idp.audit.models import AuditEvent
from idp.plain_rows import Columns

MAX_DEPTH = 8  # deeper data is a document, and documents are not for the audit
# For a statement that writes more than the event: its start, and `Event` has the values in this order.
INSERT = f"INSERT INTO {AuditEvent._meta.db_table} (kind, actor, subject, data, at)"

_EVENTS = Columns(AuditEvent, "e")


class Event(NamedTuple):
    """An event that is still to be inserted, checked; ``data`` is JSON text."""

    kind: str
    actor: str
    subject: str
    data: str
    at: int


def record(*, kind: str, actor: str, subject: str = "", data: Mapping[str, Any] | None = None) -> AuditEvent:
    """Insert one event into the caller's transaction; it is sealed into the tree within a second of its commit.

    ``kind`` is "room.what_happened"; ``actor`` and ``subject`` are identifiers of ours. ``data`` holds strings,
    integers, booleans, None, lists and mappings of these (a float has no one spelling), and never personal data.
    Raises RuntimeError outside a transaction and for data that cannot be hashed.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an audit event belongs into the transaction of what it records")
    event = AuditEvent(kind=kind, actor=actor, subject=subject, data=_plain(dict(data or {}), depth=0), at=clock.now())
    _EVENTS.insert(event)
    return event


def prepared(*, kind: str, actor: str, subject: str = "", data: Mapping[str, Any] | None = None) -> Event:
    """The event as `record` would insert it, for a statement that does more in the same transaction."""
    return Event(kind, actor, subject, json.dumps(_plain(dict(data or {}), depth=0)), clock.now())


def _plain(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise RuntimeError("audit data is nested too deeply")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, depth=depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _plain(item, depth=depth + 1) for name, item in value.items()}
    raise RuntimeError(f"audit data cannot hold a {type(value).__name__}")

"""Searches of the audit, the newest event first: by index and by key, however long the record is.

Words are looked for in what an event says, event by event: a page looks at `SCANNED` of them at most and says where to
look on. To index every word of a record that is written for each border token would cost more than it is asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from idp.audit.models import AuditEvent
from idp.border import paging
from idp.protocol import strict_json

ORDER = ("at", "id")
SCANNED = 5000  # events that one page looks at for words
_CHUNK = 500


@dataclass(frozen=True)
class Wanted:
    """What is looked for; ``since`` ≤ at < ``until`` in seconds since 1970. What is empty is not asked for."""

    kind: str = ""
    actor: str = ""
    subject: str = ""
    since: int | None = None
    until: int | None = None
    words: str = ""


def rows(wanted: Wanted) -> QuerySet[AuditEvent]:
    """The events but for the words."""
    same = {name: getattr(wanted, name) for name in ("kind", "actor", "subject") if getattr(wanted, name)}
    found = AuditEvent.objects.filter(**same).select_related("sealed")
    found = found if wanted.since is None else found.filter(at__gte=wanted.since)
    return found if wanted.until is None else found.filter(at__lt=wanted.until)


def page(wanted: Wanted, *, after: str) -> paging.Page:
    """A page of events behind the cursor ``after``. Raises `Refusal` (malformed) for a cursor that is none.

    With words it may be empty and have a cursor all the same: as far as was looked.
    """
    if not wanted.words:
        return paging.page(rows(wanted), order=ORDER, after=after, limit=paging.LIMIT)
    found: list[AuditEvent] = []
    for _ in range(SCANNED // _CHUNK):
        chunk = paging.page(rows(wanted), order=ORDER, after=after, limit=_CHUNK)
        found += [event for event in chunk.rows if says(event, wanted.words)]
        after = chunk.after or ""
        if not after or len(found) >= paging.LIMIT:
            break
    return paging.Page(found, after or None)


def every(wanted: Wanted, *, below: int) -> Iterator[AuditEvent]:
    """The sealed events of the whole search in the order of the tree, with leaves before ``below``."""
    sealed = rows(wanted).filter(sealed__index__lt=below).order_by("sealed__index")
    for event in sealed.iterator(chunk_size=_CHUNK):
        if not wanted.words or says(event, wanted.words):
            yield event


def says(event: AuditEvent, words: str) -> bool:
    """Whether each of ``words`` is part of what the event says, in whatever case."""
    facts = [event.kind, event.actor, event.subject, event.data]
    text = strict_json.dumps(facts).decode().casefold()
    return all(word in text for word in words.casefold().split())

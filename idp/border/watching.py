"""The watch list: document numbers that an officer must see, kept and sent to the gates as keyed hashes only."""

from django.db import IntegrityError, transaction

from idp.audit import events
from idp.border.models import WatchlistEntry
from idp.border.policy import watch_key
from idp.protocol.watch_list import watch_hash


def watch(*, document_number: str, officer: str, now: int) -> WatchlistEntry:
    """Put a number on the list; the same number again changes nothing. The audit has the hash, never the number."""
    number_hash = watch_hash(watch_key(), document_number).hex()
    try:
        with transaction.atomic():
            entry = WatchlistEntry.objects.create(number_hash=number_hash, added_at=now, added_by=officer)
            events.record(kind="watchlist.added", actor=officer, subject=number_hash)
    except IntegrityError:
        return WatchlistEntry.objects.get(number_hash=number_hash)
    return entry


@transaction.atomic
def unwatch(*, document_number: str, officer: str) -> bool:
    """Take a number off the list; whether it was there."""
    number_hash = watch_hash(watch_key(), document_number).hex()
    gone, _ = WatchlistEntry.objects.filter(number_hash=number_hash).delete()
    if gone:
        events.record(kind="watchlist.removed", actor=officer, subject=number_hash)
    return bool(gone)

"""The watch list: document numbers that an officer must see, kept and sent to the gates as keyed hashes only.

The rows are the list; `PackedWatchlist` is what the gates get of it, made anew with every change, in its transaction.
"""

from collections.abc import Iterable

from django.db import transaction

from idp.audit import events
from idp.border.models import PackedWatchlist, WatchlistEntry
from idp.border.policy import watch_key
from idp.protocol.watch_list import MAX_HASHES, WatchList, pack, watch_hash

BATCH = 500  # rows of a statement


class UnableToWatch(Exception):
    """A change that the list cannot hold."""


@transaction.atomic
def watch(*, document_number: str, officer: str, now: int) -> WatchlistEntry:
    """Put a number on the list; the same number again changes nothing. The audit has the hash, never the number.

    Raises `UnableToWatch` for a list that is full.
    """
    packed, found = _locked(now), watch_hash(watch_key(), document_number)
    entry, made = WatchlistEntry.objects.get_or_create(
        number_hash=found.hex(), defaults={"added_at": now, "added_by": officer}
    )
    if made:
        _pack(packed, WatchList(bytes(packed.content)).with_hash(found), now=now)
        events.record(kind="watchlist.added", actor=officer, subject=entry.number_hash)
    return entry


@transaction.atomic
def unwatch(*, document_number: str, officer: str, now: int) -> bool:
    """Take a number off the list; whether it was there."""
    packed = _locked(now)
    number_hash = watch_hash(watch_key(), document_number).hex()
    gone, _ = WatchlistEntry.objects.filter(number_hash=number_hash).delete()
    if gone:
        _pack(packed, _rows(), now=now)
        events.record(kind="watchlist.removed", actor=officer, subject=number_hash)
    return bool(gone)


@transaction.atomic
def take(*, numbers: Iterable[str], replace: bool, officer: str, now: int) -> tuple[int, int]:
    """Add ``numbers``, or make the list these and no others; how many came on and went off.

    The same again changes nothing and leaves no event. One event else, with counts and the packed list's digest. Raises
    `UnableToWatch` for more than a gate takes, and whatever ``numbers`` raises; nothing is changed then.
    """
    packed, key = _locked(now), watch_key()
    wanted = {watch_hash(key, number).hex() for number in numbers}
    before = set(WatchlistEntry.objects.values_list("number_hash", flat=True))
    added, removed = wanted - before, before - wanted if replace else set()
    gone = sorted(removed)
    for start in range(0, len(gone), BATCH):
        WatchlistEntry.objects.filter(number_hash__in=gone[start : start + BATCH]).delete()
    rows = [WatchlistEntry(number_hash=found, added_at=now, added_by=officer) for found in sorted(added)]
    WatchlistEntry.objects.bulk_create(rows, batch_size=BATCH)
    if added or removed:
        _pack(packed, pack(map(bytes.fromhex, (before | added) - removed)), now=now)
        data = {"added": len(added), "removed": len(removed), "count": packed.count, "digest": packed.sha256}
        events.record(kind="watchlist.imported", actor=officer, data=data)
    return len(added), len(removed)


def in_force(*, now: int) -> PackedWatchlist:
    """The packed list without its content, which is read when it is asked for."""
    found = PackedWatchlist.objects.defer("content").filter(pk=PackedWatchlist.ONLY).first()
    if found is None:
        with transaction.atomic():
            found = _locked(now)
    return found


def _locked(now: int) -> PackedWatchlist:
    """The one packed list, for this transaction's change; packed from the rows where there was none yet."""
    packed, made = PackedWatchlist.objects.select_for_update().get_or_create(pk=PackedWatchlist.ONLY)
    if made:
        _pack(packed, _rows(), now=now)
    return packed


def _rows() -> WatchList:
    rows = WatchlistEntry.objects.values_list("number_hash", flat=True)
    return pack(bytes.fromhex(found) for found in rows.iterator(chunk_size=10_000))


def _pack(packed: PackedWatchlist, listed: WatchList, *, now: int) -> None:
    if len(listed) > MAX_HASHES:
        raise UnableToWatch(f"a watch list has at most {MAX_HASHES} numbers")
    packed.content, packed.sha256, packed.count, packed.changed_at = listed.content, listed.digest, len(listed), now
    packed.save()

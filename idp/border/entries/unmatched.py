"""Exits without entry and entries without exit, listed for officers after a time that late reports have had.

Each authority finds what it can see. On tokens of its own it learns of both sides of a way, from its gates and from the
peers' receipts (`confirming` pairs them). Of a visitor it knows the issuer's pairwise name, and so that an entry and a
later exit are one visit; once a visit is whole, or listed, that name is forgotten.
"""

from collections import defaultdict

from django.db import transaction

from idp.border.entries import discrepancies
from idp.border.models import ConfirmedCrossing, Discrepancy, OutgoingReceipt
from idp.conf import authority

BATCH = 1_000  # crossings of each sort in one run of the task


def look(*, now: int) -> int:
    """List what has been without its other side for too long; how many were listed."""
    return _ways(now=now) + _visits_ended(now=now) + _visits_open(now=now)


def _ways(*, now: int) -> int:
    """On our tokens: an exit with no entry on the other side, an entry with no exit."""
    # By when this node learnt of it: what a lane hands in days late has waited for nothing yet.
    late = ConfirmedCrossing.objects.filter(waits=True, confirmed_at__lt=now - authority().unmatched_after)
    return sum(_list_way(pk, now=now) for pk in late.order_by("confirmed_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _list_way(pk: int, *, now: int) -> int:
    if not ConfirmedCrossing.objects.filter(pk=pk, waits=True).update(waits=False):
        return 0  # its other half came a moment ago
    crossing = ConfirmedCrossing.objects.select_related("token").get(pk=pk)
    kinds = {"exit": Discrepancy.Kind.EXIT_ALONE, "entry": Discrepancy.Kind.ENTRY_ALONE}
    discrepancies.note(kind=kinds[crossing.direction], crossing=crossing, beside=None, now=now)
    return 1


def _visits_ended(*, now: int) -> int:
    """Visitors' exits: each ends the visit that the same visitor began last, or began none that is known here."""
    listed, full = 0, True
    while full and listed < BATCH:
        alone, full = _end_visits(now=now)
        listed += alone
    return listed


@transaction.atomic
def _end_visits(*, now: int) -> tuple[int, bool]:
    """A batch of them; how many were listed, and whether there may be more."""
    ended = OutgoingReceipt.objects.filter(waits=True, direction="exit", at__lt=now - authority().unmatched_after)
    exits = list(ended.select_for_update(skip_locked=True).order_by("at", "pk")[:BATCH])
    begun = _begun({item.subject for item in exits})
    whole = []
    for left in exits:
        visits = begun[left.recipient, left.subject]
        last = max(
            (entry for entry in visits if entry.at <= left.at), key=lambda entry: (entry.at, entry.pk), default=None
        )
        if last is None:
            _list_visit(left, Discrepancy.Kind.VISIT_UNBEGUN, now=now)
        else:
            visits.remove(last)
            whole += [left.pk, last.pk]
    OutgoingReceipt.objects.filter(pk__in=whole).update(waits=False, subject="")
    return len(exits) - len(whole) // 2, len(exits) == BATCH


def _begun(subjects: set[str]) -> dict[tuple[str, str], list[OutgoingReceipt]]:
    """The visits that these visitors began and that no exit has ended, by issuer and visitor; of nobody unknown."""
    entries = OutgoingReceipt.objects.filter(waits=True, direction="entry", subject__in=subjects - {""})
    found: dict[tuple[str, str], list[OutgoingReceipt]] = defaultdict(list)
    for entry in entries.select_for_update().order_by("pk"):
        found[entry.recipient, entry.subject].append(entry)
    return found


def _visits_open(*, now: int) -> int:
    """Visitors' entries that no exit ended for longer than visits are."""
    longest = authority().longest_visit + authority().unmatched_after
    begun = OutgoingReceipt.objects.filter(waits=True, direction="entry", at__lt=now - longest)
    return sum(_list_open(pk, now=now) for pk in begun.order_by("at", "pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _list_open(pk: int, *, now: int) -> int:
    entered = OutgoingReceipt.objects.select_for_update().filter(pk=pk, waits=True).first()
    if entered is None:
        return 0
    _list_visit(entered, Discrepancy.Kind.VISIT_OPEN, now=now)
    return 1


def _list_visit(crossing: OutgoingReceipt, kind: str, *, now: int) -> None:
    OutgoingReceipt.objects.filter(pk=crossing.pk).update(waits=False, subject="")
    facts = {
        "jti": crossing.token_jti,
        "checkpoint": crossing.checkpoint,
        "direction": crossing.direction,
        "at": crossing.at,
    }
    discrepancies.keep(kind=kind, authority=crossing.recipient, facts=facts, beside={}, now=now)

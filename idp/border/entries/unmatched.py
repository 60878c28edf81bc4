"""Exits without entry and entries without exit, listed for officers after a time that late reports have had.

Each authority finds what it can see. On tokens of its own it learns of both sides of a way, from its gates and from the
peers' receipts (`confirming` pairs them). Of a visitor it knows the issuer's pairwise name, and so that an entry and a
later exit are one visit; once a visit is whole, or listed, that name is forgotten.
"""

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
    ended = OutgoingReceipt.objects.filter(waits=True, direction="exit", at__lt=now - authority().unmatched_after)
    return sum(_end_visit(pk, now=now) for pk in ended.order_by("at", "pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _end_visit(pk: int, *, now: int) -> int:
    left = OutgoingReceipt.objects.select_for_update().filter(pk=pk, waits=True).first()
    if left is None:
        return 0  # another worker was here
    begun = OutgoingReceipt.objects.filter(
        waits=True, direction="entry", recipient=left.recipient, subject=left.subject, at__lte=left.at
    )
    entered = begun.exclude(subject="").order_by("-at", "-pk").first()
    if entered is None:
        _list_visit(left, Discrepancy.Kind.VISIT_UNBEGUN, now=now)
        return 1
    OutgoingReceipt.objects.filter(pk__in=[left.pk, entered.pk]).update(waits=False, subject="")
    return 0


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

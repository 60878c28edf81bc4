"""What does not add up is kept for officers, once, until one of them has looked into it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp import prepared
from idp.audit import events
from idp.border.models import ConfirmedCrossing, Discrepancy

LATE = "confirmed late"  # who resolved what resolved itself
_LISTED = (
    f"SELECT id FROM {Discrepancy._meta.db_table} WHERE resolved_at IS NULL AND ("  # noqa: S608  constants
    f"kind = '{Discrepancy.Kind.EXIT_ALONE.value}' AND authority = $1 AND jti = $2 OR "
    f"kind = '{Discrepancy.Kind.ENTRY_ALONE.value}' AND authority = $3 AND jti = $4)"
)


def note(*, kind: str, crossing: ConfirmedCrossing, beside: ConfirmedCrossing | None, now: int) -> None:
    """Keep ``crossing`` with what it goes against, in the caller's transaction."""
    keep(
        kind=kind,
        authority=crossing.authority,
        facts=facts_of(crossing),
        beside=facts_of(beside) if beside is not None else {},
        now=now,
    )


def keep(*, kind: str, authority: str, facts: Mapping[str, Any], beside: Mapping[str, Any], now: int) -> None:
    """Keep a crossing's ``facts`` (jti, checkpoint, direction, at), once however often it is found."""
    _, created = Discrepancy.objects.get_or_create(
        kind=kind, authority=authority, **facts, defaults={"beside": dict(beside), "raised_at": now}
    )
    if created:
        events.record(kind=f"crossing.{kind}", actor=authority[:255], subject=str(facts["jti"])[:255])


def facts_of(crossing: ConfirmedCrossing) -> dict[str, Any]:
    """A crossing as its receipt tells it."""
    token = crossing.token
    return {"jti": token.jti, "checkpoint": token.checkpoint, "direction": crossing.direction, "at": crossing.at}


def settle(exit_: ConfirmedCrossing, entry: ConfirmedCrossing, *, now: int) -> None:
    """Each was listed as missing its other half, it may be, which has come after all."""
    values = [exit_.authority, exit_.token.jti, entry.authority, entry.token.jti]
    for (found,) in prepared.rows(_LISTED, values):  # seldom any
        _settle(int(found), now=now)


def _settle(found: int, *, now: int) -> None:
    if not Discrepancy.objects.filter(pk=found, resolved_at=None).update(resolved_at=now, resolved_by=LATE):
        return  # an officer was first
    listed = Discrepancy.objects.get(pk=found)
    events.record(kind="crossing.discrepancy_resolved", actor=listed.authority[:255], subject=listed.jti)


@transaction.atomic
def resolve(*, discrepancy: Discrepancy, officer: str, now: int) -> bool:
    """An officer has looked into it; the crossings stay as they are. False where somebody had before."""
    found = Discrepancy.objects.filter(pk=discrepancy.pk, resolved_at__isnull=True)
    if not found.update(resolved_at=now, resolved_by=officer[:150]):
        return False
    events.record(kind="crossing.discrepancy_resolved", actor=officer, subject=discrepancy.jti[:255])
    return True

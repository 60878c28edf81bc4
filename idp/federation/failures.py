"""The memory of what failed: officers see why a peer is silent and since when, and need not read a log.

A success takes the row away; one that nobody tried again for `KEPT` seconds goes by itself.
"""

from django.db.models import F

from idp.federation.failure_models import DETAIL, Failure
from idp.protocol.refusals import Refusal, Unavailable

KEPT = 30 * 86_400  # seconds after the last attempt
MAX_KEPT = 2_000  # rows; only entities that this node knows get one, and they are far fewer
UNAVAILABLE = "unavailable"

Act = Failure.Act


def keep(entity_id: str, act: Failure.Act, error: Refusal | Unavailable, *, now: int) -> None:
    """Remember that ``act`` failed at ``now``; ``since`` stays what it was at the first failure."""
    reason = error.reason.value if isinstance(error, Refusal) else UNAVAILABLE
    last = {"reason": reason, "detail": str(error)[:DETAIL], "last_at": now}
    mine = Failure.objects.filter(entity_id=entity_id, act=act, since__lte=now)
    if mine.update(**last, times=F("times") + 1) or Failure.objects.count() >= MAX_KEPT:
        return
    Failure.objects.bulk_create([Failure(entity_id=entity_id, act=act, since=now, **last)], ignore_conflicts=True)


def clear(entity_id: str, act: Failure.Act, *, only: str | None = None) -> None:
    """The act succeeded. ``only``: forget just a failure for this reason, since more is not known to be mended."""
    mine = Failure.objects.filter(entity_id=entity_id, act=act)
    (mine if only is None else mine.filter(reason=only)).delete()


def standing(*entity_ids: str) -> list[Failure]:
    """What fails now, of these entities or of all, the oldest first."""
    rows = Failure.objects.order_by("since", "entity_id", "act")
    return list(rows.filter(entity_id__in=entity_ids) if entity_ids else rows)


def purge(now: int) -> int:
    """Let go of what nobody tried again for long; how many rows."""
    return Failure.objects.filter(last_at__lte=now - KEPT).delete()[0]

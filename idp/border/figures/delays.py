"""How long a revocation takes to reach the lanes: from its time until each lane fetched the first bundle that has it.

A bundle has every revocation that was stored when it was given out. So it is enough to know when a lane fetched one for
the first time after a revocation: `note` writes that down, and nothing where nothing was revoked since its last row. A
task takes the rows once they are a minute old and counts each revocation in them once for the lane. Times are whole
seconds. What another authority revokes takes as long as its copies are old besides (`idp.federation.health`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from idp import prepared
from idp.border.figures.buckets import bucket
from idp.border.figures.turns import alone
from idp.border.models import HOUR, BundleFetch, IssuedToken, Lane, RevocationDelayHour

SETTLED = 60  # seconds after which no transaction is under way that revokes in a time before
BATCH = 2_000  # rows in one transaction
KEPT = 86_400  # seconds that rows are kept which were counted
_FETCHES, _TOKENS = BundleFetch._meta.db_table, IssuedToken._meta.db_table
_NOTE = (
    "WITH asked (lane, now, enrolled) AS (SELECT CAST($1 AS bigint), CAST($2 AS bigint), CAST($3 AS bigint)), "  # noqa: S608
    f"last (at) AS (SELECT COALESCE((SELECT at FROM {_FETCHES} WHERE lane_id = (SELECT lane FROM asked) "
    "ORDER BY since DESC LIMIT 1), (SELECT enrolled FROM asked))) "
    f"INSERT INTO {_FETCHES} (lane_id, since, at, counted) SELECT asked.lane, last.at, asked.now, false "
    "FROM asked, last WHERE last.at < asked.now AND EXISTS "
    f"(SELECT 1 FROM {_TOKENS} WHERE revoked_at > last.at AND revoked_at <= asked.now) "
    "ON CONFLICT (lane_id, since) DO NOTHING RETURNING id"
)


def note(*, lane: Lane, now: int) -> None:
    """The lane is given a bundle that it does not have yet. One statement, which writes only after a revocation."""
    prepared.rows(_NOTE, [lane.pk, now, lane.enrolled_at or 0])


def count(*, now: int) -> int:
    """Count the rows that have settled, and let go of old ones; how many were counted. Twice does no harm."""
    total = 0
    while counted := _count_some(now=now):
        total += counted
    later = BundleFetch.objects.filter(lane=OuterRef("lane"), since__gt=OuterRef("since"))
    BundleFetch.objects.filter(Exists(later), counted=True, at__lt=now - KEPT).delete()
    return total


@dataclass(frozen=True)
class Lacking:
    """A lane that lacks revocations of tokens that still live. ``heard_at``: its last fetch after a revocation."""

    lane: Lane
    heard_at: int
    tokens: int
    oldest: int  # when the first of them was revoked


def lacking(*, now: int) -> list[Lacking]:
    """The lanes that have not fetched what was revoked, those that lack it longest first."""
    revoked = IssuedToken.objects.filter(revoked_at__isnull=False, expires_at__gt=now)
    times = sorted(revoked.values_list("revoked_at", flat=True))
    last = BundleFetch.objects.filter(lane=OuterRef("pk")).order_by("-since").values("at")[:1]
    lanes = Lane.objects.filter(jwk__isnull=False, revoked_at__isnull=True, checkpoint__active=True)
    lanes = lanes.select_related("checkpoint").annotate(heard_at=Coalesce(Subquery(last), F("enrolled_at")))
    found = []
    for lane in lanes:
        place = bisect_right(times, lane.heard_at)
        if place < len(times):
            found.append(Lacking(lane, lane.heard_at, len(times) - place, times[place]))
    return sorted(found, key=lambda item: (item.oldest, str(item.lane)))


@transaction.atomic
def _count_some(*, now: int) -> int:
    alone()
    due = BundleFetch.objects.filter(counted=False, at__lte=now - SETTLED).order_by("at").select_related("lane")
    rows = list(due[:BATCH])
    if not rows:
        return 0
    revoked = _revocations(min(row.since for row in rows), max(row.at for row in rows))
    found: dict[tuple[int, int, int], int] = defaultdict(int)
    for row in rows:
        for at, tokens in _between(revoked, row.since, row.at):
            found[at - at % HOUR, row.lane.checkpoint_id, bucket(row.at - at)] += tokens
    for (hour, checkpoint, number), tokens in sorted(found.items()):
        _add(hour, checkpoint, number, tokens)
    BundleFetch.objects.filter(pk__in=[row.pk for row in rows]).update(counted=True)
    return len(rows)


def _revocations(since: int, until: int) -> Sequence[tuple[int, int]]:
    """Their times from after ``since`` to ``until``, and how many tokens each."""
    rows = IssuedToken.objects.filter(revoked_at__gt=since, revoked_at__lte=until).order_by("revoked_at")
    return list(rows.values_list("revoked_at").annotate(count=Count("pk")))


def _between(revoked: Sequence[tuple[int, int]], since: int, until: int) -> Iterable[tuple[int, int]]:
    first = bisect_right(revoked, since, key=lambda item: item[0])
    last = bisect_right(revoked, until, key=lambda item: item[0])
    return revoked[first:last]


def _add(hour: int, checkpoint: int, number: int, tokens: int) -> None:
    mine = RevocationDelayHour.objects.filter(hour=hour, checkpoint_id=checkpoint, bucket=number)
    if not mine.update(count=F("count") + tokens):
        RevocationDelayHour.objects.create(hour=hour, checkpoint_id=checkpoint, bucket=number, count=tokens)

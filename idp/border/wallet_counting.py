"""What a wallet holds of the border: phones, living tokens, and how many were issued to it on each of the last days."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, F, QuerySet, Value
from django.db.models.functions import Cast, Replace
from django.utils.timezone import get_current_timezone

from idp.accounts.models import Device
from idp.border.models import IssuedToken
from idp.oidc.models import Client, Grant

DAYS = 7
DAY = 86_400  # seconds


@dataclass(frozen=True)
class Holding:
    """Of one wallet. ``days`` are the last `DAYS`, today first, each with how many tokens were issued to it."""

    phones: int
    living: int
    days: list[tuple[datetime.date, int]]


def of(client: Client, *, now: int) -> Holding:
    """What ``client`` holds at ``now`` (seconds since 1970). Days are those of the project's time zone."""
    tokens = _of_client(IssuedToken.objects.all(), client)
    jkts = Grant.objects.filter(client=client, revoked_at=None).exclude(jkt="").values("jkt")
    return Holding(
        phones=Device.objects.filter(jkt__in=jkts, revoked_at=None).count(),
        living=tokens.filter(expires_at__gt=now, revoked_at=None).count(),
        days=list(_days(client, now=now)),
    )


def _days(client: Client, *, now: int) -> Iterator[tuple[datetime.date, int]]:
    zone = get_current_timezone()
    today = datetime.datetime.fromtimestamp(now, tz=zone).replace(hour=0, minute=0, second=0)
    begin = today - datetime.timedelta(days=DAYS - 1)
    since, offset = int(begin.timestamp()), int((begin.utcoffset() or datetime.timedelta()).total_seconds())
    recent = IssuedToken.objects.filter(pk__gte=_first(since), issued_at__gte=since)
    shifted = F("issued_at") + Value(offset)  # of a day's first second it is a whole number of days
    day = (shifted - shifted % Value(DAY)) / Value(DAY)
    rows = _of_client(recent, client).annotate(day=day).values("day").annotate(tokens=Count("pk")).order_by()
    found = {row["day"]: row["tokens"] for row in rows}
    for back in range(DAYS):
        at = today - datetime.timedelta(days=back)
        yield at.date(), found.get((int(at.timestamp()) + offset) // DAY, 0)


def _of_client(tokens: QuerySet[IssuedToken], client: Client) -> QuerySet[IssuedToken]:
    """Tokens keep their grant as text and not as a key, and databases write a UUID with dashes or without."""
    grants = Grant.objects.filter(client=client).annotate(text=_plain(Cast("id", CharField())))
    return tokens.annotate(grant=_plain("grant_id")).filter(grant__in=grants.values("text"))


def _plain(text: Any) -> Replace:
    return Replace(text, Value("-"), Value(""))


def _first(since: int) -> int:
    """The first number of a token issued ``since`` or later, by halving: there is no index on the time of issue.

    Numbers grow with time but for what was under way at once, so an hour is added in front.
    """
    rows = IssuedToken.objects.order_by("pk")
    ends = rows.values_list("pk", flat=True)
    low, high = ends.first() or 0, ends.last() or 0
    while low < high:
        middle = (low + high) // 2
        at = rows.filter(pk__gte=middle).values_list("issued_at", flat=True).first()
        if at is not None and at < since - 3600:
            low = middle + 1
        else:
            high = middle
    return low

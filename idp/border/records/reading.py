"""What officers read of the journals: the newest entries first, in a range of time that is never open.

Every read names its time, so that only the months that it is about are looked at; who says nothing gets the last day,
or the last month where one token or one traveller is looked for. The order is `ORDER`, for `idp.border.paging`. Each
read has an index that gives its entries in that order (`JournalEntry`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from idp.border.models import Checkpoint, IssuedToken, JournalEntry, Lane
from idp.conf import authority

ORDER = ("at", "id")
DAY = 86_400
SPAN = DAY  # seconds that are read where nobody says since when
SPAN_OF_ONE = 31 * DAY  # of one token, or one traveller
AHEAD = 3600  # a lane's clock may be in front of ours, and its entries are to be seen all the same


@dataclass(frozen=True)
class Wanted:
    """Which entries: ``since`` ≤ at < ``until``, in seconds since 1970; what is empty is not asked for.

    ``checkpoint`` is its code, ``lane`` the name of one of its lanes.
    """

    since: int | None = None
    until: int | None = None
    checkpoint: str = ""
    lane: str = ""
    direction: str = ""
    decision: str = ""
    reason: str = ""
    jti: str = ""
    subject: str = ""


def entries(wanted: Wanted, *, now: int) -> QuerySet[JournalEntry]:
    """The entries of ``wanted``, with their places; none where there is no such place."""
    since, until = span(wanted, now=now)
    same = {name: getattr(wanted, name) for name in ("direction", "decision", "reason", "jti", "subject")}
    rows = JournalEntry.objects.filter(at__gte=since, at__lt=until, **{name: is_ for name, is_ in same.items() if is_})
    # By number: a join could be begun with, and would bring the whole range to be sorted.
    if wanted.lane:
        lanes = Lane.objects.filter(checkpoint__code=wanted.checkpoint, name=wanted.lane)
        rows = rows.filter(lane_id=lanes.values_list("pk", flat=True).first())
    elif wanted.checkpoint:
        places = Checkpoint.objects.filter(code=wanted.checkpoint)
        rows = rows.filter(checkpoint_id=places.values_list("pk", flat=True).first())
    lanes_with_place = Prefetch("lane", Lane.objects.select_related("checkpoint"))
    return rows.order_by(*(f"-{name}" for name in ORDER)).prefetch_related("checkpoint", lanes_with_place)


def span(wanted: Wanted, *, now: int) -> tuple[int, int]:
    """The range of time that is looked at: its first second, and the one after its last."""
    length = SPAN_OF_ONE if wanted.jti or wanted.subject else SPAN
    until = now + AHEAD if wanted.until is None else wanted.until
    since = min(now, until) - length if wanted.since is None else wanted.since
    return since, until


def entry(*, checkpoint: str, lane: str, seq: int) -> JournalEntry | None:
    """One entry by its place: the code of the checkpoint, the name of the lane, the number in its journal."""
    found = Lane.objects.filter(checkpoint__code=checkpoint, name=lane).first()
    return found.entries.filter(seq=seq).select_related("checkpoint", "lane__checkpoint").first() if found else None


def travellers(rows: Iterable[JournalEntry]) -> list[str]:
    """Who of this authority's travellers crossed, as "traveller:ID": by the tokens that were issued here."""
    numbers = {row.jti for row in rows if row.jti and row.issuer == authority().entity_id}
    found = IssuedToken.objects.filter(jti__in=numbers).values_list("traveller_id", flat=True)
    return [f"traveller:{pk}" for pk in found] if numbers else []

"""Pages together are exactly the list, in order, none twice, whatever comes in between."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.border import paging
from idp.border.models import WatchlistEntry

TIMES = st.lists(st.integers(0, 5), max_size=12)
few = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _add(times: list[int], serial: list[int]) -> None:
    for at in times:
        serial[0] += 1
        WatchlistEntry.objects.create(number_hash=str(serial[0]), added_at=at, added_by="x")


def _pages(limit: int, between: list[list[int]], serial: list[int]) -> list[WatchlistEntry]:
    found: list[WatchlistEntry] = []
    after: str | None = ""
    while after is not None:
        page = paging.page(WatchlistEntry.objects.all(), order=("added_at", "id"), after=after, limit=limit)
        assert len(page.rows) <= limit and (page.after is None or len(page.rows) == limit)
        found += page.rows
        assert len(found) < 100, "the same rows come round again"
        after = page.after
        _add(between.pop(0) if between else [], serial)
    return found


@few
@given(times=TIMES, limit=st.integers(1, 5))
def test_pages_together_are_the_list(db: None, times: list[int], limit: int) -> None:
    """A row at the edge of a page that is in both or in none: several rows have one and the same time."""
    WatchlistEntry.objects.all().delete()
    _add(times, [0])
    whole = list(WatchlistEntry.objects.order_by("-added_at", "-id"))
    assert _pages(limit, [], [len(times)]) == whole


@few
@given(times=TIMES, limit=st.integers(1, 5), between=st.lists(TIMES, max_size=4))
def test_rows_that_come_in_between_hide_and_repeat_none(
    db: None, times: list[int], limit: int, between: list[list[int]]
) -> None:
    """Pages by count: each row that comes in front moves one over the edge, and it is told twice."""
    WatchlistEntry.objects.all().delete()
    serial = [0]
    _add(times, serial)
    first = {row.pk for row in WatchlistEntry.objects.all()}
    found = _pages(limit, between, serial)
    keys: list[Any] = [(row.added_at, row.pk) for row in found]
    assert keys == sorted(set(keys), reverse=True)
    assert first <= {row.pk for row in found}

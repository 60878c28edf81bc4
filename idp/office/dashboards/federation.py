"""How the federation is doing at this moment; what fails is kept until it succeeds, and not longer."""

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from idp.federation import failures, health
from idp.federation.columns import STANDINGS, shown
from idp.federation.health import Health
from idp.office import plots
from idp.office.dashboards.figures import Cell, Figure
from idp.office.dashboards.periods import DAY, HOUR, Period


def figures(period: Period, now: int) -> list[Figure]:
    """Copies of status lists, chains, recognitions, tree heads, and what fails now."""
    peers = health.peers(now=now)
    return [_copies(peers, now), _chains(peers, now), _recognitions(peers, now), _heads(peers, now), _failures(now)]


def _copies(peers: Sequence[Health], now: int) -> Figure:
    title = _("Age of the copies of status lists")
    about = _("How old the oldest copy of each peer's lists is. A copy that grows old lets revoked tokens pass.")
    columns = (_("peer"), _("copies"), _("oldest, s"), _("first ends in, h"))
    rows = [
        (peer.entity_id, peer.copies, _since(peer.oldest_copy, now), _hours(peer.first_copy_ends, now))
        for peer in peers
    ]
    return _figure("copies", title, about, columns, rows, value=lambda row: row[2], unit=" s")


def _chains(peers: Sequence[Health], now: int) -> Figure:
    title = _("Until the trust chains end")
    about = _("A chain is looked for again every hour; one that ends is a peer whose tokens are refused.")
    columns = (_("peer"), _("looked for before, s"), _("ends in, h"))
    rows = [(peer.entity_id, _since(peer.chain_searched_at, now), _hours(peer.chain_expires_at, now)) for peer in peers]
    return _figure("chains", title, about, columns, rows, value=lambda row: row[2], unit=" h")


def _recognitions(peers: Sequence[Health], now: int) -> Figure:
    title, about = (
        _("Until the recognitions end"),
        _("Days until the agreed period is over; a dash where it has no end."),
    )
    columns = (_("peer"), _("standing"), _("ends in, days"))
    rows = [(peer.entity_id, str(STANDINGS[peer.standing]), _days(peer.valid_until, now)) for peer in peers]
    return _figure("recognitions", title, about, columns, rows, value=lambda row: row[2], unit="", words=2)


def _heads(peers: Sequence[Health], now: int) -> Figure:
    title = _("Since the last head of each audit tree")
    about = _(
        "Heads are asked for every minute; one that contradicts an earlier one is kept until an officer resolves it."
    )
    columns = (_("peer"), _("events in the tree"), _("last new head before, s"), _("open contradictions"))
    rows = [(peer.entity_id, peer.head_size, _since(peer.head_seen_at, now), peer.contradictions) for peer in peers]
    return _figure("heads", title, about, columns, rows, value=lambda row: row[2], unit=" s")


def _failures(now: int) -> Figure:
    rows: list[tuple[Cell, ...]] = [
        (row.entity_id, str(row.get_act_display()), row.reason, shown(row.since), row.times, _since(row.last_at, now))
        for row in failures.standing()
    ]
    title, about = _("What fails now"), _("The last attempt of each kind at each entity, until one succeeds.")
    columns = (_("entity"), _("act"), _("reason"), _("since"), _("times"), _("last tried before, s"))
    return _figure("failures", title, about, columns, rows, value=lambda row: row[4], unit="", words=4)


def _figure(
    name: str,
    title: str,
    about: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Cell, ...]],
    *,
    value: Callable[[tuple[Cell, ...]], Cell],
    unit: str,
    words: int = 1,
) -> Figure:
    """A bar for each row; what ended before now has none, and its number in the table is below zero."""
    labels = [str(row[0]).removeprefix("https://").removeprefix("http://") for row in rows]
    values = [max(0.0, float(value(row) or 0)) for row in rows]
    plot = plots.bars(name, title=title, about=about, labels=labels, series={title: values}, unit=unit)
    return Figure(name, title, about, columns, words, tuple(rows), plot)


def _since(at: int | None, now: int) -> int | None:
    return None if at is None else max(0, now - at)


def _hours(at: int | None, now: int) -> float | None:
    return None if at is None else round((at - now) / HOUR, 1)


def _days(at: int | None, now: int) -> float | None:
    return None if at is None else round((at - now) / DAY, 1)

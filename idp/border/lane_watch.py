"""How the lanes are doing: what an officer must know of each, the most troubled first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from idp.border.configuring.words import effective, span
from idp.border.models import JournalEntry, Lane, LaneReport
from idp.federation.models import BundleSerial
from idp.protocol.journal import BY_MACHINE

HOUR, TODAY = 3600, 86_400  # seconds; the last 24 hours, so that a morning has something to be compared with
SILENT = 180  # seconds: six times a lane's interval
BACKLOG = 500  # entries: more than one upload
CLOCK = 30  # seconds: beyond this time-bound codes are refused
SEALING = 2 * 86_400  # seconds; lanes rotate daily
RARELY = 20  # decisions below which a rate says nothing
OFTEN = 0.2  # of referrals above the other lanes' of the checkpoint
STOPPED, TROUBLED, WELL = "stopped", "troubled", "well"


@dataclass(frozen=True)
class Rate:
    """Decisions by the machine, and how many of them went to an officer."""

    decisions: int = 0
    referred: int = 0

    @property
    def share(self) -> float | None:
        return self.referred / self.decisions if self.decisions else None

    def __str__(self) -> str:
        return "—" if self.share is None else f"{self.share:.0%} ({self.referred}/{self.decisions})"


@dataclass(frozen=True)
class Watched:
    """One lane; ``state`` is `STOPPED`, `TROUBLED` or `WELL`, for the reasons in ``troubles``."""

    lane: Lane
    report: LaneReport | None
    behind: int  # bundles; 0: it has the newest
    seen: str
    hour: Rate
    today: Rate
    others: Rate  # the checkpoint's other lanes, today
    state: str
    troubles: tuple[str, ...]


def watched(*, now: int) -> list[Watched]:
    """Every enrolled lane that is not revoked, the most troubled first."""
    lanes = Lane.objects.filter(jwk__isnull=False, revoked_at__isnull=True).select_related(
        "checkpoint__hosted", "report"
    )
    newest = dict(BundleSerial.objects.values_list("checkpoint", "serial"))
    hour, today = _rates(now - HOUR), _rates(now - TODAY)
    rows = list(lanes)
    found = [_watched(lane, rows, newest, hour, today, now=now) for lane in rows]
    order = (STOPPED, TROUBLED, WELL)
    return sorted(found, key=lambda item: (order.index(item.state), -len(item.troubles), str(item.lane)))


def _rates(since: int) -> dict[int, Rate]:
    rows = (
        JournalEntry.objects.filter(at__gte=since, decision__in=list(BY_MACHINE))
        .order_by()
        .values_list("lane_id")
        .annotate(count=Count("pk"), referred=Count("pk", filter=Q(decision="refer")))
    )
    return {lane: Rate(count, referred) for lane, count, referred in rows}


def _watched(
    lane: Lane,
    lanes: list[Lane],
    newest: Mapping[str, int],
    hour: Mapping[int, Rate],
    today: Mapping[int, Rate],
    *,
    now: int,
) -> Watched:
    report: LaneReport | None = getattr(lane, "report", None)
    serial = max(lane.bundle_serial, report.bundle_serial if report else 0)
    behind = max(0, newest.get(lane.checkpoint.entity_id, 0) - serial)
    beside = [today.get(other.pk, Rate()) for other in lanes if other.checkpoint_id == lane.checkpoint_id != 0]
    own = today.get(lane.pk, Rate())
    others = Rate(
        sum(each.decisions for each in beside) - own.decisions, sum(each.referred for each in beside) - own.referred
    )
    silent = now - (lane.last_seen or 0)
    stopped = silent > effective(lane.checkpoint.policy)["max_age"]["bundle"]
    troubles = (
        *_of_silence(silent, stopped=stopped),
        *_of_report(report, now=now),
        *_of_rates(hour.get(lane.pk, Rate()), others),
    )
    state = STOPPED if stopped else TROUBLED if troubles else WELL
    seen = _("%s ago") % span(_rounded(silent)) if lane.last_seen else "—"
    return Watched(lane, report, behind, seen, hour.get(lane.pk, Rate()), own, others, state, tuple(troubles))


def _rounded(seconds: int) -> int:
    unit = 3600 if seconds >= 2 * 3600 else 60 if seconds >= 120 else 1
    return max(0, seconds) // unit * unit


def _of_silence(silent: int, *, stopped: bool) -> Iterator[str]:
    if stopped:
        yield _("Its last bundle is too old: it sends everybody to an officer. Is it switched on and connected?")
    elif silent > SILENT:
        yield _("It has not asked for a while. It decides on; look at its connection.")


def _of_report(report: LaneReport | None, *, now: int) -> Iterator[str]:
    if report is None:
        return
    if report.camera == "failed":
        yield _("Its camera gave no picture for the last traveller.")
    if abs(report.clock_offset) > CLOCK:
        yield _("Its clock differs from the node's by %s.") % span(abs(report.clock_offset))
    if report.pending >= BACKLOG:
        yield _("It has many entries that it could not upload.")
    if report.refused_at > now - TODAY:
        yield _("An upload of its journal was refused: %s. Keep the machine as it is and have it looked at.") % (
            report.refused
        )
    if report.sealing_at and report.sealing_at < now - SEALING:
        yield _("The sealing keys were not changed for %s.") % span(_rounded(now - report.sealing_at))


def _of_rates(own: Rate, others: Rate) -> Iterator[str]:
    if own.decisions < RARELY or others.decisions < RARELY or own.share is None or others.share is None:
        return
    if own.share > others.share + OFTEN:
        yield _("It sends many more travellers to an officer than the lanes beside it.")

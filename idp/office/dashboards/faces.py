"""Faces: how enrolments ended, failures to acquire here and at the gates, and how the scores lie."""

from collections import defaultdict

from django.utils.translation import gettext as _

from idp.biometrics import figures as enrolments
from idp.biometrics import thresholds
from idp.biometrics.engine import Thresholds
from idp.biometrics.figures import BINS
from idp.biometrics.figures import FTA as FAILURES
from idp.biometrics.models import Job
from idp.border.figures import reading
from idp.border.figures.words import BAND_WORDS
from idp.conf import authority
from idp.office import plots
from idp.office.dashboards.figures import Figure, share
from idp.office.dashboards.periods import Period
from idp.protocol.journal import BY_MACHINE
from idp.protocol.refusals import Reason

AT_GATES = (*FAILURES, Reason.CAMERA_UNAVAILABLE.value)
# Reasons that fall after somebody looked into the camera; the others' entries have a band, or no face was looked at.
COMPARED = (Reason.FACE_NOT_LIVE.value, Reason.FACE_MISMATCH.value, Reason.FACE_UNCERTAIN.value)
EDGES = [round(number / BINS, 2) for number in range(BINS + 1)]


def figures(period: Period, now: int) -> list[Figure]:
    """Enrolments, failures to acquire, scores by model, bands at the gates."""
    return [_outcomes(period), _endings(period), _at_gates(period), _bands(period), *_scores(period)]


def _outcomes(period: Period) -> Figure:
    found = enrolments.outcomes(since=period.since, until=period.until, step=period.step)
    kinds = {
        _("succeeded"): (Job.State.DONE,),
        _("failed"): (Job.State.FAILED,),
        _("with an officer"): (Job.State.REVIEW,),
        _("other"): (Job.State.AWAITING, Job.State.QUEUED, Job.State.RUNNING, Job.State.CANCELLED, Job.State.DEAD),
    }
    series = {
        name: [sum(found[part, state] for state in states) for part in range(len(period.parts))]
        for name, states in kinds.items()
    }
    title = _("Enrolments over time")
    about = _("Enrolments before a camera by the time at which they began, and what has become of them by now.")
    plot = plots.lines("over-time", title=title, about=about, labels=period.short_parts, series=series)
    rows = tuple(zip(period.parts, *series.values(), strict=True))
    return Figure("over-time", title, about, (_("from"), *series), 1, rows, plot)


def _endings(period: Period) -> Figure:
    found: dict[str, int] = defaultdict(int)
    for _kind, state, reason, count in enrolments.endings(since=period.since, until=period.until):
        found[reason if state == Job.State.FAILED else ""] += count
    total = sum(found.values())
    reasons = sorted((reason for reason in found if reason), key=lambda reason: (-found[reason], reason))
    title = _("Why enrolments failed")
    about = _("Of those that are over: %(missed)s %% had no picture of one usable face (failure to acquire).") % {
        "missed": share(sum(found[reason] for reason in FAILURES), total) or 0
    }
    rows = tuple((reason, found[reason], share(found[reason], total)) for reason in reasons)
    plot = plots.bars(
        "endings", title=title, about=about, labels=reasons, series={_("count"): [found[reason] for reason in reasons]}
    )
    return Figure("endings", title, about, (_("reason"), _("count"), _("share of all, %")), 1, rows, plot)


def _at_gates(period: Period) -> Figure:
    """Of travellers at whose face a lane looked."""
    looked, missed = defaultdict(int), defaultdict(int)
    rows = reading.crossings(
        since=period.since,
        until=period.until,
        by=("checkpoint__code", "reason", "score_band"),
        decisions=BY_MACHINE,
    )
    for place, reason, band, count in rows:
        if band or reason in (*AT_GATES, *COMPARED):
            looked[place] += count
        if reason in AT_GATES:
            missed[place, reason] += count
    places = sorted(looked)
    totals = [sum(missed[place, reason] for reason in AT_GATES) for place in places]
    shares = [share(total, looked[place]) for place, total in zip(places, totals, strict=True)]
    title, kind = _("Failures to acquire by checkpoint"), _("failures, %")
    about = _("Of a hundred travellers before a lane's camera, for how many it gave no picture of one usable face.")
    values = [float(one or 0) for one in shares]
    plot = plots.bars("at-gates", title=title, about=about, labels=places, series={kind: values}, unit=" %")
    cells = tuple(
        (place, looked[place], *(missed[place, reason] for reason in AT_GATES), total, one)
        for place, total, one in zip(places, totals, shares, strict=True)
    )
    columns = (_("checkpoint"), _("before the camera"), *AT_GATES, _("together"), kind)
    return Figure("at-gates", title, about, columns, 1, cells, plot)


def _bands(period: Period) -> Figure:
    rows = reading.crossings(
        since=period.since, until=period.until, by=("checkpoint__code", "score_band"), decisions=BY_MACHINE
    )
    found = defaultdict(int, {(place, band): count for place, band, count in rows if band})
    places = sorted({place for place, _band in found})
    series = {str(word): [found[place, band] for place in places] for band, word in BAND_WORDS.items()}
    title = _("Bands of the scores at the gates")
    about = _(
        "A gate writes down no score: high is from the threshold on, middle goes to an officer, low is below both."
    )
    plot = plots.bars("bands", title=title, about=about, labels=places, series=series)
    cells = tuple(zip(places, *series.values(), strict=True))
    return Figure("bands", title, about, (_("checkpoint"), *series), 1, cells, plot)


def _scores(period: Period) -> list[Figure]:
    found = enrolments.scores(since=period.since, until=period.until)
    return [_scores_of(model, found[model], number) for number, model in enumerate(sorted(found))]


def _scores_of(model: str, found: enrolments.Scores, number: int) -> Figure:
    name, known = f"scores-{number}", model or _("a model that was not noted")
    limits = _limits(model)
    at = {} if limits is None else {_("to an officer from"): limits.refer, _("accepted from"): limits.admit}
    title = _("Scores of enrolments under %(model)s") % {"model": known}
    about = _(
        "Comparisons of a live face with the register's portrait, accepted or rejected in the end, also by an officer; "
        "the upright lines are the thresholds of now. Whether it was the same person nobody knows for certain."
    )
    series = {_("accepted"): found.accepted, _("rejected"): found.rejected}
    plot = plots.histogram(name, title=title, about=about, edges=EDGES, series=series, at=at)
    rows = tuple(
        (f"{low} – {high}", *numbers)
        for low, high, *numbers in zip(EDGES[:-1], EDGES[1:], found.accepted, found.rejected, strict=True)
    )
    return Figure(name, title, about, (_("score"), *series), 1, rows, plot)


def _limits(model: str) -> Thresholds | None:
    """The thresholds of now; None where the model is not known, or a profile was named for which it has none."""
    profile = authority().face_profile
    calibrated = thresholds.calibrated([model], profile or thresholds.DEFAULT).get(model)
    return calibrated or (None if profile or not model else thresholds.proposed(model))

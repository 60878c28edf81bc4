"""Figures of face enrolments, counted over all of them: how they ended, why they failed, how the scores lie.

Nobody is named, and no score is told with anything by which it could be somebody's.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Floor

from idp.biometrics.models import Job
from idp.protocol.refusals import Reason

BINS: Final = 20  # of scores from 0 to 1
FTA: Final = (Reason.FACE_NO_FACE.value, Reason.FACE_MANY_FACES.value, Reason.FACE_LOW_QUALITY.value)
"""Failures to acquire (ISO/IEC 19795-1): there was no picture in which one face could be found and used."""


@dataclass
class Scores:
    """How many comparisons under one model had a score in each of `BINS`."""

    accepted: list[int] = field(default_factory=lambda: [0] * BINS)
    rejected: list[int] = field(default_factory=lambda: [0] * BINS)


def outcomes(*, since: int, until: int, step: int) -> Mapping[tuple[int, str], int]:
    """Enrolments before the camera by part of the period, from 0, and by state; counted where they began."""
    parts = ExpressionWrapper((F("created_at") - since) / step, output_field=BigIntegerField())
    rows = _before_the_camera(since, until).annotate(part=parts).order_by().values_list("part", "state")
    return defaultdict(int, {(part, state): count for part, state, count in rows.annotate(count=Count("pk"))})


def endings(*, since: int, until: int) -> list[tuple[str, str, str, int]]:
    """``(kind, state, reason, count)`` of enrolments before the camera that are over."""
    over = _before_the_camera(since, until).filter(state__in=(Job.State.DONE, Job.State.FAILED))
    return list(over.order_by().values_list("kind", "state", "reason").annotate(count=Count("pk")))


def scores(*, since: int, until: int) -> dict[str, Scores]:
    """By model; "" is of jobs that did not keep which. Accepted is what was linked or renewed in the end."""
    found: dict[str, Scores] = defaultdict(Scores)
    over = Job.objects.filter(created_at__gte=since, created_at__lt=until, score__isnull=False)
    rows: Any = over.filter(state__in=(Job.State.DONE, Job.State.FAILED)).annotate(bin=Floor(F("score") * BINS))
    for model, state, place, count in (
        rows.order_by().values_list("score_model", "state", "bin").annotate(n=Count("pk"))
    ):
        kept = found[model].accepted if state == Job.State.DONE else found[model].rejected
        if math.isfinite(place):
            kept[min(BINS - 1, max(0, int(place)))] += count
    return dict(found)


def _before_the_camera(since: int, until: int) -> QuerySet[Job]:
    """A reference that is made anew from a portrait says nothing of anybody's face before a camera."""
    began = Job.objects.filter(created_at__gte=since, created_at__lt=until)
    return began.exclude(Q(kind=Job.Kind.RENEW, challenge=[]))

"""What the hours say of a period: sums by whatever they are asked by. No entry is looked at."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Sum

from idp.border.models import HOUR, CrossingHour, DecisionTimeHour, IssuanceHour, IssuedToken, RevocationDelayHour

DAY = 86_400
UTC8 = 8 * HOUR


def crossings(
    *, since: int, until: int, step: int = DAY, by: Sequence[str], decisions: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Rows ``(*by, count)`` of the entries with ``decisions`` at ``since`` ≤ at < ``until``, seconds of whole hours.

    ``by`` has ``bin`` (which of the periods of ``step`` seconds from ``since`` on, from 0), ``clock`` (the hour of the
    day at UTC+8, 0 to 23), ``checkpoint__code``, ``direction``, ``decision``, ``reason`` and ``score_band``. What
    nobody wrote has no row.
    """
    hours = CrossingHour.objects.filter(hour__gte=since, hour__lt=until, decision__in=decisions).annotate(
        bin=ExpressionWrapper((F("hour") - since) / step, output_field=BigIntegerField()),
        clock=ExpressionWrapper((F("hour") + UTC8) % DAY / HOUR, output_field=BigIntegerField()),
    )
    return list(hours.order_by(*by).values_list(*by).annotate(total=Sum("count")))


def decision_times(*, since: int, until: int, step: int = DAY, by: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows ``(*by, bucket, count)`` of decisions by the machine; ``by`` has ``bin`` and ``checkpoint__code``.

    The buckets are `idp.border.figures.buckets`' of milliseconds. Lanes of before the upgrade do not say how long.
    """
    hours = DecisionTimeHour.objects.filter(hour__gte=since, hour__lt=until).annotate(
        bin=ExpressionWrapper((F("hour") - since) / step, output_field=BigIntegerField())
    )
    names = (*by, "bucket")
    return list(hours.order_by(*names).values_list(*names).annotate(total=Sum("count")))


def issued(*, since: int, until: int, step: int = DAY, by: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows ``(*by, count)`` of tokens issued; ``by`` has ``bin``, ``authority``, ``checkpoint``, ``direction``."""
    hours = IssuanceHour.objects.filter(hour__gte=since, hour__lt=until).annotate(
        bin=ExpressionWrapper((F("hour") - since) / step, output_field=BigIntegerField())
    )
    return list(hours.order_by(*by).values_list(*by).annotate(total=Sum("count")))


def revoked(*, since: int, until: int) -> list[tuple[str, int]]:
    """``(reason, count)`` of tokens taken back; from the tokens themselves, of which few are."""
    rows = IssuedToken.objects.filter(revoked_at__gte=since, revoked_at__lt=until).order_by("revoked_for")
    return list(rows.values_list("revoked_for").annotate(count=Count("pk")))


def revocation_delays(*, since: int, until: int) -> list[tuple[str, int, int]]:
    """``(checkpoint's code, bucket, count)``: a count for each token and lane; buckets of seconds."""
    hours = RevocationDelayHour.objects.filter(hour__gte=since, hour__lt=until)
    names = ("checkpoint__code", "bucket")
    return list(hours.order_by(*names).values_list(*names).annotate(total=Sum("count")))

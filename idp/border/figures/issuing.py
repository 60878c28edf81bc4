"""Border tokens counted by the hour of their issue. Issuance itself is not held up: a task counts what is new."""

from django.db import transaction
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Max

from idp.border.figures.turns import alone
from idp.border.models import HOUR, IssuanceHour, IssuedToken


@transaction.atomic
def count() -> int:
    """Count from the hour before the last one that was counted; how many rows there are of these hours.

    A token is stored within seconds of the time that it says; after a pause of any length all that came is counted.
    """
    alone()
    last = IssuanceHour.objects.aggregate(last=Max("hour"))["last"]
    since = 0 if last is None else last - HOUR
    found = IssuedToken.objects.filter(issued_at__gte=since).annotate(
        hour=ExpressionWrapper(F("issued_at") - F("issued_at") % HOUR, output_field=BigIntegerField())
    )
    kind = ("hour", "authority", "checkpoint", "direction")
    rows = [
        IssuanceHour(count=number, **dict(zip(kind, key, strict=True)))
        for *key, number in found.order_by().values_list(*kind).annotate(number=Count("pk"))
    ]
    IssuanceHour.objects.filter(hour__gte=since).delete()
    IssuanceHour.objects.bulk_create(rows)
    return len(rows)

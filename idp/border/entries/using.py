"""An entry of an endorsement is used up: the only place that takes one off `Endorsement.entries_left`."""

import datetime

from django.db.models import F

from idp.accounts.models import Endorsement
from idp.border.entries import discrepancies
from idp.border.models import ConfirmedCrossing, Discrepancy
from idp.border.models.entries import OVERDRAWN, USED
from idp.protocol.travel_rules import HONG_KONG, local_date


def use_entry(endorsement: Endorsement) -> str:
    """Take one entry off; what became of it. The crossing took place: where none was left, that is what is said."""
    if endorsement.entries_left is None:
        return USED
    held = Endorsement.objects.filter(pk=endorsement.pk, entries_left__gt=0)
    return USED if held.update(entries_left=F("entries_left") - 1) else OVERDRAWN


def look_for_too_many(entry: ConfirmedCrossing, *, now: int) -> None:
    """Have officers look where ``entry`` was one too many, with the entry that it goes against beside it."""
    others = ConfirmedCrossing.objects.filter(endorsement=entry.endorsement_id, use=USED).exclude(pk=entry.pk)
    others = others.select_related("token")
    if entry.use == OVERDRAWN:
        other = others.order_by("-at", "-pk").first()
        discrepancies.note(kind=Discrepancy.Kind.OVERDRAWN, crossing=entry, beside=other, now=now)
    elif entry.token.endorsement is not None and entry.token.endorsement.weekly:
        first, end = week(entry.at)
        other = others.filter(at__gte=first, at__lt=end).order_by("at", "pk").first()
        if other is not None:
            discrepancies.note(kind=Discrepancy.Kind.WEEKLY, crossing=entry, beside=other, now=now)


def week(at: int) -> tuple[int, int]:
    """Begin and end of the natural week around ``at``, Monday to Sunday in Hong Kong, in seconds since 1970."""
    day = local_date(at)
    monday = datetime.datetime.combine(day - datetime.timedelta(days=day.weekday()), datetime.time(), HONG_KONG)
    return int(monday.timestamp()), int((monday + datetime.timedelta(days=7)).timestamp())

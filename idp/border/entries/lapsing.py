"""A reservation with no entry lapses: the traveller turned back, or crossed where no token is read."""

from django.db import transaction

from idp.audit import events
from idp.border.models import ConfirmedCrossing
from idp.border.models.entries import LAPSED, RESERVED
from idp.conf import authority

BATCH = 1_000  # reservations in one run of the task
ACTOR = "task:border.lapse"


def lapse(*, now: int) -> int:
    """Give back the entries that were reserved too long ago; how many. One that is confirmed later still counts."""
    old = ConfirmedCrossing.objects.filter(use=RESERVED, at__lt=now - authority().reservation_lapses_after)
    return sum(_lapse(*row) for row in old.order_by("at").values_list("pk", "token__jti")[:BATCH])


@transaction.atomic
def _lapse(pk: int, jti: str) -> bool:
    if not ConfirmedCrossing.objects.filter(pk=pk, use=RESERVED).update(use=LAPSED):
        return False  # the entry was confirmed a moment ago
    events.record(kind="endorsement.reservation_lapsed", actor=ACTOR, subject=jti)
    return True

"""A next key takes over at a time that was agreed on beforehand, so that nobody has to be awake for it.

The plan stands in the next key's row and goes with it: a key that is killed takes its plan along, and whoever wants the
one in its stead to sign plans anew.
"""

import logging

from django.db import transaction

from idp.audit.events import record
from idp.federation import signing
from idp.federation.models import SigningKey
from idp.federation.signing import AHEAD, UnableToRoll

log = logging.getLogger(__name__)
AT_MOST = 366 * signing.DAY  # seconds ahead: nobody remembers a plan for longer


def earliest(row: SigningKey) -> int:
    """From when a next key may sign: everybody who goes by what was published before it has asked again by then."""
    return row.made_at + AHEAD[row.use]


def problem(row: SigningKey, at: int, now: int) -> str:
    """What is wrong with ``at`` as the time from which a next key signs, in English; "" where nothing is."""
    if max(now, earliest(row)) <= at <= now + AT_MOST:
        return ""
    return "the time is past, too early for who does not know the key yet, or more than a year away"


def plan(*, kid: str, at: int, now: int, actor: str) -> SigningKey:
    """The next key ``kid`` signs from ``at`` on (seconds since 1970), in place of what was planned for it before.

    Raises `UnableToRoll` where it is no next key, or for a time that is past, too early for who reads our keys, or
    further away than `AT_MOST`.
    """
    with transaction.atomic():
        row = _next(kid)
        if why := problem(row, at, now):
            raise UnableToRoll(why)
        return _set(row, at, "planned", actor)


def call_off(*, kid: str, actor: str) -> SigningKey:
    """The next key ``kid`` waits until somebody says otherwise. Raises `UnableToRoll` where nothing is planned."""
    with transaction.atomic():
        row = _next(kid)
        if row.takes_over_at is None:
            raise UnableToRoll(f"no take-over is planned: {kid}")
        return _set(row, None, "called_off", actor)


def carry_out(now: int) -> int:
    """Let every next key sign whose time has come; how many. Two at once let each sign once. Runs every minute."""
    due = SigningKey.objects.filter(state=SigningKey.State.NEXT, takes_over_at__lte=now).order_by("takes_over_at", "pk")
    return sum(_taken_over(row, now) for row in due)


def _taken_over(row: SigningKey, now: int) -> bool:
    place = {"use": row.use, "algorithm": row.algorithm, "owner": row.owner}
    try:
        signing.activate_next(**place, kid=row.kid, now=now)
    except UnableToRoll as error:  # another worker was before us, or it was killed meanwhile
        log.warning("a planned take-over: %s", error)
        return False
    return True


def _next(kid: str) -> SigningKey:
    row = SigningKey.objects.select_for_update().filter(kid=kid, state=SigningKey.State.NEXT).first()
    if row is None:
        raise UnableToRoll(f"not a next key: {kid}")
    return row


def _set(row: SigningKey, at: int | None, what: str, actor: str) -> SigningKey:
    row.takes_over_at = at
    row.save(update_fields=["takes_over_at"])
    record(kind=f"federation.key.takeover_{what}", actor=actor, subject=row.kid, data={"use": row.use, "at": at})
    return row

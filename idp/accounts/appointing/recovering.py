"""What one officer does at once where another's key is lost or stolen: nothing of that one's opens the site any more.

Another officer reviews it. To let the officer in again takes two (`changing.OfficerChange`): whoever could do both
alone would be two officers.
"""

from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.models import Account, OfficerInvitation
from idp.accounts.roles import APPOINT
from idp.audit import events
from idp.proposals import deciders, reviews

TAKEN = "accounts.factors_taken"  # a review's kind, and an event's


class UnableToRecover(Exception):
    """Nothing was taken away. The message is for officers."""


@transaction.atomic
def take_factors_away(*, account: Account, why: str, officer: str, now: int) -> None:
    """Remove the passkeys, one-time password secrets, password and open link of another officer; sessions end.

    Raises `UnableToRecover`: one's own, no open account of an officer, or without the permission to appoint.
    """
    if officer == f"account:{account.pk}":
        raise UnableToRecover("your own passkeys are removed on their own page")
    if not deciders.holds(officer, APPOINT):
        raise UnableToRecover("you hold no role that appoints officers")
    row = Account.objects.select_for_update().filter(pk=account.pk, kind=Account.Kind.OFFICER, is_active=True).first()
    if row is None:
        raise UnableToRecover("there is no such officer, or the account is closed")
    passkeys, codes = row.passkeys.count(), TOTPDevice.objects.filter(user=row).count()
    row.passkeys.all().delete()
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=row).delete()
    waiting = OfficerInvitation.objects.filter(account=row, closed_at=None)
    waiting.update(closed_at=now, outcome=OfficerInvitation.Outcome.TAKEN_BACK)
    row.set_unusable_password()  # also ends every session
    row.save(update_fields=["password"])
    data = {"passkeys": passkeys, "codes": codes, "why": why}
    events.record(kind=TAKEN, actor=officer, subject=f"account:{row.pk}", data=data)
    what = f"took passkeys, codes and password away: {why}"
    reviews.record(kind=TAKEN, subject=f"account:{row.pk}", what=what, officer=officer, now=now)

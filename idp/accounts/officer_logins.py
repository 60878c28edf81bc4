"""Officers' logins with a passkey, which is both factors of the admin site. Under the throttle of django-axes."""

from collections.abc import Mapping
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from idp import admin as site
from idp import conf
from idp.accounts import ceremonies, sessions
from idp.accounts.logins import UnableToLogIn, bucket_of, note_failure
from idp.accounts.models import Account, OfficerPasskey, Passkey
from idp.audit import events

_BACKEND = "django.contrib.auth.backends.ModelBackend"


def begin(*, request: HttpRequest, now: int) -> dict[str, Any]:
    """Options for the browser; any discoverable passkey will do, and whose it is decides who is logged in."""
    party = ceremonies.Party.of(conf.authority())
    return ceremonies.begin_assertion(session=request.session, party=party, allowed=(), now=now)


def by_passkey(*, request: HttpRequest, credential: Mapping[str, Any], now: int) -> Account:
    """Log an officer in. Raises `UnableToLogIn`; a traveller's passkey is answered as one that is not known."""
    bucket = {"username": bucket_of(credential)}
    if not AxesProxyHandler.is_allowed(request, bucket):
        raise UnableToLogIn("throttled", code="rate_limited")
    try:
        verified = ceremonies.complete_assertion(
            session=request.session, party=ceremonies.Party.of(conf.authority()), credential=credential, now=now
        )
    except ceremonies.UnableToComplete as error:
        note_failure(request, bucket, error)
        raise UnableToLogIn(str(error), code="invalid_proof") from error
    open_session(request=request, passkey=verified.passkey, now=now)
    return verified.account


@transaction.atomic
def open_session(*, request: HttpRequest, passkey: Passkey, now: int) -> None:
    """A session that rests on ``passkey``, just used: it ends with it. Raises `UnableToLogIn`."""
    factor = OfficerPasskey.objects.select_related("user").filter(pk=passkey.pk).first()
    if factor is None:
        raise UnableToLogIn("not an officer's passkey", code="invalid_proof")
    sessions.end(request=request)  # whoever was here before, and all that an anonymous session held
    account = factor.user
    account.otp_device = factor  # django-otp notes it in the session at Django's login
    login(request, account, backend=_BACKEND)
    site.note_login(request, now=now)
    Passkey.objects.filter(pk=passkey.pk).update(last_used_at=timezone.now())
    events.record(kind="accounts.officer_logged_in", actor=f"account:{account.pk}", subject=f"passkey:{passkey.pk}")

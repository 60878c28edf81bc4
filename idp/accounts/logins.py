"""Logging in, by passkey or by password, under the throttle of django-axes.

The answer and its time are the same for an unknown name, a wrong password, an account without password and an
officer's account (officers log in at the admin site, with their second factor).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from idp import conf
from idp.accounts import ceremonies, sessions
from idp.accounts.models import Account, Passkey
from idp.audit import events

MAX_PASSWORD_CHARS = 256  # hashing time grows with length


class UnableToLogIn(Exception):
    """Nobody was logged in. ``code`` is one of `idp.problems`: invalid_proof, rate_limited."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


def by_password(*, request: HttpRequest, username: str, password: str, now: int) -> sessions.Authenticated:
    """Log in with one factor. Raises `UnableToLogIn`, the same for every reason but the throttle."""
    name = Account.normalize_username(username)[:64]
    account = authenticate(request, username=name, password=password[:MAX_PASSWORD_CHARS])
    if getattr(request, "axes_locked_out", None):
        request.axes_locked_out = None  # type: ignore[attr-defined]  # the page says it, in the traveller's language
        raise UnableToLogIn("throttled", code="rate_limited")
    if not isinstance(account, Account) or account.kind != Account.Kind.TRAVELLER:
        raise UnableToLogIn("unknown, wrong or no password", code="invalid_proof")
    return sessions.begin(
        request=request, account=account, acr=sessions.ACR_PASSWORD, amr=sessions.AMR_PASSWORD, now=now
    )


def begin_passkey(*, request: HttpRequest, now: int) -> dict[str, Any]:
    """Options for the browser. Somebody who is logged in already is asked for a passkey of the same account."""
    current = sessions.authentication(request)
    allowed = [] if current is None else [bytes(item.credential_id) for item in current.account.passkeys.all()]
    party = ceremonies.Party.of(conf.authority())
    return ceremonies.begin_assertion(session=request.session, party=party, allowed=allowed, now=now)


def by_passkey(*, request: HttpRequest, credential: Mapping[str, Any], now: int) -> sessions.Authenticated:
    """Log in with a passkey and user verification: several factors. Raises `UnableToLogIn`."""
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
    if verified.account.kind != Account.Kind.TRAVELLER:
        raise UnableToLogIn("an officer's passkey", code="invalid_proof")
    with transaction.atomic():
        Passkey.objects.filter(pk=verified.passkey.pk).update(last_used_at=timezone.now())
        return sessions.begin(
            request=request, account=verified.account, acr=sessions.ACR_MULTIFACTOR, amr=sessions.AMR_PASSKEY, now=now
        )


def bucket_of(credential: Mapping[str, Any]) -> str:
    """What a passkey's failures are counted under: itself when it is ours, else all unknown ones together."""
    claimed = ceremonies.claimed_credential(credential)
    known = Passkey.objects.filter(credential_id=claimed).exists()
    return f"passkey:{hashlib.sha256(claimed).hexdigest()[:16]}" if known else "passkey:unknown"


def note_failure(request: HttpRequest, bucket: Mapping[str, str], error: ceremonies.UnableToComplete) -> None:
    user_login_failed.send(sender=__name__, credentials=dict(bucket), request=request)
    request.axes_locked_out = None  # type: ignore[attr-defined]  # answered as a problem document, not as a page
    if error.code == "conflict":
        with transaction.atomic():  # a copied passkey is for an officer to look at
            events.record(kind="accounts.passkey_counter_went_back", actor="nobody", subject=bucket["username"])

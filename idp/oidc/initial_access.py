"""Who may register a client of their own: holders of an officer's token, or anybody but not endlessly (RFC 7591 §3).

The tokens and the count stand in tables that all workers share.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core import checks
from django.db import connection, transaction
from django.db.models import F

from idp import conf
from idp.audit import events
from idp.oidc.errors import OAuthError
from idp.oidc.models import RegistrationCount, RegistrationToken
from idp.oidc.replay import digest

OFF, TOKEN, OPEN = "off", "token", "open"
MODES = (OFF, TOKEN, OPEN)
ANYBODY = "anybody"  # the actor of an open registration
SPAN = 600  # seconds
MAX_ATTEMPTS = 100  # in one span, by everybody together, refused ones too: each may have us fetch something
TOKEN_BYTES = 32  # so that its hash needs no salt, and guessing it no throttle
MAX_LIFETIME, MAX_USES = 366 * 86_400, 1000

_COUNT = (
    f"INSERT INTO {RegistrationCount._meta.db_table} (begins_at, attempts) VALUES (%s, 1) "  # noqa: S608  constants
    f"ON CONFLICT (begins_at) DO UPDATE SET attempts = {RegistrationCount._meta.db_table}.attempts + 1 "
    "RETURNING attempts"
)


class UnableToInvite(Exception):
    """No such token can be made; the message is for the officer."""


def is_on() -> bool:
    """Whether clients may register themselves at all."""
    return conf.authority().dynamic_registration in (TOKEN, OPEN)


@transaction.atomic
def invite(*, lifetime: int, uses: int, actor: str, now: int) -> str:
    """A token for ``uses`` clients that expires ``lifetime`` seconds from now; in clear for the only time.

    Raises `UnableToInvite`.
    """
    if not 0 < lifetime <= MAX_LIFETIME or not 0 < uses <= MAX_USES:
        raise UnableToInvite(f"at most {MAX_LIFETIME // 86_400} days and {MAX_USES} clients, and at least one of each")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    made = RegistrationToken.objects.create(
        token_hash=digest(token), uses_left=uses, created_at=now, expires_at=now + lifetime
    )
    events.record(
        kind="oidc.registration_token_made",
        actor=actor[:255],
        subject=f"registration-token:{made.pk}",
        data={"uses": uses, "expires_at": made.expires_at},
    )
    return token


@contextmanager
def admitted(token: str | None, *, now: int) -> Iterator[str]:
    """Register inside; the actor for the audit. A use of the token is given back when the client is refused.

    Raises `OAuthError`: invalid_token (RFC 6750 §3.1), or temporarily_unavailable when too many tried.
    """
    if conf.authority().dynamic_registration == OPEN and token is None:
        _count(now)
        yield ANYBODY
        return
    living = RegistrationToken.objects.filter(token_hash=digest(token or ""), expires_at__gt=now)
    if living.filter(uses_left__gt=0).update(uses_left=F("uses_left") - 1) != 1:
        raise unknown(token)
    try:
        yield f"registration-token:{living.values_list('pk', flat=True)[0]}"
    except OAuthError:
        living.update(uses_left=F("uses_left") + 1)
        raise


def unknown(token: str | None) -> OAuthError:
    """The refusal of ``token``; None: there was none, and the challenge names no error (RFC 6750 §3)."""
    challenge = "Bearer" if token is None else 'Bearer error="invalid_token"'
    return OAuthError("invalid_token", "no such token", headers={"WWW-Authenticate": challenge})


def check(app_configs: Sequence[Any] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """idp.E107: the setting is a mode that there is. idp.W103: anybody may register a client."""
    mode = conf.authority().dynamic_registration
    if mode not in MODES:
        return [checks.Error(f"CAUSEWAY_DYNAMIC_REGISTRATION must be one of {', '.join(MODES)}.", id="idp.E107")]
    if mode == OPEN:
        return [
            checks.Warning("Anybody may register a client.", hint="token is for those whom you know.", id="idp.W103")
        ]
    return []


def purge(*, now: int) -> int:
    """Forget tokens that expired and counts of the past; the number of rows."""
    tokens = RegistrationToken.objects.filter(expires_at__lt=now).delete()[0]
    return tokens + RegistrationCount.objects.filter(begins_at__lt=now - SPAN).delete()[0]


def _count(now: int) -> None:
    begins_at = now - now % SPAN
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [begins_at])
        attempts: int = cursor.fetchone()[0]
    if attempts > MAX_ATTEMPTS:
        wait = {"Retry-After": str(begins_at + SPAN - now)}
        raise OAuthError("temporarily_unavailable", "too many registrations", headers=wait)

"""A browser session that knows how and when its person was authenticated."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth import login, logout
from django.db import transaction
from django.http import HttpRequest

from idp import clock, prepared
from idp.accounts.models import Account, Traveller
from idp.audit import events
from idp.plain_rows import Columns

ACR_PASSWORD = "urn:causeway:acr:pwd"  # noqa: S105  one factor
ACR_MULTIFACTOR = "urn:causeway:acr:mfa"  # a passkey with user verification, or two factors
AMR_PASSWORD = ("pwd",)  # RFC 8176 §2
AMR_PASSKEY = ("hwk", "user", "mfa")

Ending = Callable[[Account, str, int], None]  # whose session, its sid, seconds since 1970

_endings: list[Ending] = []
_KEY = "causeway_authentication"
_TRAVELLER = Columns(Traveller, "t", ["id", "account"])
_OF_ACCOUNT = f"SELECT {_TRAVELLER.sql} FROM {_TRAVELLER.table} WHERE t.account_id = $1"  # noqa: S608  constants
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Authenticated:
    """Who is logged in, and how surely."""

    account: Account
    traveller: Traveller | None  # None for an officer
    acr: str
    amr: tuple[str, ...]  # RFC 8176
    auth_time: int  # seconds since 1970
    sid: str = ""  # names the session without being its key; the same while its person stays


def on_end(ending: Ending) -> None:
    """Call ``ending`` whenever a session ends, in the transaction that ends it. For the rooms above, once, at start."""
    if ending not in _endings:
        _endings.append(ending)


def authentication(request: HttpRequest) -> Authenticated | None:
    """The authentication of this browser session, or None when there is none that `begin` made.

    A session of the admin site (password and one-time password of an officer) is not one.
    """
    facts = request.session.get(_KEY)
    account = request.user
    if not isinstance(facts, dict) or not isinstance(account, Account):  # a closed account is AnonymousUser here
        return None
    traveller = _traveller(account)
    return Authenticated(account, traveller, facts["acr"], tuple(facts["amr"]), facts["at"], facts.get("sid", ""))


@transaction.atomic
def begin(*, request: HttpRequest, account: Account, acr: str, amr: Sequence[str], now: int) -> Authenticated:
    """Log ``account`` in at ``now`` with a fresh session key, whatever the session was before."""
    before = authentication(request)
    sid = before.sid if before is not None and before.account.pk == account.pk else ""
    if before is not None and not sid:  # somebody else takes the browser over
        _ended(before, now=now)
    sid = sid or secrets.token_urlsafe(32)
    request.session.flush()  # nothing that was put into an anonymous session survives (RFC 9700 §4.7)
    login(request, account, backend=_BACKEND)
    request.session[_KEY] = {"acr": acr, "amr": list(amr), "at": now, "sid": sid}
    events.record(kind="accounts.logged_in", actor=f"account:{account.pk}", data={"acr": acr, "amr": list(amr)})
    return Authenticated(account, _traveller(account), acr, tuple(amr), now, sid)


@transaction.atomic
def end(*, request: HttpRequest) -> None:
    """Log out and forget the session."""
    who = authentication(request)
    if who is not None:
        _ended(who, now=clock.now())
    if isinstance(request.user, Account):
        events.record(kind="accounts.logged_out", actor=f"account:{request.user.pk}")
    logout(request)


def _traveller(account: Account) -> Traveller | None:
    for row in prepared.rows(_OF_ACCOUNT, [account.pk]):
        found = _TRAVELLER.read(row)
        found.account = account
        return found
    return None


def _ended(who: Authenticated, *, now: int) -> None:
    for ending in _endings:
        if who.sid:
            ending(who.account, who.sid, now)

"""Who is an officer, who holds which role, since when and by whom it was given."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils.translation import gettext as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.appointing import changing
from idp.accounts.models import Account, OfficerInvitation, RoleGrant
from idp.proposals.models import Proposal


@dataclass(frozen=True)
class Held:
    """One role as an officer holds or held it. ``by`` are the officers who gave it, by name, or the console."""

    role: str
    since: datetime.datetime
    until: datetime.datetime | None
    by: str


@dataclass(frozen=True)
class Row:
    """One officer as the list shows it."""

    account: Account
    roles: Sequence[Held]
    passkeys: int
    codes: bool  # a one-time password device
    invited_until: datetime.datetime | None


def everyone(*, now: int, closed: bool = False) -> list[Row]:
    """Officers with open accounts, or those with ``closed`` ones, by name, with the roles that they hold."""
    return _rows(Account.objects.filter(is_active=not closed).order_by("username"), now=now, ended=Q(ended_at=None))


def one(account: Account, *, now: int) -> Row:
    """One officer, with the roles that ended, too, the newest first."""
    return _rows(Account.objects.filter(pk=account.pk), now=now, ended=Q())[0]


def waiting(*, now: int, account: Account | None = None) -> list[Proposal]:
    """What is proposed about officers, or about one of them, and not decided."""
    kinds = (changing.ROLE, changing.OFFICER)
    standing = Proposal.objects.filter(kind__in=kinds, state=Proposal.State.PROPOSED, expires_at__gt=now)
    return list(standing.filter(subject=f"account:{account.pk}") if account else standing)


def _rows(accounts: Any, *, now: int, ended: Q) -> list[Row]:
    grants = RoleGrant.objects.filter(ended).order_by("-granted_at", "-pk")
    invited = OfficerInvitation.objects.filter(closed_at=None, expires_at__gt=now)
    found = list(
        accounts.filter(kind=Account.Kind.OFFICER)
        .annotate(
            passkey_count=Count("passkeys"),
            has_codes=Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)),
        )
        .prefetch_related(
            Prefetch("role_grants", queryset=grants, to_attr="grants"),
            Prefetch("invitations", queryset=invited, to_attr="invited"),
        )
    )
    names = _names(grant.granted_by for account in found for grant in account.grants)
    return [
        Row(
            account,
            [_held(grant, names) for grant in account.grants],
            account.passkey_count,
            account.has_codes,
            moment(account.invited[0].expires_at) if account.invited else None,
        )
        for account in found
    ]


def _held(grant: RoleGrant, names: dict[str, str]) -> Held:
    until = None if grant.ended_at is None else moment(grant.ended_at)
    by = ", ".join(names.get(item, item) for item in grant.granted_by.split())
    return Held(grant.get_role_display(), moment(grant.granted_at), until, by)


def _names(given: Iterable[str]) -> dict[str, str]:
    """User names of those whom grants name as the audit does."""
    numbers = {item.removeprefix("account:") for by in given for item in by.split() if item.startswith("account:")}
    known = Account.objects.filter(pk__in=[int(number) for number in numbers if number.isdecimal()])
    people = {f"account:{pk}": name for pk, name in known.values_list("pk", "username")}
    return {**people, "console": _("the console")}


def moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)

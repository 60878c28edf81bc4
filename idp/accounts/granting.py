"""Giving and taking roles of officers, and who holds which."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from idp.accounts.models import Account, RoleGrant
from idp.accounts.roles import APPOINT, DECIDE, Role, with_permission
from idp.audit import events

NEEDED = {  # permissions that somebody always holds, and what nobody could do without
    DECIDE: "nobody would be left who can decide proposals",
    APPOINT: "nobody would be left who can appoint officers",
}


class UnableToChangeRole(Exception):
    """The role stays as it is. The message is for officers."""


def roles_of(account: Account) -> list[Role]:
    """The roles that ``account`` holds now, in the order of `Role`."""
    held = set(RoleGrant.objects.filter(account=account, ended_at=None).values_list("role", flat=True))
    return [role for role in Role if role.value in held]


def roles_of_actor(actor: str) -> list[str]:
    """The roles of "account:7" as the audit writes them; none of whoever is no officer."""
    room, _, number = actor.partition(":")
    if room != "account" or not number.isdecimal():
        return []
    held = set(RoleGrant.objects.filter(account=int(number), ended_at=None).values_list("role", flat=True))
    return [role.value for role in Role if role.value in held]


@transaction.atomic
def grant(*, account: Account, role: Role, actor: str, officers: Sequence[str] = (), now: int) -> RoleGrant:
    """Give ``role``; ``officers`` are those who proposed and approved it, where two did: the grant names them both.

    Raises `UnableToChangeRole`: not an officer, closed, or held already.
    """
    if account.kind != Account.Kind.OFFICER or not account.is_active:
        raise UnableToChangeRole("only an officer whose account is open can hold a role")
    try:
        with transaction.atomic():
            by = " ".join(officers) or actor
            made = RoleGrant.objects.create(account=account, role=role, granted_by=by, granted_at=now)
    except IntegrityError as error:
        raise UnableToChangeRole("the officer holds this role already") from error
    _record("granted", account, role, actor, officers)
    return made


@transaction.atomic
def end(*, account: Account, role: Role, actor: str, officers: Sequence[str] = (), now: int) -> None:
    """Take ``role`` away. Raises `UnableToChangeRole`: not held, or nobody would be left for what `NEEDED` names."""
    lock()
    check_somebody_is_left(but=account, role=role)
    ended = RoleGrant.objects.filter(account=account, role=role, ended_at=None).update(ended_at=now)
    if not ended:
        raise UnableToChangeRole("the officer does not hold this role")
    _record("ended", account, role, actor, officers)


@transaction.atomic
def end_all(*, account: Account, actor: str, officers: Sequence[str] = (), now: int) -> None:
    """Take every role away, with the account. Raises `UnableToChangeRole` as `end` does."""
    lock()
    check_somebody_is_left(but=account)
    roles = roles_of(account)
    RoleGrant.objects.filter(account=account, ended_at=None).update(ended_at=now)
    for role in roles:
        _record("ended", account, role, actor, officers)


def lock() -> None:
    """Let one at a time, until the end of the transaction, take from officers what somebody has to hold.

    Of two who go at once each would see the other stay.
    """
    officers = Account.objects.select_for_update().filter(kind=Account.Kind.OFFICER)
    list(officers.order_by("pk").values_list("pk", flat=True))


def check_somebody_is_left(*, but: Account, role: Role | None = None) -> None:
    """Raises `UnableToChangeRole` where ``but`` is the last with what `NEEDED` names and would lose it with ``role``.

    Without ``role``: with the account.
    """
    for permission, text in NEEDED.items():
        standing = holders(permission).filter(is_active=True)
        keeps = role is not None and _holds_otherwise(but, permission, role)
        if keeps or not standing.filter(pk=but.pk).exists():
            continue
        if not standing.exclude(pk=but.pk).exists():
            raise UnableToChangeRole(text)


def _holds_otherwise(account: Account, permission: str, role: Role) -> bool:
    others = with_permission(permission) - {role}
    return account.is_superuser or any(held in others for held in roles_of(account))


def holders(permission: str, *, superusers: bool = True) -> QuerySet[Account]:
    """The officers whose roles have ``permission`` ("app.codename"); those with every permission too, if wanted."""
    live = Q(role_grants__role__in=with_permission(permission), role_grants__ended_at=None)
    wanted = live | Q(is_superuser=True) if superusers else live
    return Account.objects.filter(wanted, kind=Account.Kind.OFFICER).distinct()


def with_role(role: Role) -> QuerySet[Account]:
    """The officers with an open account who hold ``role`` now."""
    return Account.objects.filter(is_active=True, role_grants__role=role, role_grants__ended_at=None)


def _record(what: str, account: Account, role: Role, actor: str, officers: Sequence[str]) -> None:
    data: dict[str, object] = {"role": role.value}
    if officers:
        data["officers"] = list(officers)
    events.record(kind=f"accounts.role_{what}", actor=actor, subject=f"account:{account.pk}", data=data)

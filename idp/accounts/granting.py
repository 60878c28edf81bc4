"""Giving and taking roles of officers, and who holds which."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from idp.accounts.models import Account, RoleGrant
from idp.accounts.roles import DECIDE, Role, with_permission
from idp.audit import events


class UnableToChangeRole(Exception):
    """The role stays as it is. The message is for officers."""


def roles_of(account: Account) -> list[Role]:
    """The roles that ``account`` holds now, in the order of `Role`."""
    held = set(RoleGrant.objects.filter(account=account, ended_at=None).values_list("role", flat=True))
    return [role for role in Role if role.value in held]


@transaction.atomic
def grant(*, account: Account, role: Role, actor: str, officers: Iterable[str] = (), now: int) -> RoleGrant:
    """Give ``role``; ``officers`` are those who proposed and approved it, where two did.

    Raises `UnableToChangeRole`: not an officer, closed, or held already.
    """
    if account.kind != Account.Kind.OFFICER or not account.is_active:
        raise UnableToChangeRole("only an officer whose account is open can hold a role")
    try:
        with transaction.atomic():
            made = RoleGrant.objects.create(account=account, role=role, granted_by=actor, granted_at=now)
    except IntegrityError as error:
        raise UnableToChangeRole("the officer holds this role already") from error
    _record("granted", account, role, actor, officers)
    return made


@transaction.atomic
def end(*, account: Account, role: Role, actor: str, officers: Iterable[str] = (), now: int) -> None:
    """Take ``role`` away. Raises `UnableToChangeRole`: not held, or nobody would be left to decide proposals."""
    ended = RoleGrant.objects.filter(account=account, role=role, ended_at=None).update(ended_at=now)
    if not ended:
        raise UnableToChangeRole("the officer does not hold this role")
    if role in with_permission(DECIDE) and not holders(DECIDE).filter(is_active=True).exists():
        raise UnableToChangeRole("nobody would be left who can decide proposals")
    _record("ended", account, role, actor, officers)


def holders(permission: str, *, superusers: bool = True) -> QuerySet[Account]:
    """The officers whose roles have ``permission`` ("app.codename"); those with every permission too, if wanted."""
    live = Q(role_grants__role__in=with_permission(permission), role_grants__ended_at=None)
    wanted = live | Q(is_superuser=True) if superusers else live
    return Account.objects.filter(wanted, kind=Account.Kind.OFFICER).distinct()


def _record(what: str, account: Account, role: Role, actor: str, officers: Iterable[str]) -> None:
    data: dict[str, object] = {"role": role.value}
    if people := list(officers):
        data["officers"] = people
    events.record(kind=f"accounts.role_{what}", actor=actor, subject=f"account:{account.pk}", data=data)

"""Changes of officers and of their roles, by two officers, neither of whom the change is about.

Payloads: of `ROLE` ``{"account": number, "change": "grant" | "end", "role"}``; of `OFFICER`
``{"change": "create", "username", "roles"}`` or ``{"change": "close" | "invite", "account"}``. Creating and inviting
hand the approver a link, good once.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from idp.accounts import granting, invitations, officers
from idp.accounts.models import Account
from idp.accounts.roles import APPOINT, DUTIES, Role
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal

ROLE, OFFICER = "accounts.role", "accounts.officer"
REFUSED = (granting.UnableToChangeRole, officers.UnableToAppoint, invitations.UnableToEnrol)


def subject_of(payload: Mapping[str, Any]) -> str:
    """Whom a change is about: "account:7", or "officer:NAME" of one who is not there yet."""
    return f"account:{payload['account']}" if "account" in payload else f"officer:{payload['username']}"


class RoleChange:
    """The executor of `ROLE` (`idp.proposals.executors.Executor` and `AboutOfficers`)."""

    label = "role of an officer"
    permission = APPOINT

    def concerned(self, proposal: Proposal) -> Collection[str]:
        return [subject_of(proposal.payload)]

    def check(self, proposal: Proposal, *, now: int) -> None:
        account, role = _role(proposal.payload)
        held = role in granting.roles_of(account)
        if proposal.payload["change"] == "grant" and held:
            raise Unacceptable("the officer holds this role already")
        if proposal.payload["change"] == "end":
            if not held:
                raise Unacceptable("the officer does not hold this role")
            _check_left(account, role)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        account, role = _role(proposal.payload)
        change = granting.grant if proposal.payload["change"] == "grant" else granting.end
        try:
            change(account=account, role=role, **_by(proposal), now=now)
        except REFUSED as error:
            raise Unacceptable(str(error)) from error

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        account, role = _role(proposal.payload)
        words = {"name": account.username, "role": role.label}
        if proposal.payload["change"] == "grant":
            return [_("%(name)s gets the role %(role)s.") % words, str(DUTIES[role])]
        left = granting.with_role(role).exclude(pk=account.pk).count()
        others = ngettext("%d other officer holds it.", "%d other officers hold it.", left) % left
        return [_("%(name)s loses the role %(role)s.") % words, others]


class OfficerChange:
    """The executor of `OFFICER`."""

    label = "officer"
    permission = APPOINT

    def concerned(self, proposal: Proposal) -> Collection[str]:
        return [subject_of(proposal.payload)]

    def check(self, proposal: Proposal, *, now: int) -> None:
        payload = proposal.payload
        if payload.get("change") == "create":
            _new(payload)
        elif payload.get("change") in ("close", "invite"):
            account = _officer(payload)
            if payload["change"] == "close":
                _check_left(account, None)
        else:
            raise Unacceptable("an officer is created, invited anew or closed")

    def execute(self, proposal: Proposal, *, now: int) -> None:
        self.check(proposal, now=now)
        payload, by = proposal.payload, _by(proposal)
        try:
            if payload["change"] == "close":
                officers.disable(account=_officer(payload), **by, now=now)
                return
            if payload["change"] == "create":
                name, roles = _new(payload)
                account = officers.create_without_password(username=name, roles=roles, **by)
            else:
                account = _officer(payload)
            proposal.handed_over = invitations.invite(account=account, **by, now=now)
        except REFUSED as error:
            raise Unacceptable(str(error)) from error

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        payload = proposal.payload
        if payload["change"] == "create":
            name, roles = _new(payload)
            return [_("%s becomes an officer.") % name, *(f"{role.label}: {DUTIES[role]}" for role in roles), _link()]
        account = _officer(payload)
        if payload["change"] == "invite":
            return [_("%s makes a new passkey by a link. Passkeys that are there stay.") % account.username, _link()]
        held = ", ".join(str(role.label) for role in granting.roles_of(account))
        return [
            _("The account of %s is closed for good, and its sessions end.") % account.username,
            _("Roles that end with it: %s") % (held or _("none")),
        ]


def _link() -> str:
    return _("Who approves is shown a link, once. It is good once, within 24 hours: hand it over in person.")


def _by(proposal: Proposal) -> dict[str, Any]:
    return {"actor": proposal.decided_by, "officers": [proposal.proposed_by, proposal.decided_by]}


def _officer(payload: Mapping[str, Any]) -> Account:
    number = payload.get("account")
    open_ones = Account.objects.filter(kind=Account.Kind.OFFICER, is_active=True)
    account: Account | None = open_ones.filter(pk=number).first() if type(number) is int else None
    if account is None:
        raise Unacceptable("there is no such officer, or the account is closed")
    return account


def _role(payload: Mapping[str, Any]) -> tuple[Account, Role]:
    if payload.get("role") not in Role.values or payload.get("change") not in ("grant", "end"):
        raise Unacceptable("a role is given or ended")
    return _officer(payload), Role(payload["role"])


def _new(payload: Mapping[str, Any]) -> tuple[str, list[Role]]:
    """The name and the roles of one who would be made."""
    name, roles = payload.get("username"), payload.get("roles")
    if not isinstance(name, str) or not isinstance(roles, list) or not roles or not set(roles) <= set(Role.values):
        raise Unacceptable("an officer has a name, and a role at least")
    try:
        return officers.check_name(name), [role for role in Role if role.value in roles]
    except officers.UnableToAppoint as error:
        raise Unacceptable(str(error)) from error


def _check_left(account: Account, role: Role | None) -> None:
    try:
        granting.check_somebody_is_left(but=account, role=role)
    except granting.UnableToChangeRole as error:
        raise Unacceptable(str(error)) from error

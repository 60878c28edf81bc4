"""Invitations: a link by which a new officer makes a passkey and needs no password. Good once, for 24 hours."""

import hashlib
import secrets
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from idp import conf
from idp.accounts import registration
from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, OfficerInvitation, Passkey
from idp.audit import events

LIFETIME = 24 * 3600  # seconds; as long as a lane's
SECRET_BYTES = 32


class UnableToEnrol(Exception):
    """No passkey was made. ``code`` is one of `idp.problems`: not_found, invalid_proof, conflict."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


@transaction.atomic
def invite(*, account: Account, actor: str, officers: Sequence[str] = (), now: int) -> str:
    """The link for an officer, to be handed over by a way that is trusted; an earlier one stops working.

    ``officers`` proposed and approved it, where two did. Raises `UnableToEnrol`.
    """
    if account.kind != Account.Kind.OFFICER or not account.is_active:
        raise UnableToEnrol("not an active officer", code="conflict")
    Account.objects.select_for_update().get(pk=account.pk)
    earlier = OfficerInvitation.objects.filter(account=account, closed_at=None)
    earlier.update(closed_at=now, outcome=OfficerInvitation.Outcome.REPLACED)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    OfficerInvitation.objects.create(account=account, digest=_digest(secret), created_at=now, expires_at=now + LIFETIME)
    data = {"officers": list(officers)} if officers else {}
    events.record(kind="accounts.officer_invited", actor=actor, subject=f"account:{account.pk}", data=data)
    return conf.authority().url(f"/admin/enrol/{secret}/")


def find(*, secret: str, now: int) -> OfficerInvitation:
    """The open invitation of a link. Raises `UnableToEnrol`, the same whatever is wrong with it."""
    found = OfficerInvitation.objects.select_related("account").filter(
        digest=_digest(secret), closed_at=None, expires_at__gt=now, account__is_active=True
    )
    invitation: OfficerInvitation | None = found.first()
    if invitation is None:
        raise UnableToEnrol("no such invitation, or it was used, replaced or is too old", code="not_found")
    return invitation


def accept(*, secret: str, credential: NewCredential, name: str, now: int) -> Passkey:
    """Use the link up for a verified new credential, which is the officer's from now on. Raises `UnableToEnrol`."""
    invitation = find(secret=secret, now=now)
    account = invitation.account
    if credential.user_handle != bytes(account.user_handle):
        raise UnableToEnrol("the passkey was made for another account", code="invalid_proof")
    try:
        with transaction.atomic():
            _use_up(invitation, now)
            passkey = registration.store(account=account, credential=credential, name=name)
            events.record(
                kind="accounts.officer_enrolled", actor=f"account:{account.pk}", subject=f"passkey:{passkey.pk}"
            )
    except IntegrityError as error:
        raise UnableToEnrol("the passkey is known already", code="conflict") from error
    return passkey


def _use_up(invitation: OfficerInvitation, now: int) -> None:
    """One statement, so that of two who come at once one is let in."""
    still = OfficerInvitation.objects.filter(pk=invitation.pk, closed_at=None, expires_at__gt=now)
    if still.update(closed_at=now, outcome=OfficerInvitation.Outcome.USED) != 1:
        raise UnableToEnrol("somebody else was first", code="not_found")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

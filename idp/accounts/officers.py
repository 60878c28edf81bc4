"""Officers: the people of the authority, who log in at the admin site with a passkey, or with password and code."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp import clock
from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.registration import PASSWORD_VALIDATORS
from idp.accounts.roles import Role
from idp.audit import events


class UnableToAppoint(Exception):
    """No officer was made."""


@dataclass(frozen=True)
class SecondFactor:
    """Shown once, to be typed or scanned into the officer's authenticator."""

    otpauth_uri: str
    secret: str  # base32, as authenticator programs take it


def create(
    *, username: str, password: str, actor: str, roles: Iterable[Role] = tuple(Role), superuser: bool = False
) -> Account:
    """Make an officer who holds ``roles``; ``superuser`` is one whom no table of roles binds.

    Raises `UnableToAppoint`: name taken or malformed, password too weak.
    """
    account = _named(username)
    account.is_superuser = superuser
    try:
        validate_password(password, account, PASSWORD_VALIDATORS)
    except ValidationError as error:
        raise UnableToAppoint(" ".join(error.messages)) from error
    account.set_password(password)
    return _stored(account, actor, roles)


def create_without_password(
    *, username: str, actor: str, roles: Iterable[Role] = tuple(Role), officers: Sequence[str] = ()
) -> Account:
    """The same for an officer who gets an invitation, and a passkey by it; ``officers`` proposed and approved it.

    Raises `UnableToAppoint`.
    """
    account = _named(username)
    account.set_unusable_password()
    return _stored(account, actor, roles, officers)


def check_name(username: str) -> str:
    """The name as an officer would have it. Raises `UnableToAppoint`: taken or malformed."""
    name = _named(username).username
    if Account.objects.filter(username=name).exists():
        raise UnableToAppoint("This user name is taken.")
    return name


def _named(username: str) -> Account:
    account = Account(username=Account.normalize_username(username), kind=Account.Kind.OFFICER, is_staff=True)
    try:
        account._meta.get_field("username").run_validators(account.username)
    except ValidationError as error:
        raise UnableToAppoint(" ".join(error.messages)) from error
    return account


def _stored(account: Account, actor: str, roles: Iterable[Role], officers: Sequence[str] = ()) -> Account:
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            data = {"officers": list(officers)} if officers else {}
            events.record(kind="accounts.officer_created", actor=actor, subject=f"account:{account.pk}", data=data)
            for role in roles:
                granting.grant(account=account, role=role, actor=actor, officers=officers, now=clock.now())
    except IntegrityError as error:
        raise UnableToAppoint("This user name is taken.") from error
    return account


@transaction.atomic
def give_second_factor(*, account: Account, actor: str) -> SecondFactor:
    """Give the officer a new one-time password secret (RFC 6238); earlier ones stop working."""
    TOTPDevice.objects.filter(user=account).delete()
    device = TOTPDevice.objects.create(user=account, name="authenticator", confirmed=True)
    events.record(kind="accounts.second_factor_given", actor=actor, subject=f"account:{account.pk}")
    return SecondFactor(device.config_url, base64.b32encode(device.bin_key).decode().rstrip("="))


@transaction.atomic
def disable(*, account: Account, actor: str, officers: Sequence[str] = (), now: int) -> None:
    """Close an officer's account and end its roles; its history stays. Its sessions end with their next request.

    Raises `granting.UnableToChangeRole`: closed before, or nobody would be left for what somebody has to do.
    """
    granting.end_all(account=account, actor=actor, officers=officers, now=now)
    if not Account.objects.filter(pk=account.pk, is_active=True).update(is_active=False):
        raise granting.UnableToChangeRole("the account is closed")
    data = {"officers": list(officers)} if officers else {}
    events.record(kind="accounts.officer_disabled", actor=actor, subject=f"account:{account.pk}", data=data)

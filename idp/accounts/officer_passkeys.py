"""An officer's own passkeys: one more, another name, one less, and never none of what lets the officer in."""

from django.db import IntegrityError, transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts import registration
from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, Passkey
from idp.accounts.passkeys import MAX_PASSKEYS, RECENT_SECONDS, UnableToChange
from idp.audit import events


def is_recent(*, logged_in_at: int, now: int) -> bool:
    """Both factors were shown within a quarter of an hour: a screen left open gives nobody a way in of their own."""
    return 0 <= now - logged_in_at <= RECENT_SECONDS


def require_recent(*, logged_in_at: int, now: int) -> None:
    """Raises `UnableToChange` unless `is_recent`."""
    if not is_recent(logged_in_at=logged_in_at, now=now):
        raise UnableToChange("a newer login is needed", code="insufficient_user_authentication")


def add(*, account: Account, credential: NewCredential, name: str) -> Passkey:
    """Add a verified new credential. Raises `UnableToChange`: conflict, invalid_proof."""
    if credential.user_handle != bytes(account.user_handle):
        raise UnableToChange("the passkey was made for another account", code="invalid_proof")
    try:
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=account.pk)
            if account.passkeys.count() >= MAX_PASSKEYS:
                raise UnableToChange("too many passkeys", code="conflict")
            passkey = registration.store(account=account, credential=credential, name=name)
            _record("accounts.passkey_added", passkey)
    except IntegrityError as error:
        raise UnableToChange("the passkey is known already", code="conflict") from error
    return passkey


@transaction.atomic
def rename(*, account: Account, passkey_id: int, name: str) -> None:
    """Give a passkey a name by which its owner knows it. Raises `UnableToChange`: not_found."""
    passkey = _own(account, passkey_id)
    Passkey.objects.filter(pk=passkey.pk).update(name=name[:64])
    _record("accounts.passkey_renamed", passkey)


@transaction.atomic
def remove(*, account: Account, passkey_id: int) -> None:
    """Remove a passkey; sessions that rest on it end. Raises `UnableToChange`: not_found, or conflict for the last."""
    locked = Account.objects.select_for_update().get(pk=account.pk)
    passkey = _own(locked, passkey_id)
    others = locked.passkeys.exclude(pk=passkey.pk).exists()
    typed = locked.has_usable_password() and TOTPDevice.objects.filter(user=locked, confirmed=True).exists()
    if not (others or typed):
        raise UnableToChange("the only way to log in", code="conflict")
    _record("accounts.passkey_removed", passkey)
    passkey.delete()


def _own(account: Account, passkey_id: int) -> Passkey:
    passkey: Passkey | None = account.passkeys.filter(pk=passkey_id).first()
    if passkey is None:
        raise UnableToChange("no such passkey", code="not_found")
    return passkey


def _record(kind: str, passkey: Passkey) -> None:
    events.record(kind=kind, actor=f"account:{passkey.account_id}", subject=f"passkey:{passkey.pk}")

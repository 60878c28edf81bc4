"""Adding and removing the passkeys of an account."""

from django.db import IntegrityError, transaction

from idp.accounts import registration
from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, Passkey
from idp.accounts.sessions import ACR_MULTIFACTOR, Authenticated
from idp.audit import events

MAX_PASSKEYS = 20  # more than a person has; bounds the list that is sent to a browser
RECENT_SECONDS = 900  # after this, changing credentials asks for the passkey again


class UnableToChange(Exception):
    """The passkeys stay as they are. ``code`` is one of `idp.problems`."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


def require_strength(*, authenticated: Authenticated, now: int) -> None:
    """Changing passkeys needs one that was used within `RECENT_SECONDS`; without any, a recent password.

    So a stolen password cannot be made into a second factor of an account that has one. Raises `UnableToChange`.
    """
    protected = authenticated.account.passkeys.exists()
    if (protected and authenticated.acr != ACR_MULTIFACTOR) or now - authenticated.auth_time > RECENT_SECONDS:
        raise UnableToChange("a stronger or newer login is needed", code="insufficient_user_authentication")


def add(*, authenticated: Authenticated, credential: NewCredential, name: str, now: int) -> Passkey:
    """Add a verified new credential to the account. Raises `UnableToChange`."""
    require_strength(authenticated=authenticated, now=now)
    account = authenticated.account
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
def remove(*, authenticated: Authenticated, passkey_id: int, now: int) -> None:
    """Remove a passkey of the account. Raises `UnableToChange`: not_found, or conflict for the only way to log in."""
    require_strength(authenticated=authenticated, now=now)
    account = Account.objects.select_for_update().get(pk=authenticated.account.pk)
    passkey = account.passkeys.filter(pk=passkey_id).first()
    if passkey is None:
        raise UnableToChange("no such passkey", code="not_found")
    if account.passkeys.count() == 1 and not account.has_usable_password():
        raise UnableToChange("the only way to log in", code="conflict")
    _record("accounts.passkey_removed", passkey)
    passkey.delete()


def _record(kind: str, passkey: Passkey) -> None:
    events.record(kind=kind, actor=f"account:{passkey.account_id}", subject=f"passkey:{passkey.pk}")

"""Becoming a traveller of this authority: an account with a passkey, or with a password."""

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from idp.accounts.ceremonies import NewCredential
from idp.accounts.models import Account, Passkey, Traveller
from idp.audit import events

MIN_PASSWORD = 12  # with a throttle, beyond what NIST SP 800-63B §5.1.1.2 asks of one factor
PASSWORD_VALIDATORS = (
    MinimumLengthValidator(MIN_PASSWORD),
    CommonPasswordValidator(),
    UserAttributeSimilarityValidator(user_attributes=("username", "display_name")),
)


class UnableToRegister(Exception):
    """No account was made. ``code`` is one of `idp.problems`."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


def check_username(username: str) -> str:
    """The one spelling of ``username``. Raises `UnableToRegister`: invalid_request, or conflict when it is taken."""
    name = Account.normalize_username(username)
    try:
        Account._meta.get_field("username").run_validators(name)
    except ValidationError as error:
        raise UnableToRegister("not a user name", code="invalid_request") from error
    if Account.objects.filter(username=name).exists():
        raise UnableToRegister("the user name is taken", code="conflict")
    return name


def with_password(*, username: str, display_name: str, password: str) -> Traveller:
    """Make a traveller whose password has been checked with `PASSWORD_VALIDATORS`. Raises `UnableToRegister`."""
    return _create(username, display_name=display_name, password=password, credential=None)


def with_passkey(*, username: str, display_name: str, credential: NewCredential) -> Traveller:
    """Make a traveller without a password, whose first passkey is ``credential``. Raises `UnableToRegister`."""
    return _create(username, display_name=display_name, password=None, credential=credential)


def _create(username: str, *, display_name: str, password: str | None, credential: NewCredential | None) -> Traveller:
    name = check_username(username)
    extra = {} if credential is None else {"user_handle": credential.user_handle}
    try:
        with transaction.atomic():
            account = Account.objects.create_user(name, password, display_name=display_name[:64], **extra)
            traveller = Traveller.objects.create(account=account)
            if credential is not None:
                store(account=account, credential=credential, name="")
            events.record(
                kind="accounts.registered",
                actor=f"account:{account.pk}",
                subject=f"traveller:{traveller.pk}",
                data={"passkey": credential is not None},
            )
    except IntegrityError as error:  # a race for the name, or a credential that belongs to somebody
        raise UnableToRegister("the name or the passkey is taken", code="conflict") from error
    return traveller


def store(*, account: Account, credential: NewCredential, name: str) -> Passkey:
    """Insert a passkey row; the caller holds the transaction and writes the audit event."""
    return Passkey.objects.create(
        account=account,
        credential_id=credential.credential_id,
        public_key=credential.public_key,
        sign_count=credential.sign_count,
        aaguid=credential.aaguid,
        backed_up=credential.backed_up,
        name=name[:64],
    )

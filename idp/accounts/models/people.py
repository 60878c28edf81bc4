"""Accounts and travellers. An account is a traveller's or an officer's, never both."""

import secrets
import unicodedata
import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.endings import Ends, EndsQuerySet, dated

USER_HANDLE_BYTES = 64  # WebAuthn Level 2 §14.6.1 recommends 64 random bytes


def new_user_handle() -> bytes:
    """A fresh WebAuthn user handle, which says nothing of the person."""
    return secrets.token_bytes(USER_HANDLE_BYTES)


class AccountManager(BaseUserManager["Account"].from_queryset(EndsQuerySet)):  # type: ignore[misc]
    """Makes accounts, and finds them however the name was typed."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "Account":
        """A traveller's account unless ``kind`` says otherwise; without ``password`` it has none that works."""
        account = self.model(username=self.model.normalize_username(username), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "Account":
        """An officer with every permission (``manage.py officer create`` adds the second factor)."""
        fields = {"kind": Account.Kind.OFFICER, "is_staff": True, "is_superuser": True, **fields}
        return self.create_user(username, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.get(username=self.model.normalize_username(username or ""))


class Account(Ends, AbstractBaseUser, PermissionsMixin):
    """Somebody who can log in here."""

    STATE, OVER, ENDED_AT = "is_active", False, "closed_at"

    class Kind(models.TextChoices):
        TRAVELLER = "traveller", _("traveller")
        OFFICER = "officer", _("officer")

    username = models.CharField(
        _("user name"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"\A[\w.@+-]{3,64}\Z", _("Use 3 to 64 letters, digits and . _ @ + - only."))],
    )
    display_name = models.CharField(_("name shown to you"), max_length=64, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.TRAVELLER)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    closed_at = models.BigIntegerField(null=True, blank=True, editable=False)  # seconds since 1970
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    user_handle = models.BinaryField(default=new_user_handle, max_length=USER_HANDLE_BYTES, unique=True)

    objects = AccountManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        indexes = [
            models.Index(name="accounts_account_closed", fields=["closed_at"], condition=Q(closed_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(
                name="accounts_account_closed_dated", condition=dated("is_active", False, "closed_at")
            ),
            models.CheckConstraint(name="accounts_account_kind_known", condition=Q(kind__in=["traveller", "officer"])),
            models.CheckConstraint(
                name="accounts_account_staff_is_officer", condition=Q(is_staff=False) | Q(kind="officer")
            ),
            models.CheckConstraint(
                name="accounts_account_superuser_is_officer", condition=Q(is_superuser=False) | Q(kind="officer")
            ),
            models.CheckConstraint(
                name="accounts_account_handle_length", condition=Exact(Length("user_handle"), USER_HANDLE_BYTES)
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """One spelling of a name: NFKC and case folded, so that no two accounts look alike."""
        return unicodedata.normalize("NFKC", username).casefold()


class Traveller(models.Model):
    """The person whom an account of kind traveller stands for; or a child, for whom guardians' accounts answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.OneToOneField(Account, null=True, on_delete=models.PROTECT, related_name="traveller")
    ward_since = models.BigIntegerField(null=True, blank=True, editable=False)  # seconds since 1970, of a child
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("traveller")
        verbose_name_plural = _("travellers")
        constraints = [
            models.CheckConstraint(
                name="accounts_traveller_has_account_or_is_ward",
                condition=Q(account__isnull=False, ward_since=None) | Q(account=None, ward_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

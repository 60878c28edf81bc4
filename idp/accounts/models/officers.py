"""How officers get in: their passkeys as second factors of the admin site, and the invitations of new ones."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager

from idp.accounts.models.people import Account

DIGEST_BYTES = 32  # SHA-256


class OfficerPasskeyManager(DeviceManager):  # type: ignore[misc]  # django-otp has no types
    """Officers' passkeys; none of them where a device is looked for to which a code is typed."""

    def get_queryset(self) -> "models.QuerySet[OfficerPasskey]":
        officers = {"user__kind": Account.Kind.OFFICER, "user__is_staff": True, "user__is_active": True}
        found: models.QuerySet[OfficerPasskey] = super().get_queryset().filter(**officers)
        return found

    def devices_for_user(self, user: Any, confirmed: bool | None = None) -> "models.QuerySet[OfficerPasskey]":
        return self.none()


class OfficerPasskey(Device):  # type: ignore[misc]  # django-otp has no types
    """A passkey's row as django-otp reads it, so that a removed one ends its session with the next request.

    It has no table of its own: there is nothing beside the passkey that could say something else.
    """

    user = models.ForeignKey(Account, on_delete=models.DO_NOTHING, db_column="account_id", related_name="+")
    confirmed = True  # there is none that was not used when it was made

    objects = OfficerPasskeyManager()

    class Meta:
        managed = False
        db_table = "accounts_passkey"
        default_permissions = ()

    def verify_token(self, token: str) -> bool:
        """Nothing that can be typed is a passkey."""
        return False


class OfficerInvitation(models.Model):
    """A link by which an officer makes a passkey, good once. Of the link only the hash is here."""

    class Outcome(models.TextChoices):
        USED = "used", _("used")
        REPLACED = "replaced", _("replaced by a newer one")
        TAKEN_BACK = "taken_back", _("taken back")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    digest = models.BinaryField(max_length=DIGEST_BYTES, unique=True)  # SHA-256 of the link's secret
    created_at = models.BigIntegerField()  # seconds since 1970
    expires_at = models.BigIntegerField()
    closed_at = models.BigIntegerField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)

    class Meta:
        verbose_name = _("officer's invitation")
        verbose_name_plural = _("officers' invitations")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="accounts_invitation_digest_length", condition=Exact(Length("digest"), DIGEST_BYTES)
            ),
            models.CheckConstraint(
                name="accounts_invitation_expires_later", condition=Q(expires_at__gt=F("created_at"))
            ),
            models.CheckConstraint(
                name="accounts_invitation_closed_with_outcome",
                condition=Q(closed_at=None, outcome="")
                | Q(closed_at__isnull=False, outcome__in=["used", "replaced", "taken_back"]),
            ),
            models.UniqueConstraint(
                name="accounts_invitation_one_open", fields=["account"], condition=Q(closed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

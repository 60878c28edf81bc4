"""What a person proves themselves with: passkeys, and the key of the phone that carries border tokens."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from idp.accounts.models.people import Account, Traveller

THUMBPRINT_CHARS = 43  # RFC 7638 over SHA-256, base64url
MAX_CREDENTIAL_ID_BYTES = 1023  # WebAuthn Level 2 §4, credential ID


class Passkey(models.Model):
    """One WebAuthn credential of an account. Its user handle is the account's."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="passkeys")
    credential_id = models.BinaryField(max_length=MAX_CREDENTIAL_ID_BYTES, unique=True)
    public_key = models.BinaryField(max_length=1024)  # COSE_Key (RFC 9052 §7)
    sign_count = models.PositiveBigIntegerField(default=0)
    aaguid = models.UUIDField(null=True, blank=True)
    backed_up = models.BooleanField(default=False)  # synchronised to the maker's cloud
    name = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        constraints = [
            models.CheckConstraint(
                name="accounts_passkey_sign_count_range", condition=Q(sign_count__gte=0, sign_count__lt=2**32)
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"passkey {self.pk}"

    @property
    def user_handle(self) -> bytes:
        return bytes(self.account.user_handle)


class Device(models.Model):
    """A phone, known by the thumbprint of the DPoP key that it holds (RFC 9449). Never deleted, only revoked."""

    traveller = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="devices")
    jkt = models.CharField(max_length=THUMBPRINT_CHARS, unique=True)
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        indexes = [
            models.Index(name="accounts_device_revoked", fields=["revoked_at"], condition=Q(revoked_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(name="accounts_device_jkt_length", condition=Exact(Length("jkt"), THUMBPRINT_CHARS)),
        ]

    def __str__(self) -> str:
        return self.name


class SpentChallenge(models.Model):
    """A WebAuthn challenge that was answered, kept until it could not be used any more anyway."""

    challenge = models.BinaryField(primary_key=True, max_length=64)
    expires_at = models.BigIntegerField(db_index=True)  # seconds since 1970

    class Meta:
        constraints = [
            models.CheckConstraint(name="accounts_challenge_expiry_positive", condition=Q(expires_at__gt=0)),
        ]

    def __str__(self) -> str:
        return bytes(self.challenge).hex()

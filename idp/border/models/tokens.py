"""The border tokens issued here."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from idp.accounts.models import Endorsement, TravelDocument, Traveller
from idp.border.models.places import DIRECTIONS, JURISDICTIONS


class RevocationReason(StrEnum):
    """Why a token was taken back, or suspended. For the audit; gates and peers learn none of it."""

    HOLDER = "holder"  # the traveller wanted it
    OFFICER = "officer"
    AUTHORITY = "authority"  # no token for this receiving authority shall be good
    DEVICE = "device"  # its phone was revoked, as a lost one is
    DOCUMENT = "document"  # was revoked in the register
    ENDORSEMENT = "endorsement"  # was withdrawn
    ACCOUNT = "account"  # was closed
    CONSENT = "consent"  # was taken back, or ended with the session
    GUARDIAN = "guardian"  # who carried it answers for the child no more


class IssuedToken(models.Model):
    """A border token issued here: stored before it was signed, and never with its content."""

    jti = models.CharField(max_length=32, unique=True)
    traveller = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="border_tokens")
    guardian = models.ForeignKey(
        Traveller, null=True, on_delete=models.PROTECT, related_name="+", help_text="Whose phone carries a child's"
    )
    document = models.ForeignKey(TravelDocument, on_delete=models.PROTECT, related_name="+")
    endorsement = models.ForeignKey(
        Endorsement, null=True, on_delete=models.PROTECT, related_name="+", help_text="Whose entry it uses"
    )
    grant_id = models.CharField(max_length=64, db_index=True)
    device_jkt = models.CharField(max_length=43, db_index=True)
    holder_jkt = models.CharField(max_length=43)
    checkpoint = models.CharField(max_length=255)
    authority = models.CharField(max_length=255, help_text="The receiving authority")
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    territory = models.CharField(max_length=3, choices=JURISDICTIONS, help_text="Where the crossing leads to")
    form = models.CharField(max_length=3)
    face_model = models.CharField(max_length=64)
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    status_uri = models.CharField(max_length=255)
    status_idx = models.PositiveIntegerField()
    revoked_at = models.BigIntegerField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)
    revoked_for = models.CharField(max_length=16, blank=True, help_text="The reason, one of RevocationReason")
    suspended_at = models.BigIntegerField(null=True, blank=True)
    suspended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes = [
            models.Index(name="border_token_living", fields=["expires_at"], condition=Q(revoked_at=None)),
            models.Index(name="border_token_issued", fields=["issued_at"]),
            models.Index(name="border_token_revoked", fields=["revoked_at"], condition=Q(revoked_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="border_token_revoked_for_a_reason",
                condition=Q(revoked_at=None, revoked_for="")
                | Q(revoked_at__isnull=False, revoked_for__in=[reason.value for reason in RevocationReason]),
            ),
            models.CheckConstraint(
                name="border_token_suspended_by_somebody",
                condition=Q(suspended_at=None, suspended_by="") | (Q(suspended_at__isnull=False) & ~Q(suspended_by="")),
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("issued_at")), name="border_token_lives"),
            models.CheckConstraint(
                condition=Q(guardian=None) | ~Q(guardian=models.F("traveller")), name="border_token_guardian_is_another"
            ),
            models.UniqueConstraint(fields=["status_uri", "status_idx"], name="border_token_own_status_entry"),
        ]

    def __str__(self) -> str:
        return self.jti

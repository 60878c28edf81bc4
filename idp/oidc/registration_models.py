"""What dynamic registration remembers beside its clients: who may register, and how often anybody tried."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class RegistrationToken(models.Model):
    """An initial access token (RFC 7591 §1.2): made by an officer, good for so many clients until it expires."""

    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256 in hex
    uses_left = models.PositiveIntegerField()
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("registration token")
        verbose_name_plural = _("registration tokens")
        constraints = [
            models.CheckConstraint(
                name="oidc_registration_token_expires_later", condition=Q(expires_at__gt=F("created_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"registration token {self.pk}"


class RegistrationCount(models.Model):
    """How often somebody tried to register in the span of time that began at ``begins_at``."""

    begins_at = models.BigIntegerField(unique=True)
    attempts = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("registration count")
        verbose_name_plural = _("registration counts")
        constraints = [
            models.CheckConstraint(name="oidc_registration_count_positive", condition=Q(attempts__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.begins_at}: {self.attempts}"

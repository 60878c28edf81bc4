"""How often a consent was used."""

from django.db import models
from django.db.models import F, Q

from idp.oidc.models import Grant


class ConsentUse(models.Model):
    """The tokens issued under one consent of a grant, counted by the statement that allows another one."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="+")
    consent = models.CharField(max_length=43, help_text="SHA-256 of the authorization detail, base64url")
    used = models.PositiveSmallIntegerField()
    most = models.PositiveSmallIntegerField(help_text="The consent's max_tokens")
    expires_at = models.BigIntegerField(db_index=True, help_text="The consent's valid_until")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "consent"], name="border_consent_counted_once"),
            models.CheckConstraint(condition=Q(used__gte=1, used__lte=F("most")), name="border_consent_not_exceeded"),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.most}"

"""Badges that officers carry to the lanes."""

from django.db import models
from django.db.models import F, Q

from idp.border.models.places import Checkpoint
from idp.protocol.officer_badge import MAX_LIFE


class OfficerBadge(models.Model):
    """One officer's badge for one checkpoint and one shift; its text is shown once and not kept."""

    jti = models.CharField(max_length=64, unique=True)
    officer = models.CharField(max_length=63)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="badges")
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(db_index=True)
    revoked_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at"), expires_at__lte=F("issued_at") + MAX_LIFE),
                name="border_badge_lives_a_shift",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.officer} at {self.checkpoint_id}"

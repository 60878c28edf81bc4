"""What the lanes reported, and what of it contradicts itself."""

from django.db import models
from django.db.models import Q

from idp.border.models.places import DIRECTIONS, Lane


class JournalEntry(models.Model):
    """One decision of one lane, as the lane wrote it down. Texts are as long as `protocol.journal` lets them be."""

    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="entries")
    seq = models.PositiveBigIntegerField()
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.BigIntegerField(db_index=True)
    jti = models.CharField(max_length=128, db_index=True, blank=True)
    issuer = models.CharField(max_length=512, blank=True)
    subject = models.CharField(max_length=128, blank=True)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    decision = models.CharField(max_length=6)
    reason = models.CharField(max_length=32, blank=True)
    score_band = models.CharField(max_length=16, blank=True)
    bundle_serial = models.BigIntegerField()
    received_at = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "journal entries"
        ordering = ["-at", "-seq"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "seq"], name="border_journal_entry_once"),
            models.CheckConstraint(
                condition=Q(decision__in=["admit", "refer", "refuse"]), name="border_journal_decision"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lane_id}:{self.seq} {self.decision}"


class DuplicateAlert(models.Model):
    """The same token admitted at two lanes that could not know of each other."""

    first = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="+")
    second = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, related_name="+")
    raised_at = models.BigIntegerField()
    resolved_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(first=models.F("second")), name="border_alert_two_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.first.jti} admitted twice"

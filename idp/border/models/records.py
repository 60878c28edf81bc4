"""What the lanes reported, and what of it contradicts itself.

Nothing has a foreign key to `JournalEntry`, which is partitioned by month on PostgreSQL and dropped a month at a time:
what must be told of an entry elsewhere is told there, with the entry's place (lane and seq).
"""

from django.db import models
from django.db.models import F, Q

from idp.border.models.places import DIRECTIONS, Checkpoint, Lane
from idp.protocol import journal

# Both rows are there: the transaction that stores an entry moves its lane on, and no lane is ever deleted. A constraint
# would look for them once an entry, and would tie each new month's table to the lanes' one by a lock.
_BY_RECORDING = {"db_constraint": False, "db_index": False}
NOT_ADMITTED = ~Q(decision="admit")


class JournalEntry(models.Model):
    """One decision of one lane, as the lane wrote it down. Texts are as long as `protocol.journal` lets them be.

    On PostgreSQL partitioned by month (records/partitions.py): there the primary key has ``at``, too, and the unique
    constraint holds within a month. That a lane has each ``seq`` once is the doing of `Lane.journal_seq`.
    ``about`` and ``officers`` are of an entry by an officer's hand; the machine's have 0 and "".
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+", **_BY_RECORDING)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="entries", **_BY_RECORDING)
    seq = models.PositiveBigIntegerField()
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.BigIntegerField()
    jti = models.CharField(max_length=128, blank=True)
    issuer = models.CharField(max_length=512, blank=True)
    subject = models.CharField(max_length=128, blank=True)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    decision = models.CharField(max_length=7)
    reason = models.CharField(max_length=32, blank=True)
    score_band = models.CharField(max_length=16, blank=True)
    bundle_serial = models.BigIntegerField()
    about = models.PositiveBigIntegerField(default=0)
    officers = models.CharField(max_length=128, blank=True)
    took_ms = models.IntegerField(default=0, db_default=0, help_text="Milliseconds; 0 where the lane did not say it")
    received_at = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "journal entries"
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "seq", "at"], name="border_journal_entry_once"),
            models.CheckConstraint(condition=Q(decision__in=list(journal.DECISIONS)), name="border_journal_decision"),
        ]
        # One for each of the officers' reads (records/reading.py); what is rare is found by what makes it rare.
        indexes = [
            models.Index(fields=["at", "id"], name="border_journal_latest"),
            models.Index(fields=["checkpoint", "at", "id", "direction", "decision"], name="border_journal_checkpoint"),
            models.Index(fields=["lane", "at", "id"], name="border_journal_lane"),
            models.Index(fields=["jti"], name="border_journal_jti"),
            models.Index(fields=["subject"], name="border_journal_subject"),
            models.Index(fields=["decision", "at", "id"], name="border_journal_not_admitted", condition=NOT_ADMITTED),
            models.Index(fields=["reason", "at", "id"], name="border_journal_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.lane_id}:{self.seq} {self.decision}"


class AdmittedToken(models.Model):
    """The first passing on a token that was reported: whoever finds it here has found a token used twice."""

    issuer = models.CharField(max_length=512)
    jti = models.CharField(max_length=128)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", **_BY_RECORDING)
    seq = models.PositiveBigIntegerField()
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    received_at = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "jti"], name="border_token_admitted_once"),
        ]

    def __str__(self) -> str:
        return self.jti


class DuplicateAlert(models.Model):
    """The same token admitted at two lanes that could not know of each other, with what both wrote down."""

    issuer = models.CharField(max_length=512)
    jti = models.CharField(max_length=128)
    first_lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+")
    first_seq = models.PositiveBigIntegerField()
    first_direction = models.CharField(max_length=5, choices=DIRECTIONS)
    first_at = models.BigIntegerField()
    second_lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+")
    second_seq = models.PositiveBigIntegerField()
    second_direction = models.CharField(max_length=5, choices=DIRECTIONS)
    second_at = models.BigIntegerField()
    raised_at = models.BigIntegerField()
    resolved_at = models.BigIntegerField(null=True, blank=True)
    pseudonymous = models.BooleanField(default=False, help_text="The token's number is a pseudonym by now")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["second_lane", "second_seq"], name="border_alert_once"),
            models.CheckConstraint(
                condition=~Q(first_lane=F("second_lane"), first_seq=F("second_seq")), name="border_alert_two_entries"
            ),
        ]
        indexes = [
            models.Index(fields=["raised_at"], condition=Q(resolved_at__isnull=True), name="border_alerts_open"),
        ]

    def __str__(self) -> str:
        return f"{self.jti} admitted twice"

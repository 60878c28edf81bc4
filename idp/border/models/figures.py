"""Counts by the hour of what the lanes decided and of what was issued, so that a month is read in a few thousand rows.

They are made from the journals and the tokens and may be made again. No row is about a person: it has a place, an hour,
a word of the protocol and a number. None is audited: it states nothing that its source does not.
"""

from django.db import models
from django.db.models import Q

from idp.border.models.places import DIRECTIONS, Checkpoint, Lane

HOUR = 3600  # seconds; every hour of UTC+8 begins with one of UTC


class CrossingHour(models.Model):
    """How many entries of one kind the lanes of a checkpoint wrote in one hour, by the time in the entries."""

    hour = models.BigIntegerField(help_text="Its first second")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    decision = models.CharField(max_length=7)
    reason = models.CharField(max_length=32, blank=True)
    score_band = models.CharField(max_length=16, blank=True)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "checkpoint", "direction", "decision", "reason", "score_band"],
                name="border_crossing_hour_once",
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="border_crossing_hour_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.hour} {self.decision} {self.count}"


class DecisionTimeHour(models.Model):
    """How many decisions by the machines of a checkpoint took how long in one hour, where the lanes say it."""

    hour = models.BigIntegerField(help_text="Its first second")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    bucket = models.PositiveSmallIntegerField(help_text="Of milliseconds (figures/buckets.py)")
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "checkpoint", "bucket"], name="border_decision_time_once"),
            models.CheckConstraint(condition=Q(count__gt=0), name="border_decision_time_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.hour} {self.bucket} {self.count}"


class UncountedHour(models.Model):
    """Entries of this hour came in and are not counted yet: one row an upload, so that uploads wait for nobody."""

    hour = models.BigIntegerField()
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.hour}"


class IssuanceHour(models.Model):
    """How many border tokens were issued in one hour for one checkpoint and direction; kept for good, as the tokens."""

    hour = models.BigIntegerField(help_text="Its first second")
    authority = models.CharField(max_length=255, help_text="The receiving authority")
    checkpoint = models.CharField(max_length=255)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "authority", "checkpoint", "direction"], name="border_issuance_hour_once"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="border_issuance_hour_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint} {self.hour} {self.count}"


class BundleFetch(models.Model):
    """A lane fetched a bundle at ``at`` that has all revocations of after ``since``, of which there is one at least.

    ``since`` is the lane's row before, or its enrolment: a lane's rows are one line without gaps.
    """

    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.BigIntegerField()
    at = models.BigIntegerField()
    counted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lane", "since"], name="border_bundle_fetch_in_one_line"),
            models.CheckConstraint(condition=Q(since__lt=models.F("at")), name="border_bundle_fetch_goes_on"),
        ]
        indexes = [
            models.Index(fields=["at"], condition=Q(counted=False), name="border_bundle_fetch_uncounted"),
        ]

    def __str__(self) -> str:
        return f"{self.lane_id} {self.at}"


class RevocationDelayHour(models.Model):
    """How many revocations of one hour reached lanes of a checkpoint after how long: one for each token and lane."""

    hour = models.BigIntegerField(help_text="Its first second")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    bucket = models.PositiveSmallIntegerField(help_text="Of seconds (figures/buckets.py)")
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "checkpoint", "bucket"], name="border_revocation_delay_once"),
            models.CheckConstraint(condition=Q(count__gt=0), name="border_revocation_delay_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.hour} {self.bucket} {self.count}"

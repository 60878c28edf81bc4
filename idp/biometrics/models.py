"""Faces at rest, all of them sealed: registry portraits, references, and the captures of a running job."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.models import TravelDocument, Traveller


class Portrait(models.Model):
    """The picture that the authority's register holds of a document's owner."""

    document = models.OneToOneField(TravelDocument, on_delete=models.CASCADE, related_name="portrait")
    sealed = models.BinaryField()
    imported_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("portrait")
        verbose_name_plural = _("portraits")

    def __str__(self) -> str:
        return f"portrait of {self.document_id}"


class FaceReference(models.Model):
    """The template that the holder of a document is compared with, one for each document and model.

    It hangs on the document and not on the account: two people who share an account must not lend each other a face.
    """

    traveller = models.ForeignKey(Traveller, on_delete=models.CASCADE, related_name="faces")
    document = models.ForeignKey(TravelDocument, on_delete=models.PROTECT, related_name="faces")
    model = models.CharField(max_length=64)
    profile = models.CharField(max_length=16)
    sealed = models.BinaryField()
    enrolled_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("face reference")
        verbose_name_plural = _("face references")
        constraints = [
            models.UniqueConstraint(fields=["document", "model"], name="biometrics_one_reference_per_model"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.model}"


class Job(models.Model):
    """One piece of face work. This row is the truth; the message to a worker is only a hint that there is some."""

    class State(models.TextChoices):
        AWAITING = "awaiting", _("waiting for pictures")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")  # the pictures will not do; the traveller may try again
        DEAD = "dead", _("dead")  # ours: an officer looks at it

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    traveller = models.ForeignKey(Traveller, on_delete=models.CASCADE, related_name="face_jobs")
    document = models.ForeignKey(TravelDocument, on_delete=models.CASCADE, related_name="face_jobs")
    state = models.CharField(max_length=8, choices=State.choices, default=State.AWAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=32, blank=True)
    hint = models.CharField(max_length=32, blank=True)
    score = models.FloatField(null=True, blank=True, help_text="For officers; never shown to the traveller")
    created_at = models.BigIntegerField(db_index=True)
    finished_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("face job")
        verbose_name_plural = _("face jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["traveller", "document"],
                condition=Q(state__in=["awaiting", "queued", "running"]),
                name="biometrics_one_open_job",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["awaiting", "queued", "running"], finished_at__isnull=True)
                | Q(state__in=["done", "failed", "dead"], finished_at__isnull=False),
                name="biometrics_job_finished_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class Capture(models.Model):
    """One live picture of a job; gone when the job succeeds, and three days after a failure at the latest."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="captures")
    number = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="biometrics_capture_once")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"

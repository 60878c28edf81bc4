"""Faces at rest, all of them sealed: registry portraits, references, and the captures of a running job."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics.rewrap_models import RewrapOrder as RewrapOrder

OPEN_STATES = ("awaiting", "queued", "running", "review")
OVER_STATES = ("done", "failed", "cancelled", "dead")


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
    Where the traveller's device keeps the template, the row has its digest alone, so that it can still be revoked.
    """

    class Keeper(models.TextChoices):
        NODE = "node", _("this authority")
        DEVICE = "device", _("the traveller's device")

    traveller = models.ForeignKey(Traveller, on_delete=models.CASCADE, related_name="faces")
    document = models.ForeignKey(TravelDocument, on_delete=models.PROTECT, related_name="faces")
    model = models.CharField(max_length=64)
    profile = models.CharField(max_length=16)
    keeper = models.CharField(max_length=8, choices=Keeper.choices, default=Keeper.NODE)
    sealed = models.BinaryField(blank=True, default=bytes)
    digest = models.CharField(max_length=43, blank=True)  # of what the device keeps: SHA-256, base64url
    kept_until = models.BigIntegerField(null=True, blank=True)  # here, of one that a device is to keep
    enrolled_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("face reference")
        verbose_name_plural = _("face references")
        constraints = [
            models.UniqueConstraint(fields=["document", "model"], name="biometrics_one_reference_per_model"),
            models.CheckConstraint(
                condition=Q(keeper="node", digest="") | Q(keeper="device", sealed=b""),
                name="biometrics_one_keeper",
            ),
            models.CheckConstraint(
                condition=Q(keeper="node") | Q(kept_until__isnull=True), name="biometrics_waits_at_the_node"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.model}"


class Job(models.Model):
    """One piece of face work. This row is the truth; the message to a worker is only a hint that there is some."""

    class State(models.TextChoices):
        AWAITING = "awaiting", _("waiting for pictures")
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        REVIEW = "review", _("an officer looks at it")  # uncertain, or an alarm
        DONE = "done", _("done")
        FAILED = "failed", _("failed")  # the pictures will not do; the traveller may try again
        CANCELLED = "cancelled", _("cancelled")
        DEAD = "dead", _("dead")  # ours: an officer looks at it

    class Kind(models.TextChoices):
        LINK = "link", _("link a document")
        RENEW = "renew", _("renew a reference")  # from the register's portrait, for ``model``
        CHILD = "child", _("link a child's document")  # by a guardian, who is the job's traveller

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.LINK)
    traveller = models.ForeignKey(Traveller, on_delete=models.CASCADE, related_name="face_jobs")
    document = models.ForeignKey(
        TravelDocument, on_delete=models.CASCADE, related_name="face_jobs", verbose_name=_("document")
    )
    model = models.CharField(max_length=64, blank=True)
    challenge = models.JSONField(default=list)  # what the traveller is asked to do, in this order
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.AWAITING)
    stage = models.CharField(max_length=16, blank=True)  # how far a running one is
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    turn = models.PositiveIntegerField(default=0)  # counts every claim: who claimed before may finish it no more
    lease_until = models.BigIntegerField(default=0)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    hint = models.CharField(max_length=32, blank=True)
    score = models.FloatField(_("score"), null=True, blank=True, help_text="For officers; never shown to the traveller")
    score_model = models.CharField(max_length=64, blank=True, help_text="The face model that the score is of")
    liveness = models.FloatField(
        _("liveness"), null=True, blank=True, help_text="For officers; never shown to the traveller"
    )
    decided_by = models.CharField(max_length=64, blank=True)  # the officer who ended a review
    note = models.CharField(max_length=500, blank=True)  # the officer's, why
    created_at = models.BigIntegerField(db_index=True)
    finished_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("face job")
        verbose_name_plural = _("face jobs")
        permissions = [("review_job", "Can look at the faces of a job and decide")]
        constraints = [
            models.UniqueConstraint(
                fields=["traveller", "document", "kind", "model"],
                condition=Q(state__in=OPEN_STATES),
                name="biometrics_one_open_job",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at__isnull=True)
                | Q(state__in=OVER_STATES, finished_at__isnull=False),
                name="biometrics_job_finished_when_over",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["review", "dead"]),
                name="biometrics_jobs_for_officers",
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


class Attempts(models.Model):
    """Failed comparisons with a document, or of a traveller, since the last that matched (NIST SP 800-63B §5.2.3)."""

    document = models.ForeignKey(
        TravelDocument, on_delete=models.CASCADE, related_name="face_attempts", null=True, blank=True
    )
    traveller = models.ForeignKey(
        Traveller, on_delete=models.CASCADE, related_name="face_attempts", null=True, blank=True
    )
    failures = models.PositiveIntegerField(_("failures"), default=0)
    not_before = models.BigIntegerField(default=0)  # of the next one

    class Meta:
        verbose_name = _("failed face comparisons")
        verbose_name_plural = _("failed face comparisons")
        constraints = [
            models.UniqueConstraint(fields=["document"], name="biometrics_one_count_of_attempts"),
            models.UniqueConstraint(fields=["traveller"], name="biometrics_one_count_of_a_traveller"),
            models.CheckConstraint(
                condition=Q(document__isnull=True, traveller__isnull=False)
                | Q(document__isnull=False, traveller__isnull=True),
                name="biometrics_attempts_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id or self.traveller_id}: {self.failures}"


class Calibration(models.Model):
    """A threshold that an evaluation found for a model and a false match rate; the newest of each counts."""

    model = models.CharField(max_length=64)
    target = models.CharField(max_length=8)  # the false match rate: "1e-4"
    threshold = models.FloatField()
    genuine = models.PositiveIntegerField()
    impostor = models.PositiveIntegerField()
    fmr_high = models.FloatField()  # upper end of the 95 % interval
    fnmr = models.FloatField(null=True, blank=True)
    dataset = models.CharField(max_length=128)  # as the operator calls it
    officer = models.CharField(_("proposed by"), max_length=64)
    approved_by = models.CharField(_("approved by"), max_length=64, blank=True)  # "" only in those of before proposals
    created_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("calibration")
        verbose_name_plural = _("calibrations")
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gte=0, threshold__lte=1), name="biometrics_threshold_is_a_score"
            ),
            models.CheckConstraint(
                condition=Q(approved_by="") | ~Q(approved_by=F("officer")), name="biometrics_calibrated_by_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.target} {self.threshold:.4f}"

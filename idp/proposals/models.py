"""What one officer proposed and another decided."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.proposals.review_models import Review as Review

OPEN = Q(decided_by="", decided_at__isnull=True)
DECIDED = ~Q(decided_by="") & Q(decided_at__isnull=False)


class Proposal(models.Model):
    """A change that waits for a second officer, or what became of it. Nothing of it changes but its fate, once."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")
        EXPIRED = "expired", _("expired")

    kind = models.CharField(max_length=64, db_index=True)  # an executor is registered for it
    subject = models.CharField(max_length=255, blank=True)  # an identifier of ours
    payload = models.JSONField(default=dict)  # what the executor reads; no personal data
    why = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=255)
    proposed_at = models.BigIntegerField()  # seconds since 1970, as the others
    expires_at = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PROPOSED, db_index=True)
    decided_by = models.CharField(max_length=255, blank=True)
    decided_at = models.BigIntegerField(null=True, blank=True)

    handed_over = ""  # what the executor has for who approved, to be shown once: never stored

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        permissions = [("decide_proposal", "Can approve or reject a proposal")]
        constraints = [
            models.CheckConstraint(
                name="proposals_state_known",
                condition=Q(state__in=["proposed", "approved", "rejected", "withdrawn", "expired"]),
            ),
            models.CheckConstraint(
                name="proposals_decided_together",
                condition=(Q(state="proposed") & OPEN) | (~Q(state="proposed") & DECIDED),
            ),
            models.CheckConstraint(
                name="proposals_second_person",
                condition=~Q(state__in=["approved", "rejected"]) | ~Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="proposals_withdrawn_by_the_first",
                condition=~Q(state="withdrawn") | Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="proposals_somebody_and_why", condition=~Q(proposed_by="") & ~Q(why="") & ~Q(kind="")
            ),
            models.CheckConstraint(name="proposals_live_a_while", condition=Q(expires_at__gt=F("proposed_at"))),
            models.CheckConstraint(
                name="proposals_approved_in_time",
                condition=~Q(state="approved") | Q(decided_at__isnull=True) | Q(decided_at__lt=F("expires_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()

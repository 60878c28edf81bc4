"""What one officer did at once, and what another said of it afterwards."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

UNREVIEWED = Q(reviewed_by="", reviewed_at__isnull=True, note="")
REVIEWED = ~Q(reviewed_by="") & Q(reviewed_at__isnull=False) & ~Q(note="")


class Review(models.Model):
    """An act of one officer that waits for another's word, or has it. Nothing of it changes but that word, once."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for another officer")
        IN_ORDER = "in_order", _("in order")
        NOT_IN_ORDER = "not_in_order", _("not in order")

    kind = models.CharField(_("kind"), max_length=64, db_index=True)  # "room.what", as proposals have it
    subject = models.CharField(_("subject"), max_length=255)  # an identifier of ours
    what = models.CharField(_("what was done"), max_length=500)  # for the officer who reviews; no personal data
    acted_by = models.CharField(_("done by"), max_length=255)
    acted_at = models.BigIntegerField()  # seconds since 1970, as the others
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.WAITING, db_index=True)
    reviewed_by = models.CharField(_("reviewed by"), max_length=255, blank=True)
    reviewed_at = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("review of an emergency act")
        verbose_name_plural = _("reviews of emergency acts")
        permissions = [("decide_review", "Can review what another officer did in an emergency")]
        constraints = [
            models.CheckConstraint(
                name="proposals_review_state_known", condition=Q(state__in=["waiting", "in_order", "not_in_order"])
            ),
            models.CheckConstraint(
                name="proposals_reviewed_together",
                condition=(Q(state="waiting") & UNREVIEWED) | (~Q(state="waiting") & REVIEWED),
            ),
            models.CheckConstraint(
                name="proposals_reviewed_by_another", condition=Q(reviewed_by="") | ~Q(reviewed_by=F("acted_by"))
            ),
            models.CheckConstraint(
                name="proposals_review_of_something",
                condition=~Q(kind="") & ~Q(subject="") & ~Q(what="") & ~Q(acted_by=""),
            ),
            models.CheckConstraint(
                name="proposals_reviewed_afterwards",
                condition=Q(reviewed_at__isnull=True) | Q(reviewed_at__gte=F("acted_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

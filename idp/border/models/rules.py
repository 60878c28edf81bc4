"""The travel rules of this authority, each as it was adopted."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp.proposals.models import Proposal


class RuleVersion(models.Model):
    """One version of one rule. Rows are added and never changed: a later version counts from its own first day on.

    Each knows the ``edition`` of the book before it, and none has two successors: the book is one line, and its last
    edition names all of it.
    """

    rule = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    body = models.JSONField()  # as `idp.protocol.travel_language.wire` writes it
    proposal = models.OneToOneField(
        Proposal, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # empty: shipped
    adopted_at = models.BigIntegerField()  # seconds since 1970
    after = models.CharField(max_length=64, blank=True)
    edition = models.CharField(max_length=64)  # SHA-256 of all that was adopted so far

    class Meta:
        verbose_name = _("travel rule")
        verbose_name_plural = _("travel rules")
        constraints = [
            models.UniqueConstraint(fields=["rule", "version"], name="border_rule_version_once"),
            models.UniqueConstraint(fields=["after"], name="border_rule_editions_in_one_line"),
            models.CheckConstraint(
                condition=Q(version=1) | Q(version__gt=1, proposal__isnull=False), name="border_rule_changed_by_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.version}"

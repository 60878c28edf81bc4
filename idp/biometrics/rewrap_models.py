"""An order to wrap every face's key anew. Times are seconds since 1970."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class RewrapOrder(models.Model):
    """Two officers want every row wrapped by one key; workers carry it out until none is left."""

    key = models.CharField(max_length=16)  # the wrapping key's id, in hexadecimal
    ordered_by = models.CharField(max_length=255)
    ordered_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True, blank=True)
    done = models.PositiveBigIntegerField(default=0)  # rows
    lost = models.PositiveBigIntegerField(default=0)  # rows that no key of this node opens, as last seen

    class Meta:
        app_label = "biometrics"
        verbose_name = _("order to rewrap faces")
        verbose_name_plural = _("orders to rewrap faces")
        constraints = [
            models.UniqueConstraint(
                name="biometrics_rewrap_once_at_a_time", fields=["key"], condition=Q(finished_at=None)
            ),
            models.CheckConstraint(
                name="biometrics_rewrap_finished_afterwards",
                condition=Q(finished_at=None) | Q(finished_at__gte=F("ordered_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.key

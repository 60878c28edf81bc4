"""What the office keeps itself."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Pulse(models.Model):
    """When a worker last ran the task that beat sends every few seconds. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.BigIntegerField()  # seconds since 1970

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")
        constraints = [models.CheckConstraint(name="office_pulse_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.at)

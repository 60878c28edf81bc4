"""Whom an officer must see."""

from django.db import models


class WatchlistEntry(models.Model):
    """A document number that an officer must see, as a keyed hash only."""

    number_hash = models.CharField(max_length=64, unique=True)
    added_at = models.BigIntegerField()
    added_by = models.CharField(max_length=150)

    class Meta:
        verbose_name_plural = "watch list"

    def __str__(self) -> str:
        return self.number_hash[:8]

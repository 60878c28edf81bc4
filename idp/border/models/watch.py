"""Whom an officer must see."""

from typing import Any

from django.db import models
from django.db.models import Q

from idp.protocol.watch_list import VERSION


class WatchlistEntry(models.Model):
    """A document number that an officer must see, as a keyed hash only."""

    number_hash = models.CharField(max_length=64, unique=True)
    added_at = models.BigIntegerField()
    added_by = models.CharField(max_length=150)

    class Meta:
        verbose_name_plural = "watch list"

    def __str__(self) -> str:
        return self.number_hash[:8]


class PackedWatchlist(models.Model):
    """The list as gates get it (`idp.protocol.watch_list`): one row, changed together with the entries."""

    ONLY = 1

    content = models.BinaryField(default=b"")
    sha256 = models.CharField(max_length=43, default="")
    count = models.PositiveIntegerField(default=0)
    changed_at = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="border_one_packed_watchlist")]

    def __str__(self) -> str:
        return f"{self.count} numbers"

    @property
    def claim(self) -> dict[str, Any]:
        """What a bundle signs of it."""
        return {"version": VERSION, "count": self.count, "sha256": self.sha256}

"""One number that grows whenever something changes that this node's statements are made from.

What may be kept for a moment and must be gone at once when an officer moves a switch compares it: see
`idp.federation.serving`. The models that statements are made from derive from `Stated`, so no writer has to remember.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, Q

from idp import prepared

READ = "SELECT number FROM federation_revision WHERE id = 1"


class Revision(models.Model):
    """One row."""

    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "federation"
        constraints = [models.CheckConstraint(name="federation_revision_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.number)


def current() -> int:
    """The number now, of committed changes; 0 before the first. One statement, no model: it is read at every request.

    Raises `django.db.DatabaseError`.
    """
    if connection.vendor == "postgresql":
        rows = prepared.on_trial(lambda: prepared.run(READ, []))
        return int(rows[0][0] or 0) if rows else 0
    with connection.cursor() as cursor:
        cursor.execute(READ)
        row = cursor.fetchone()
    return row[0] if row else 0


def committed() -> int | None:
    """The number now, to keep something under; None in a transaction, which may see what nobody else ever will."""
    return None if connection.in_atomic_block else current()


def grow() -> None:
    """Count a change. Within the caller's transaction: others see the change and the number together."""
    if not Revision.objects.filter(pk=1).update(number=F("number") + 1):
        Revision.objects.bulk_create([Revision(pk=1)], ignore_conflicts=True)
        Revision.objects.filter(pk=1).update(number=F("number") + 1)


class StatedQuerySet(models.QuerySet[Any]):
    """Every way to write several rows at once."""

    def update(self, **values: Any) -> int:
        with transaction.atomic():
            changed = super().update(**values)
            grow()
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            deleted = super().delete()
            grow()
        return deleted

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        with transaction.atomic():
            made = super().bulk_create(objs, *args, **options)
            grow()
        return made


class Stated(models.Model):
    """A row that statements are made from: no write of it leaves the revision as it was."""

    objects = StatedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            super().save(*args, **options)
            grow()

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            deleted = super().delete(*args, **options)
            grow()
        return deleted

"""When something of the register or an account ended, written by whatever way it is ended.

Border tokens that stand on it are taken back by whoever looks for such dates, so none may be missing: rows are dated
when they are saved or updated in bulk, and a constraint over the two columns refuses every other way.
"""

from typing import Any

from django.db import models

from idp import clock


class Ends(models.Model):
    """A model whose column ``STATE`` has the value ``OVER`` when it has ended; ``ENDED_AT`` is then when, else None."""

    STATE: str
    OVER: object
    ENDED_AT: str

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Any = None, **options: Any) -> None:
        """Date the end, or take the date away where it is over no more."""
        self._date()
        if update_fields is not None and self.STATE in update_fields:
            update_fields = {*update_fields, self.ENDED_AT}
        super().save(*args, update_fields=update_fields, **options)

    def clean(self) -> None:
        """Forms look at the constraint before they save."""
        super().clean()
        self._date()

    def _date(self) -> None:
        if getattr(self, self.STATE) != self.OVER:
            setattr(self, self.ENDED_AT, None)
        elif getattr(self, self.ENDED_AT) is None:
            setattr(self, self.ENDED_AT, clock.now())


class EndsQuerySet(models.QuerySet[Any]):
    """Several rows at once."""

    def update(self, **values: Any) -> int:
        """As ever; a change of the state is dated."""
        model = self.model
        if model.STATE in values and model.ENDED_AT not in values:
            values[model.ENDED_AT] = clock.now() if values[model.STATE] == model.OVER else None
        return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  as Django marks its own


def dated(state: str, over: object, ended_at: str) -> models.Q:
    """The condition of the constraint: ended and dated, or neither."""
    ended = models.Q(**{state: over})
    return (ended & models.Q(**{f"{ended_at}__isnull": False})) | (~ended & models.Q(**{ended_at: None}))

"""Times in the admin site's pages: kept as seconds since 1970, shown as dates in the project's time zone."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin


def moment(seconds: int | None) -> datetime.datetime | None:
    """The time as the admin site shows it; None where there is none."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)


def when(name: str, description: Any) -> Callable[[Any, Any], datetime.datetime | None]:
    """A column for the time that stands in the field ``name``."""

    @admin.display(description=description, ordering=name, empty_value="—")
    def column(self: Any, row: Any) -> datetime.datetime | None:
        return moment(getattr(row, name))

    return column

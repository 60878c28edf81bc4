"""Times in the admin site's pages: kept as seconds since 1970, shown as dates in the project's time zone."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.utils import formats
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

FORMAT = "Y-m-d H:i"  # ISO 8601: read the same in all four languages
NOTHING = "—"
STANDINGS = {  # `idp.federation.models.Peer.standing` in words
    "proposed": _("proposed"),
    "one-sided": _("one-sided"),
    "mutual": _("mutual"),
    "suspended": _("suspended"),
    "awaited": _("not begun"),
    "lapsed": _("lapsed"),
    "ended": _("ended"),
}


def moment(seconds: int | None) -> datetime.datetime | None:
    """The time as a form field takes it; None where there is none."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)


def shown(seconds: int | None) -> str:
    """The time as an officer reads it."""
    at = moment(seconds)
    return NOTHING if at is None else formats.date_format(localtime(at), FORMAT)


def when(name: str, description: Any) -> Callable[[Any, Any], str]:
    """A column for the time that stands in the field ``name``."""

    @admin.display(description=description, ordering=name)
    def column(self: Any, row: Any) -> str:
        return shown(getattr(row, name))

    return column

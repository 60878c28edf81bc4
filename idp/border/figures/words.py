"""The journal's words as officers read them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

DIRECTION_WORDS: Mapping[str, Any] = {"exit": _("exit"), "entry": _("entry")}
DECISION_WORDS: Mapping[str, Any] = {
    "admit": _("admitted"),
    "refer": _("referred"),
    "refuse": _("refused"),
    "release": _("released by an officer"),
    "decline": _("declined by an officer"),
}
BAND_WORDS: Mapping[str, Any] = {"low": _("low"), "middle": _("middle"), "high": _("high")}

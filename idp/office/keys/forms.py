"""Forms about keys: why something is done, when a key takes over, and whether somebody may be left behind."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.federation import takeovers
from idp.federation.columns import moment, shown
from idp.federation.models import SigningKey

HOUR = 3600
FORMAT = "%Y-%m-%dT%H:%M"  # as HTML's datetime-local has it


class ReasonForm(forms.Form):
    """Why, for the other officer."""

    why = forms.CharField(
        label=_("why"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Who asked for it, and what for. The audit keeps it."),
    )


class WhyForm(ReasonForm):
    """Why something is done about one key."""

    def __init__(self, *args: Any, key: SigningKey, now: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key, self.now = key, now

    def more(self) -> dict[str, Any]:
        """What else the proposal says."""
        return {}


class RotateForm(WhyForm):
    """A next key that not everybody knows asks whether it shall sign all the same."""

    early = forms.BooleanField(label=_("do not wait until everybody knows the key"), required=False)
    field_order = ("early", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = takeovers.earliest(self.key)
        if known <= self.now:
            del self.fields["early"]
            return
        text = _("Everybody knows it at %(time)s. Before that, only where the active key is lost.")
        self.fields["early"].help_text = text % {"time": shown(known)}

    def more(self) -> dict[str, Any]:
        return {"early": True} if self.cleaned_data.get("early") else {}


class RollOverForm(WhyForm):
    """When the next key takes over."""

    at = forms.DateTimeField(
        label=_("takes over"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=FORMAT)
    )
    field_order = ("at", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = takeovers.earliest(self.key)
        self.fields["at"].initial = moment(-(-max(known, self.now + HOUR) // HOUR) * HOUR)
        text = _("In the node's time zone, at the earliest %(time)s, when everybody knows the key.")
        self.fields["at"].help_text = text % {"time": shown(max(known, self.now))}

    def more(self) -> dict[str, Any]:
        return {"at": int(self.cleaned_data["at"].timestamp())}

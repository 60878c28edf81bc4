"""Forms of the admin site's border pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.border.models import DIRECTIONS, JURISDICTIONS, Checkpoint, WatchlistEntry
from idp.conf import authority


class NewCheckpointForm(forms.ModelForm):
    """A new checkpoint: where it is, what it is called, whom it serves."""

    code = forms.RegexField(r"\A[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?\Z", label=_("Code"), max_length=20)
    name_en = forms.CharField(label=_("Name in English"), max_length=100)
    name_zh_hans = forms.CharField(label=_("Name in simplified Chinese"), max_length=100, required=False)
    neighbour = forms.ChoiceField(label=_("Other side"), choices=JURISDICTIONS)
    directions = forms.MultipleChoiceField(
        label=_("Directions"), choices=DIRECTIONS, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Checkpoint
        fields = ["code", "neighbour"]

    def clean_neighbour(self) -> str:
        neighbour: str = self.cleaned_data["neighbour"]
        if neighbour == authority().jurisdiction:
            raise forms.ValidationError(_("The other side is this authority's own."))
        return neighbour

    def registration(self) -> dict[str, Any]:
        """The arguments of `checkpoints.register`."""
        data = self.cleaned_data
        names = {"en": data["name_en"], "zh-Hans": data["name_zh_hans"]}
        return {
            "code": data["code"],
            "name": {tag: text for tag, text in names.items() if text},
            "neighbour": data["neighbour"],
            "directions": data["directions"],
        }


class WatchForm(forms.ModelForm):
    """A document number to watch for; only its keyed hash is kept."""

    document_number = forms.CharField(label=_("Document number"), max_length=24)

    class Meta:
        model = WatchlistEntry
        fields: list[str] = []

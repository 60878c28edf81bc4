"""Forms of the admin site's border pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.border import bundling
from idp.border.models import DIRECTIONS, JURISDICTIONS, Checkpoint, WatchlistEntry
from idp.conf import authority
from idp.protocol.refusals import Refusal


class CheckpointForm(forms.ModelForm):
    """What may change on a checkpoint that exists."""

    class Meta:
        model = Checkpoint
        fields = ["policy", "opening", "active"]

    def clean(self) -> dict[str, Any]:
        """What gates could not read must not reach their bundle: it would close the checkpoint."""
        data = super().clean() or self.cleaned_data
        opening = data.get("opening") or []
        proposed = Checkpoint(
            name=self.instance.name,
            neighbour=self.instance.neighbour,
            directions=self.instance.directions,
            policy=data.get("policy") or {},
            opening=opening,
        )
        try:
            bundling.check(proposed)
        except Refusal as error:
            text = _("Gates could not read this: %(why)s")
            raise forms.ValidationError(text, params={"why": error.detail}) from error
        return {**data, "policy": proposed.policy, "opening": opening}


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

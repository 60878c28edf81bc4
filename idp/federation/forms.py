"""Forms of the admin site's pages about peers."""

import datetime
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.utils.translation import gettext_lazy as _

from idp.federation import peering, terms
from idp.federation.columns import moment
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.federation.terms import PEER_TYPES, Terms, UnableToAgree
from idp.protocol.refusals import Refusal, Unavailable

_TEXT = {"rows": 3, "cols": 80}


class ProposalForm(forms.ModelForm):
    """The peer's identifier; its name and keys are fetched from there."""

    class Meta:
        model = Peer
        fields = ("entity_id",)

    def validate_unique(self) -> None:
        """Nothing: the proposal says itself whether the peer is known, and an ended one may come back."""

    def clean_entity_id(self) -> str:
        """Fetch and pin here, so that what goes wrong stands beside the field."""
        entity_id: str = self.cleaned_data["entity_id"]
        try:
            self.proposed = peering.propose(entity_id, officer=self.officer)
        except UnableToPeer as error:
            raise forms.ValidationError(str(error)) from error
        except (Refusal, Unavailable) as error:
            raise forms.ValidationError(_("The configuration of this entity cannot be had or is not sound.")) from error
        return entity_id


class TermsForm(forms.ModelForm):
    """What the peer may vouch for, for how long, and by what law. `Terms` once it is valid."""

    metadata_policy = forms.JSONField(
        label=_("Metadata policy"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 80}),
        help_text=_("By entity type. It narrows what is demanded of every peer and cannot widen it."),
    )
    max_path_length = forms.TypedChoiceField(
        label=_("Below it"),
        coerce=int,
        choices=((1, _("its own entities")), (0, _("nobody: the peer alone"))),
    )
    naming_constraints = forms.JSONField(
        label=_("Names"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80}),
        help_text=_('Domain names, as in {"permitted": [".mo.example"], "excluded": []}. Empty: any name.'),
    )
    allowed_entity_types = forms.MultipleChoiceField(
        label=_("Entity types"),
        choices=[(name, name) for name in PEER_TYPES],
        widget=forms.CheckboxSelectMultiple,
    )
    valid_from = forms.SplitDateTimeField(label=_("Stands from"), required=False, widget=AdminSplitDateTime)
    valid_until = forms.SplitDateTimeField(label=_("Stands until"), required=False, widget=AdminSplitDateTime)
    legal_basis = forms.CharField(label=_("Legal basis"), required=False, widget=forms.Textarea(attrs=_TEXT))
    contract = forms.CharField(label=_("Contract"), required=False, widget=forms.Textarea(attrs=_TEXT))

    class Meta:
        model = Peer
        fields = terms.FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before = terms.of(self.instance)
        self.initial["allowed_entity_types"] = before.allowed_entity_types or PEER_TYPES
        self.initial["valid_from"] = moment(before.valid_from)
        self.initial["valid_until"] = moment(before.valid_until)

    def clean_metadata_policy(self) -> Any:
        return _object(self.cleaned_data["metadata_policy"])

    def clean_naming_constraints(self) -> Any:
        return _object(self.cleaned_data["naming_constraints"])

    def clean_allowed_entity_types(self) -> tuple[str, ...] | None:
        chosen = tuple(name for name in PEER_TYPES if name in self.cleaned_data["allowed_entity_types"])
        return None if chosen == PEER_TYPES else chosen

    def clean_valid_from(self) -> int | None:
        return _seconds(self.cleaned_data["valid_from"])

    def clean_valid_until(self) -> int | None:
        return _seconds(self.cleaned_data["valid_until"])

    def clean(self) -> dict[str, Any]:
        """The domain's own check, so that what does not fit stands on the page."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self.agreed = Terms(**{name: data[name] for name in terms.FIELDS})
            try:
                terms.check(self.agreed, entity_id=self.instance.entity_id)
            except UnableToAgree as error:
                raise forms.ValidationError(str(error)) from error
        return data


def _seconds(value: datetime.datetime | None) -> int | None:
    return None if value is None else int(value.timestamp())


def _object(value: Any) -> Any:
    return {} if value is None else value  # an empty field; an empty array is a mistake, and the check says so

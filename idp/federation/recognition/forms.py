"""Forms about recognition: keys compared with what the peer reads out, terms, a later end, and why."""

import datetime
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.federation import peering, terms
from idp.federation.columns import NOTHING
from idp.federation.models import ENTITY_ID, Peer
from idp.federation.recognition import days, suspending
from idp.federation.terms import PEER_TYPES, Terms, UnableToAgree
from idp.protocol.keys import KeySet

HIDDEN_GROUPS = 2  # of a fingerprint, at its end: 32 bits that only the second channel tells
_NOT_HEXADECIMAL = re.compile(r"[^0-9a-f]")
_LONG = {"rows": 3, "cols": 80}


def _why() -> forms.CharField:
    text = _("Who asked for it, and what for. The audit keeps it.")
    return forms.CharField(label=_("why"), max_length=500, help_text=text)


def _day(**options: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


class WhyForm(forms.Form):
    """Who asked for a proposal, and what for."""

    why = _why()

    def __init__(self, *args: Any, peer: Peer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.peer = peer


class SuspensionForm(WhyForm):
    """Why something is done at once."""

    why = forms.CharField(
        label=_("why"), max_length=suspending.MAX_WHY, help_text=_("The audit and the reviewer keep it. No names.")
    )


class LookForm(forms.Form):
    """Whom to ask for a configuration."""

    entity_id = forms.CharField(
        label=_("Entity identifier"),
        max_length=ENTITY_ID,
        widget=forms.URLInput(attrs={"size": 60, "placeholder": "https://idp.mo.example"}),
        help_text=_("As the peer told you it by a second channel, not as somebody sent it."),
    )


class Comparison:
    """Fields for the end of each key's fingerprint, which the page does not show: the peer has to read it out."""

    def __init__(self, key_set: KeySet, *, signer: str = "", required: bool = False) -> None:
        known = {key.thumbprint: " ".join(key.algorithms) for key in key_set.keys}
        self.groups = peering.fingerprints(key_set)
        self.fields = {
            f"compare_{number}": forms.CharField(
                label=_("Key %(number)d (%(algorithm)s): the last two groups") % self._named(number, known[print_]),
                required=required or print_ == signer,
                max_length=40,
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 12}),
                help_text=self._shown(print_),
            )
            for number, print_ in enumerate(self.groups, start=1)
        }

    def compared(self, form: forms.Form) -> set[str]:
        """Thumbprints of the keys of which the right end was told; an error at the field of every other that was."""
        found = set()
        for print_, (name, groups) in zip(
            self.groups, zip(self.fields, self.groups.values(), strict=True), strict=True
        ):
            told = _NOT_HEXADECIMAL.sub("", form.cleaned_data.get(name, "").lower())
            if told == _end(groups):
                found.add(print_)
            elif form.cleaned_data.get(name):
                form.add_error(name, _("This key's fingerprint ends otherwise. Do not go on: find out why."))
        return found

    def _named(self, number: int, algorithm: str) -> dict[str, Any]:
        return {"number": number, "algorithm": algorithm}

    def _shown(self, print_: str) -> str:
        return " ".join([*self.groups[print_].split()[:-HIDDEN_GROUPS], *["····"] * HIDDEN_GROUPS])


class SuccessorForm(WhyForm):
    """Announced keys that are not pinned yet, compared one by one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comparison = Comparison(peering.fresh(self.peer), required=True)
        self.fields = {**self.comparison.fields, **self.fields}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.comparison.compared(self)
        return data


class TermsForm(forms.Form):
    """What the peer may vouch for, for how long, and by what law. `agreed` once it is valid."""

    allowed_entity_types = forms.MultipleChoiceField(
        label=_("Entity types"),
        choices=[(name, name) for name in PEER_TYPES],
        widget=forms.CheckboxSelectMultiple,
    )
    metadata_policy = forms.JSONField(
        label=_("Metadata policy"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 80}),
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
        widget=forms.Textarea(attrs=_LONG),
        help_text=_('Domain names, as in {"permitted": [".mo.example"], "excluded": []}. Empty: any name.'),
    )
    valid_from = _day(label=_("Stands from"), required=False)
    valid_until = _day(
        label=_("Last day"),
        required=False,
        help_text=_("Hong Kong time. After that day the peer is out at once, unless it is renewed before."),
    )
    legal_basis = forms.CharField(
        label=_("Legal basis"), required=False, max_length=terms.MAX_TEXT, widget=forms.Textarea(attrs=_LONG)
    )
    contract = forms.CharField(label=_("Contract number"), required=False, max_length=terms.MAX_TEXT)

    def __init__(self, *args: Any, entity_id: str, before: Terms, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, initial=_initial(before))
        self.entity_id, self.before = entity_id, before

    def clean(self) -> dict[str, Any]:
        """The domain's own check, so that what does not fit stands on the page."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self.agreed = self._terms(data)
            try:
                terms.check(self.agreed, entity_id=self.entity_id)
            except UnableToAgree as error:
                raise forms.ValidationError(str(error)) from error
        return data

    def _terms(self, data: Mapping[str, Any]) -> Terms:
        chosen = tuple(name for name in PEER_TYPES if name in data["allowed_entity_types"])
        return Terms(
            allowed_entity_types=None if chosen == PEER_TYPES else chosen,
            metadata_policy=_object(data["metadata_policy"]),
            naming_constraints=_object(data["naming_constraints"]),
            max_path_length=data["max_path_length"],
            valid_from=_second(data["valid_from"], self.before.valid_from, days.first_day, days.first_second),
            valid_until=_second(data["valid_until"], self.before.valid_until, days.last_day, days.after),
            legal_basis=data["legal_basis"],
            contract=data["contract"],
        )


class RecognitionForm(TermsForm):
    """Keys compared, terms, and whether the peer's recognition of this node is accepted as well."""

    accept = forms.BooleanField(
        label=_("Also accept its recognition of us"),
        required=False,
        help_text=_("Without it, its gates refuse the tokens that we issue."),
    )
    why = _why()

    def __init__(self, *args: Any, comparison: Comparison, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comparison = comparison
        self.fields = {**comparison.fields, **self.fields}

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.compared = self.comparison.compared(self)
        return data


class TermsChangeForm(TermsForm):
    """Other terms for a peer, in place of those that the page showed (``seen``)."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    why = _why()

    def __init__(self, *args: Any, peer: Peer, **kwargs: Any) -> None:
        super().__init__(*args, entity_id=peer.entity_id, before=terms.of(peer), **kwargs)
        self.initial["seen"] = terms.digest(self.before)


class RenewalForm(WhyForm):
    """A later last day, and the contract by which it is one."""

    valid_until = _day(label=_("Last day"))
    legal_basis = forms.CharField(
        label=_("Legal basis"), required=False, max_length=terms.MAX_TEXT, widget=forms.Textarea(attrs=_LONG)
    )
    contract = forms.CharField(label=_("Contract number"), required=False, max_length=terms.MAX_TEXT)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    field_order = ("valid_until", "legal_basis", "contract", "why")

    def __init__(self, *args: Any, peer: Peer, **kwargs: Any) -> None:
        before = terms.of(peer)
        initial = {"legal_basis": before.legal_basis, "contract": before.contract, "seen": terms.digest(before)}
        super().__init__(*args, peer=peer, initial=initial, **kwargs)
        self.fields["valid_until"].help_text = _("Until now: %s") % (days.last_day(before.valid_until) or NOTHING)

    def clean_valid_until(self) -> int:
        day: datetime.date = self.cleaned_data["valid_until"]
        return _second(day, None, days.last_day, days.after) or 0


def _initial(before: Terms) -> dict[str, Any]:
    return {
        **{name: getattr(before, name) for name in terms.FIELDS},
        "allowed_entity_types": before.allowed_entity_types or PEER_TYPES,
        "valid_from": days.first_day(before.valid_from),
        "valid_until": days.last_day(before.valid_until),
    }


def _second(day: datetime.date | None, before: int | None, shown: Any, read: Any) -> int | None:
    """The day in seconds; a day left as it was shown stays the second that it was, which may be one in the day."""
    if day is None:
        return None
    try:
        return before if day == shown(before) else read(day)
    except OverflowError as error:
        raise forms.ValidationError(_("That day is too far away.")) from error


def _end(groups: str) -> str:
    return "".join(groups.split()[-HIDDEN_GROUPS:])


def _object(value: Any) -> Any:
    return {} if value is None else value  # an empty field; an empty array is a mistake, and the check says so

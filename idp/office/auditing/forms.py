"""What auditors type: a search, a time, and why something is handed out."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.audit import reading
from idp.audit.looking import ReasonForm
from idp.audit.reading import Reason
from idp.office.auditing import words
from idp.office.auditing.searching import Wanted


def _moment() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class SearchForm(forms.Form):
    """Which events; times are those of the three territories."""

    kind = forms.CharField(
        label=_("Kind"), required=False, max_length=64, widget=forms.TextInput(attrs={"list": "audit-kinds"})
    )
    actor = forms.CharField(label=_("Done by"), required=False, max_length=255)
    subject = forms.CharField(label=_("Subject"), required=False, max_length=255)
    since = forms.DateTimeField(label=_("Since"), required=False, widget=_moment())
    until = forms.DateTimeField(label=_("Before"), required=False, widget=_moment())
    words = forms.CharField(label=_("Words"), required=False, max_length=200)

    def wanted(self) -> Wanted:
        """What was asked for."""
        given = dict(self.cleaned_data)
        times = {name: given[name] and int(given[name].timestamp()) for name in ("since", "until")}
        texts = {name: given[name].strip() for name in ("kind", "actor", "subject", "words")}
        return Wanted(**texts, **times)


class HeadForm(forms.Form):
    """Of which time the head is that an event is proven against."""

    at = forms.DateTimeField(label=_("Head of the time"), required=False, widget=_moment())


class ExportForm(forms.Form):
    """Why events are handed out: as for a look."""

    reason = forms.ChoiceField(label=_("Reason"), choices=Reason.choices, initial=Reason.SUPERVISION)
    case = forms.CharField(label=_("File number"), max_length=64, required=False)
    words = forms.CharField(label=_("In a few words"), max_length=reading.MAX_WORDS, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        given = {name: cleaned.get(name, "") for name in ("reason", "case", "words")}
        if not self.errors and (fault := reading.fault(**given)):
            self.add_error(*ReasonForm.wrong[fault])
        return cleaned


KINDS = tuple(words.KINDS.items())

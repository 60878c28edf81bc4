"""Forms about officers: each makes a proposal's kind and payload, or says why something is done at once."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp.accounts import granting, officers
from idp.accounts.appointing import changing
from idp.accounts.models import Account
from idp.accounts.roles import DUTIES, Role


class WhyForm(forms.Form):
    """Why something is proposed or done."""

    why = forms.CharField(
        label=_("why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Who asked for it, and what for. The audit keeps it."),
    )


class NewOfficerForm(WhyForm):
    """Somebody who becomes an officer."""

    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        help_text=_("As colleagues and the audit will know this officer. It is never given to another person."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    roles = forms.MultipleChoiceField(
        label=_("roles"),
        choices=[(role.value, role.label) for role in Role],
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("username", "roles", "why")

    def clean_username(self) -> str:
        try:
            return officers.check_name(self.cleaned_data["username"])
        except officers.UnableToAppoint as error:
            raise forms.ValidationError(str(error)) from error

    def proposed(self) -> tuple[str, dict[str, Any]]:
        """The proposal's kind and payload."""
        data = self.cleaned_data
        return changing.OFFICER, {"change": "create", "username": data["username"], "roles": data["roles"]}


class ChangeForm(WhyForm):
    """What is to change about one officer."""

    change = forms.ChoiceField(label=_("what is to change"), widget=forms.RadioSelect)
    field_order = ("change", "why")

    def __init__(self, *args: Any, account: Account, **options: Any) -> None:
        super().__init__(*args, **options)
        self._account = account
        held = granting.roles_of(account)
        gives = [(f"grant:{role}", f"{role.label}: {DUTIES[role]}") for role in Role if role not in held]
        takes = [(f"end:{role}", role.label) for role in held]
        offered = [(_("give a role"), gives), (_("end a role"), takes), (_("the account"), _ACCOUNT)]
        self.fields["change"].choices = [item for item in offered if item[1]]  # type: ignore[attr-defined]

    def proposed(self) -> tuple[str, dict[str, Any]]:
        """The proposal's kind and payload."""
        change, _sep, role = self.cleaned_data["change"].partition(":")
        payload = {"account": self._account.pk, "change": change}
        return (changing.ROLE, {**payload, "role": role}) if role else (changing.OFFICER, payload)


_ACCOUNT = [
    ("invite", _("invite anew: a link by which the officer makes a passkey")),
    ("close", _("close it for good: the officer has left")),
]

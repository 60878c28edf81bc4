"""Forms of the account pages."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from idp.accounts import contact, registration
from idp.accounts.logins import MAX_PASSWORD_CHARS
from idp.accounts.models import Account, ContactDetails

_SPACING = re.compile(r"[\s().-]")
TAKEN = _("This user name is taken.")
BAD_NAME = _("Use 3 to 64 letters, digits and . _ @ + - only.")


class PlainForm(forms.Form):
    """Labels without a colon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class RegisterForm(PlainForm):
    """A new account with a password. With a passkey the page's script does without this form's password."""

    username = forms.CharField(
        label=_("User name"),
        min_length=3,
        max_length=64,
        help_text=_("You choose it. It is not shown to anybody else."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    display_name = forms.CharField(
        label=_("What shall we call you?"),
        max_length=64,
        required=False,
        help_text=_("Optional."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD_CHARS,
        strip=False,
        help_text=_("At least 12 characters. A password alone is not enough to cross a border: add a passkey later."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        try:
            return registration.check_username(self.cleaned_data["username"])
        except registration.UnableToRegister as error:
            raise ValidationError(TAKEN if error.code == "conflict" else BAD_NAME) from error

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "password" in values:
            person = Account(username=values.get("username", ""), display_name=values.get("display_name", ""))
            try:
                validate_password(values["password"], person, registration.PASSWORD_VALIDATORS)
            except ValidationError as error:
                self.add_error("password", error)
        return values


class LoginForm(PlainForm):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD_CHARS,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]  # the stub is generic, the class is not
    """What a traveller keeps for applications: nothing of it is needed."""

    phone = forms.CharField(
        label=_("Telephone number"),
        max_length=32,  # with the spaces that people write
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "placeholder": "+852…"}),
    )
    language = forms.ChoiceField(
        label=_("Preferred language"), required=False, choices=[("", _("not said")), *settings.LANGUAGES]
    )

    class Meta:
        model = ContactDetails
        fields = contact.FIELDS
        labels = {
            "email": _("E-mail address"),
            "street_address": _("Street, building, flat"),
            "locality": _("Town or district"),
            "region": _("Province or territory"),
            "postal_code": _("Postal code"),
            "country": _("Country"),
        }
        widgets = {
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "street_address": forms.TextInput(attrs={"autocomplete": "street-address"}),
            "locality": forms.TextInput(attrs={"autocomplete": "address-level2"}),
            "region": forms.TextInput(attrs={"autocomplete": "address-level1"}),
            "postal_code": forms.TextInput(attrs={"autocomplete": "postal-code"}),
            "country": forms.TextInput(attrs={"autocomplete": "country-name"}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean_phone(self) -> str:
        """The number as E.164 has it; people write spaces and hyphens into it."""
        return _SPACING.sub("", self.cleaned_data["phone"])

"""The forms by which an officer registers a client and changes it: fields, of which the domain is given metadata.

What is registered and has no field here (`manage.py oidc client` knows it all) stays as it is.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.oidc import authorization_details, client_metadata, client_registration, verified
from idp.oidc.client_registration import Registered, UnableToChange
from idp.oidc.errors import OAuthError
from idp.oidc.models import MAX_CLIENT_ID, Client

CLIENT_ID_BYTES = 16  # in hexadecimal: an identifier that begins with "-" is an option at a command line
OTHER_TAGS = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "pt": "pt"}  # as RFC 5646 writes them
_WIDE = {"cols": 80}
_LINES = ("redirect_uris", "post_logout_redirect_uris")
_TEXTS = ("token_endpoint_auth_method", "jwks_uri", "scope", "sector_identifier_uri")
_ADDRESSES = ("client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "backchannel_logout_uri")
_CHOICES = ("grant_types", "authorization_details_types", "verified_claims")
_GRANTS = {
    "authorization_code": _("travellers log in"),
    "refresh_token": _("and stay granted for 30 days"),
    "client_credentials": _("the client asks for itself"),
}


class _Lines(forms.CharField):
    """One value on each line."""

    def __init__(self, **options: Any) -> None:
        rows = options.pop("rows", 3)
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": rows, **_WIDE}), **options)

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class _Address(forms.CharField):
    """One address, which the domain looks at."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput(attrs={"size": 80}), **options)


class _Keys(forms.JSONField):
    """A JWK Set, or nothing."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class ClientForm(forms.ModelForm):
    """Change a client. When the form is valid the change is done: ``registered`` has what came of it."""

    registered: Registered
    officer = ""  # whoever fills it in, as the audit names them; set by the page

    client_name = forms.CharField(label=_("Name of the client"), max_length=80)
    name_zh_hans = forms.CharField(label="简体中文", max_length=80, required=False)
    name_zh_hant = forms.CharField(label="繁體中文", max_length=80, required=False)
    name_pt = forms.CharField(label="Português", max_length=80, required=False)
    client_uri = _Address(label=_("Website"))
    policy_uri = _Address(label=_("Privacy policy"))
    tos_uri = _Address(label=_("Terms of use"))
    redirect_uris = _Lines(label=_("Redirect URIs"), help_text=_("One on each line; compared character by character."))
    post_logout_redirect_uris = _Lines(label=_("Redirect URIs after a logout"), help_text=_("One on each line."))
    token_endpoint_auth_method = forms.ChoiceField(label=_("Method"), required=False)
    jwks = _Keys(
        label=_("Keys"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, **_WIDE}),
        help_text=_("A JWK Set with public keys; or the address of one below."),
    )
    jwks_uri = _Address(label=_("Address of its keys"))
    grant_types = forms.MultipleChoiceField(
        label=_("Grants"), choices=list(_GRANTS.items()), widget=forms.CheckboxSelectMultiple
    )
    scope = forms.CharField(
        label=_("Scopes"), required=False, help_text=_("Separated by spaces. Empty: every scope that there is.")
    )
    authorization_details_types = forms.MultipleChoiceField(
        label=_("Rich authorization"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Profile border only. A client with one of these is a wallet."),
    )
    verified_claims = forms.MultipleChoiceField(
        label=_("Verified claims"),
        choices=[(name, name) for name in verified.NAMES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What it may ask of travellers' documents. Each traveller decides."),
    )
    initiate_login_uri = _Address(label=_("Address where a login begins"))
    backchannel_logout_uri = _Address(label=_("Address to tell of logouts"))
    sector_identifier_uri = _Address(
        label=_("Address of its sector"),
        help_text=_("Only when the redirect URIs have several hosts. The sector stays for ever."),
    )
    resources = _Lines(
        label=_("Resources"), help_text=_("Identifiers (RFC 8707) that this client answers for, one on each line.")
    )

    class Meta:
        model = Client
        fields = ("resources",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["token_endpoint_auth_method"].choices = [("", "—"), *((m, m) for m in self._methods())]  # type: ignore[attr-defined]
        types = authorization_details.supported()
        self.fields["authorization_details_types"].choices = [(name, name) for name in types]  # type: ignore[attr-defined]
        self.initial = {**fields_of(self.instance.metadata), **self.initial}

    def clean(self) -> dict[str, Any]:
        """Do it, so that whatever the domain refuses stands on the page."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.registered = self._act(metadata_of(data, self.instance.metadata), data)
            except OAuthError as error:
                field = "redirect_uris" if error.error == "invalid_redirect_uri" else None
                self.add_error(field, f"{error.error}: {error.detail}")
            except UnableToChange as error:
                self.add_error(None, str(error))
        return data

    def _post_clean(self) -> None:
        """Nothing: the domain has checked and stored the row."""

    def _methods(self) -> tuple[str, ...]:
        return client_metadata.AUTHENTICATION[self.instance.profile]

    def _act(self, metadata: Mapping[str, Any], data: Mapping[str, Any]) -> Registered:
        return client_registration.change(
            client=self.instance,
            metadata=metadata,
            resources=data["resources"],
            actor=self.officer,
            now=clock.now(),
        )


class NewClientForm(ClientForm):
    """Register a client."""

    client_id = forms.CharField(
        label=_("Identifier"), required=False, max_length=MAX_CLIENT_ID, help_text=_("Empty: one is made up.")
    )
    profile = forms.ChoiceField(
        label=_("Profile"),
        choices=Client.Profile.choices,
        initial=Client.Profile.BASIC,
        help_text=_("basic: OpenID Connect as most applications speak it. border: FAPI 2.0, for wallets too."),
    )

    def _methods(self) -> tuple[str, ...]:
        return tuple(client_metadata.authentication_methods())

    def _act(self, metadata: Mapping[str, Any], data: Mapping[str, Any]) -> Registered:
        return client_registration.register(
            client_id=data["client_id"] or secrets.token_hex(CLIENT_ID_BYTES),
            profile=data["profile"],
            registration=Client.Registration.ADMIN,
            metadata=metadata,
            resources=data["resources"],
            actor=self.officer,
            now=clock.now(),
        )


def fields_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show of ``metadata``."""
    known = [*_LINES, *_TEXTS, *_ADDRESSES, *_CHOICES, "client_name", "jwks"]
    shown = {name: metadata[name] for name in known if name in metadata}
    for name, value in metadata.items():
        base, _hash, tag = name.partition("#")
        if base == "client_name" and tag.lower() in OTHER_TAGS:
            shown[_field(tag.lower())] = value
    return {"grant_types": ["authorization_code"], **shown}


def metadata_of(data: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """``before`` with what the fields say in place; an empty field leaves its member out."""
    named = {f"client_name#{tag}": data[_field(code)] for code, tag in OTHER_TAGS.items()}
    said = {name: data[name] for name in (*_LINES, *_TEXTS, *_ADDRESSES, *_CHOICES, "client_name", "jwks")}
    replaced = {name.lower() for name in (*named, *said)} | {"response_types"}  # which follow from grant_types
    kept = {name: value for name, value in before.items() if name.lower() not in replaced}
    return {**kept, **{name: value for name, value in {**said, **named}.items() if value}}


def _field(code: str) -> str:
    return f"name_{code.replace('-', '_')}"

"""Clients in the admin site: an officer registers, changes and stops them; a new secret is shown once.

Those of a trust chain are to be looked at, and may be stopped.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import Action, confirmed, officer_of
from idp.federation.columns import when
from idp.oidc import client_metadata, client_registration
from idp.oidc.client_forms import ClientForm, NewClientForm
from idp.oidc.client_registration import Registered, UnableToChange
from idp.oidc.models import Client
from idp.oidc.parties import pages
from idp.oidc.trying import pages as trying_pages

__all__ = ["ClientAdmin", "pages", "trying_pages"]

Secrets = Sequence[tuple[str, str]]  # client_id, secret


def _action(name: str, description: Any, warning: Any, act: Callable[[Client, str], tuple[str, str] | None]) -> Action:
    """An action on clients; where ``act`` gives a client's secret, a page shows it."""
    return confirmed(
        *(name, description, warning, act),
        permission="manage",
        refused=UnableToChange,
        shown=lambda client: client.client_id,
        after=_secrets_if_any,
    )


def _disable(client: Client, officer: str) -> None:
    client_registration.set_disabled(client=client, disabled=True, actor=officer)


def _enable(client: Client, officer: str) -> None:
    client_registration.set_disabled(client=client, disabled=False, actor=officer)


def _rotate(client: Client, officer: str) -> tuple[str, str]:
    return client.client_id, client_registration.rotate_secret(client=client, actor=officer)


def _remove(client: Client, officer: str) -> None:
    client_registration.remove(client=client, actor=officer)


def _secrets_page(self: admin.ModelAdmin, request: HttpRequest, made: Secrets) -> HttpResponse:
    """In the answer itself and nowhere else: neither in a session nor in a cookie. The site lets no cache keep it."""
    context = {**self.admin_site.each_context(request), "title": _("A new secret"), "made": made, "opts": Client._meta}
    return TemplateResponse(request, "oidc/admin_secret.html", context)


def _secrets_if_any(
    self: admin.ModelAdmin, request: HttpRequest, given: Sequence[tuple[str, str] | None]
) -> HttpResponse | None:
    made = [secret for secret in given if secret is not None]
    return _secrets_page(self, request, made) if made else None


@admin.register(Client)
class ClientAdmin(ReadOnlyModelAdmin):
    class Media:
        css = {"all": ("oidc/clients.css",)}

    form = ClientForm
    list_display = ("client_id", "name", "profile", "registration", "enabled", "registered")
    list_filter = ("profile", "registration", "disabled")
    search_fields = ("client_id",)
    actions = (
        _action("disable", _("Disable"), _("Its tokens are refused at once. Nothing is forgotten."), _disable),
        _action("enable", _("Enable"), _("It may ask for tokens again, and those that it has count again."), _enable),
        _action("rotate_secret", _("Make another secret"), _("The secret before is good no more, at once."), _rotate),
        _action("remove", _("Remove"), _("It is forgotten. One that was ever granted something stays."), _remove),
    )
    facts = ("client_id", "profile", "registration", "enabled", "sector", "registered")
    seen_only = ("name", "expires", "resources", "registered_metadata")
    parts = (
        (
            _("What travellers see"),
            ("client_name", "name_zh_hans", "name_zh_hant", "name_pt", "client_uri", "policy_uri", "tos_uri"),
        ),
        (
            _("Addresses"),
            ("redirect_uris", "post_logout_redirect_uris", "initiate_login_uri", "backchannel_logout_uri"),
        ),
        (_("How it authenticates"), ("token_endpoint_auth_method", "jwks", "jwks_uri")),
        (
            _("What it may do"),
            (
                *("grant_types", "scope", "authorization_details_types", "verified_claims"),
                *("resources", "sector_identifier_uri"),
            ),
        ),
    )

    registered = when("created_at", _("registered"))
    expires = when("expires_at", _("chain expires"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("oidc.add_client"))

    def has_change_permission(self, request: HttpRequest, obj: Client | None = None) -> bool:
        """Of what is registered; a client of a trust chain is what its superiors say."""
        return (obj is None or client_registration.is_direct(obj)) and self.has_manage_permission(request)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("oidc.change_client"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without Django's transaction around it: a sector's list may be fetched, and no lock waits for an answer."""
        return self._changeform_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        parts = [(title, {"fields": fields}) for title, fields in self.parts]
        if obj is None:
            return [(None, {"fields": ("client_id", "profile")}), *parts]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": (*self.facts, *self.seen_only)})]
        return [(None, {"fields": self.facts}), *parts]

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> Any:
        if obj is None:
            return ()
        return self.facts if self.has_change_permission(request, obj) else (*self.facts, *self.seen_only)

    def get_form(self, request: HttpRequest, obj: Client | None = None, change: bool = False, **kwargs: Any) -> Any:
        base = NewClientForm if obj is None else ClientForm
        return type("OfficersClientForm", (base,), {"officer": officer_of(request)})

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Client:
        done: Registered = form.registered
        return done.client

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        """Nothing: the form has had the domain store it, with an audit event."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: a client has no parts to be edited."""
        request.new_secret = form.registered.secret  # type: ignore[attr-defined]  for the answer to this request

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._with_secret(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        return self._with_secret(request, obj) or super().response_change(request, obj)

    def _with_secret(self, request: HttpRequest, obj: Client) -> HttpResponse | None:
        secret: str | None = request.new_secret  # type: ignore[attr-defined]
        return None if secret is None else _secrets_page(self, request, [(obj.client_id, secret)])

    @admin.display(description=_("name"))
    def name(self, client: Client) -> str:
        return client_metadata.name(client, get_language() or "en")

    @admin.display(description=_("enabled"), boolean=True)
    def enabled(self, client: Client) -> bool:
        return not client.disabled

    @admin.display(description=_("metadata"))
    def registered_metadata(self, client: Client) -> str:
        return format_html("<pre>{}</pre>", json.dumps(client.metadata, ensure_ascii=False, indent=1))

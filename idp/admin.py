"""The admin site of an authority: a second factor is required of every officer; rooms add pages of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user
from django_otp.admin import OTPAdminAuthenticationForm, OTPAdminSite

from idp import clock

View = Callable[..., HttpResponseBase]

SECTIONS = {  # of the menu, in its order
    "work": _("Work lists"),
    "dashboards": _("Dashboards"),
    "trust": _("Trust"),
    "keys": _("Keys"),
    "border": _("Checkpoints and lanes"),
    "faces": _("Faces"),
    "parties": _("Relying parties"),
    "audit": _("Audit"),
    "officers": _("Officers and roles"),
}


@dataclass(frozen=True)
class Page:
    """A page of the admin site that shows no model's rows."""

    path: str  # below /admin/, with a slash at the end; may have converters
    name: str  # its URL is called "admin:NAME"
    title: Any  # translated when it is shown
    section: str  # of `SECTIONS`
    permission: str  # "app.codename" of who may see it; empty: every officer who is logged in
    view: View
    listed: bool  # in the menu; not a page about one thing


_PAGES: list[Page] = []
_ENTRANCES: list[tuple[str, str, View]] = []
_LOGGED_IN_AT = "officer_logged_in_at"


def page(
    path: str, *, name: str, title: Any, section: str, permission: str, listed: bool = True
) -> Callable[[View], View]:
    """A view of a room that becomes a page of the site, for officers with ``permission``; others get 403.

    To be used in a module that the room's ``admin`` imports: Django loads those before it asks for URLs.
    """

    def added(view: View) -> View:
        _PAGES.append(Page(path, name, title, section, permission, view, listed))
        return view

    return added


def entrance(path: str, *, name: str) -> Callable[[View], View]:
    """A view below /admin/ for officers who are not logged in yet. It has to look itself at whoever comes."""

    def added(view: View) -> View:
        _ENTRANCES.append((path, name, view))
        return view

    return added


def note_login(request: HttpRequest, *, now: int) -> None:
    """Both factors were shown in this session just now."""
    request.session[_LOGGED_IN_AT] = now


def logged_in_at(request: HttpRequest) -> int:
    """Seconds since 1970 of the session's login; 0 where it is not known."""
    return int(request.session.get(_LOGGED_IN_AT, 0))


def pages() -> tuple[Page, ...]:
    """Those of every room, in the menu's order."""
    order = list(SECTIONS)
    return tuple(sorted(_PAGES, key=lambda item: order.index(item.section)))


def rendered(request: HttpRequest, template: str, *, title: Any, **context: Any) -> TemplateResponse:
    """A page with the site around it; ``template`` extends ``admin/page.html``."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


class OfficerLoginForm(OTPAdminAuthenticationForm):
    """One step for an officer with one device: django-otp asks for a choice of device even then."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].widget.attrs["autocomplete"] = "username webauthn"  # offers passkeys, too
        self.fields["otp_token"].label = _("Code of your authenticator")
        self.fields["otp_token"].widget.attrs |= {"autocomplete": "one-time-code", "inputmode": "numeric"}
        self.fields["otp_device"].label = _("Device")

    def clean_otp(self, user: Any) -> None:
        if user is not None and not self.cleaned_data.get("otp_device"):
            devices = list(devices_for_user(user))
            if len(devices) == 1:
                self.cleaned_data["otp_device"] = devices[0].persistent_id
        super().clean_otp(user)


class CausewayAdminSite(OTPAdminSite):
    """Django's admin site behind a second factor (django-otp), with the rooms' pages above their models."""

    login_form = OfficerLoginForm
    login_template = "officers/login.html"
    site_header = site_title = "Causeway"
    index_title = _("Authority")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        found = [path(item.path, self.admin_view(_permitted(item)), name=item.name) for item in pages()]
        entrances = [path(where, view, name=name) for where, name, view in _ENTRANCES]
        return [*entrances, *found, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """With password and one-time password; a passkey goes another way (`entrance`)."""
        answer = super().login(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            note_login(request, now=clock.now())
        return answer

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Django's list of rooms and models, behind the sections whose pages the officer may see."""
        rooms: list[dict[str, Any]] = super().get_app_list(request, app_label)
        return rooms if app_label is not None else [*_menu(request), *rooms]


def _permitted(item: Page) -> View:
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _may_see(request, item):
            raise PermissionDenied
        return item.view(request, *args, **kwargs)

    return view


def _may_see(request: HttpRequest, item: Page) -> bool:
    return not item.permission or request.user.has_perm(item.permission)


def _menu(request: HttpRequest) -> list[dict[str, Any]]:
    """Sections as Django's templates show rooms, and pages as they show models that can be looked at only."""
    seen = [item for item in pages() if item.listed and _may_see(request, item)]
    return [
        {
            "name": title,
            "app_label": f"section-{section}",
            "app_url": "",
            "has_module_perms": True,
            "models": [_entry(item) for item in seen if item.section == section],
        }
        for section, title in SECTIONS.items()
        if any(item.section == section for item in seen)
    ]


def _entry(item: Page) -> dict[str, Any]:
    return {
        "name": item.title,
        "object_name": item.name,
        "admin_url": reverse(f"admin:{item.name}"),
        "add_url": None,
        "view_only": True,
        "perms": {"view": True},
    }

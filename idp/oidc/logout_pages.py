"""The end session endpoint (OpenID Connect RP-Initiated Logout 1.0) and the page that asks."""

import logging
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language, get_supported_language_variant
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from idp.accounts import sessions
from idp.oidc import client_metadata, ending, form
from idp.oidc.ending import LogoutRequest
from idp.oidc.errors import OAuthError

log = logging.getLogger(__name__)


@never_cache
@csrf_exempt  # nothing is done with a form but to bring the browser back with a query, and its cookie
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """Log out at a client's wish, at once when its id token is of this session; else the traveller is asked."""
    try:
        if request.method == "POST":
            return _leave(f"{reverse('oidc-logout')}?{urlencode(form.read(request))}")
        asked = ending.read(dict(request.GET.lists()))
    except OAuthError as error:
        return _error_page(request, error)
    who = sessions.authentication(request)
    if request.user.is_authenticated and (who is None or not asked.is_sure(who)):  # an officer has another session
        return _page(request, asked, "oidc/logout.html", account=request.user)
    return _ended(request, asked)


@never_cache
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """The traveller's answer; the CSRF token is of the session that was shown the page."""
    try:
        asked = ending.read(dict(request.POST.lists()))
    except OAuthError as error:
        return _error_page(request, error)
    if request.POST.get("decision") != "leave":
        return _leave(reverse("account"))
    return _ended(request, asked)


def _ended(request: HttpRequest, asked: LogoutRequest) -> HttpResponse:
    if request.user.is_authenticated:
        sessions.end(request=request)
    if asked.location is not None:
        return _leave(asked.location)
    return _page(request, asked, "oidc/logged_out.html")


def _page(request: HttpRequest, asked: LogoutRequest, template: str, **context: object) -> HttpResponse:
    with translation.override(_language(asked)):
        name = client_metadata.name(asked.client, get_language() or "en") if asked.client is not None else ""
        response = render(request, template, {"client_name": name, "fields": dict(asked.parameters), **context})
        response.headers["Content-Language"] = get_language() or "en"
    if asked.location is not None:
        # Chromium applies form-action to the redirect after the form too.
        parts = urlsplit(asked.location)
        source = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
        response._csp_update = {"form-action": [source]}  # type: ignore[attr-defined]
    return response


def _language(asked: LogoutRequest) -> str:
    """The first language of ``ui_locales`` that we speak; else the browser's."""
    for tag in asked.parameters.get("ui_locales", "").split():
        try:
            return get_supported_language_variant(tag.lower())
        except LookupError:
            continue
    return get_language() or "en"


def _error_page(request: HttpRequest, error: OAuthError) -> HttpResponse:
    """A page and never a redirect: nobody knows who sent this. The session goes on."""
    log.info("%s: %s", error.error, error.detail)
    return render(request, "oidc/error.html", {"code": error.wire}, status=error.status)


def _leave(location: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": location})

"""The traveller's window of a trial has cookies of its own, so that two people can be logged in in one browser.

Officers and travellers have one session cookie. A traveller who logged in in the officer's browser would log the
officer out, and one who logs out there would as well. So while a trial runs, a mark stands in the browser, and every
page but the officers' is given another session and another CSRF secret, by the names that Django knows. The officer's
session is not given to those pages, nor the traveller's to the officers'.
"""

from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponseBase

from idp.accounts import sessions
from idp.oidc.trying.trials import LIFETIME

OFFICERS = ("/admin/", "/border/v1/officers/")  # paths that a trial does not change


def mark() -> str:
    """The name of the cookie that says that a trial runs in this browser."""
    return _own("try-it")


def names() -> dict[str, str]:
    """Django's names of cookies, and under which the window keeps them."""
    return {settings.SESSION_COOKIE_NAME: _own("try-it-session"), settings.CSRF_COOKIE_NAME: _own("try-it-csrf")}


def middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """To stand in front of everything that reads a session or a CSRF secret."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if mark() not in request.COOKIES or request.path.startswith(OFFICERS):
            return get_response(request)
        for known, own in names().items():
            request.COOKIES.pop(known, None)
            if own in request.COOKIES:
                request.COOKIES[known] = request.COOKIES[own]
        response = get_response(request)
        for known, own in names().items():
            _rename(response, known, own)
        return response

    return answer


def open_in(response: HttpResponseBase, *, request: HttpRequest) -> None:
    """From this answer on the browser has the window's cookies; whoever was logged in there before is logged out."""
    _forget(request)
    _clear(response)
    response.set_cookie(mark(), "1", max_age=LIFETIME, secure=_secure(), httponly=True, samesite="Lax")


def close_in(response: HttpResponseBase, *, request: HttpRequest) -> None:
    """The browser is as it was before the trial; the traveller's session has ended."""
    _forget(request)
    _clear(response)
    response.delete_cookie(mark(), samesite="Lax")


def _forget(request: HttpRequest) -> None:
    key = request.COOKIES.get(names()[settings.SESSION_COOKIE_NAME])
    if key is None:
        return
    inside = HttpRequest()
    inside.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    inside.user = get_user(inside)  # type: ignore[assignment]
    sessions.end(request=inside)


def _clear(response: HttpResponseBase) -> None:
    for own in names().values():
        response.delete_cookie(own, samesite="Lax")


def _rename(response: HttpResponseBase, known: str, own: str) -> None:
    """None of these cookies outlives the trial; one that is deleted stays so."""
    if known not in response.cookies:
        return
    morsel = response.cookies.pop(known)
    response.cookies[own] = morsel.value
    response.cookies[own].update({name: value for name, value in morsel.items() if name != "expires" and value})
    if morsel["max-age"] == 0:
        response.cookies[own]["max-age"] = 0
    else:
        response.cookies[own]["max-age"] = LIFETIME


def _own(name: str) -> str:
    """As a host's own cookie (RFC 6265bis §4.1.3.2): nobody else's page can set it."""
    return f"__Host-{name}" if _secure() else name


def _secure() -> bool:
    return bool(settings.SESSION_COOKIE_SECURE)

"""Endpoints that machines ask: Django without what only a page needs.

No session, cookie, language, message or CSRF token is read here, so a browser's cookies give nobody anything. What
stays of the page stack is what holds for every answer: the check of the Host header, transport security, no sniffing,
a length. How large a request may be is each endpoint's own limit. Under ASGI the page stack answers these paths too.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch
from django.utils import translation
from django.utils.log import log_response

from idp.oidc import dpop_nonces

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

PATHS = frozenset(
    {
        "/oidc/par",
        "/oidc/token",
        "/oidc/introspect",
        "/oidc/revoke",
        "/oidc/userinfo",
        "/oidc/jwks",
        "/oidc/federation-registration",
        "/oidc/attestation-challenge",
        "/border/v1/tokens",
    }
)
PREFIX = "/border/"  # all of that room: wallets, lanes and peers
OFFICERS = "/border/v1/officers/"  # but not these, who come with a session
MAX_HOSTS = 64  # spellings of the node's name that are remembered
POLICY = "default-src 'none'; frame-ancestors 'none'"  # an error page of Django's is the only page that can come


def our_host(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Of Django's CommonMiddleware what is left where no URL is rewritten: the check of the Host header, and a length.

    A good header is looked through once.
    """
    good: set[str] = set()

    def answer(request: HttpRequest) -> HttpResponseBase:
        host = request.META.get("HTTP_HOST", "")
        if host not in good:
            request.get_host()  # raises DisallowedHost
            if len(good) < MAX_HOSTS:
                good.add(host)
        response: Any = get_response(request)
        if not response.streaming:
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return answer


STACK = (SecurityMiddleware, our_host, dpop_nonces.middleware)


class MachineHandler(WSGIHandler):
    """Django's handler with `STACK` in place of the settings' list.

    Of what Django does around a view, this leaves away middleware that looks at views, exceptions or templates,
    cookies, a transaction for the whole request, another URL configuration for a request, and the signals of its
    beginning and end. Of what those do one thing is needed: a connection that is too old or failed is closed before
    the next request.
    """

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        close_old_connections()
        response: Any = self.get_response(WSGIRequest(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return response if response.streaming else [response.content]

    def load_middleware(self, is_async: bool = False) -> None:
        """Called once, by the constructor."""
        self._matches: dict[str, ResolverMatch] = {}
        handler = convert_exception_to_response(self._view)
        for middleware in reversed(STACK):
            handler = convert_exception_to_response(middleware(handler))
        self._middleware_chain = handler

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The view of ``request``; for `PATHS` it is looked for once, as nothing in them varies."""
        match = self._matches.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)  # type: ignore[misc]
            if request.path_info in PATHS:
                self._matches[request.path_info] = match
        request.resolver_match = match
        return match

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Answer ``request``, whatever comes."""
        response: HttpResponseBase = self._middleware_chain(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        return response

    def _view(self, request: HttpRequest) -> HttpResponseBase:
        match = self.resolve_request(request)
        response: Any = match.func(request, *match.args, **match.kwargs)
        rendered: HttpResponseBase = response.render() if hasattr(response, "render") else response
        return rendered


class Switch:
    """A WSGI application (PEP 3333): what machines ask for goes to one, everything else to the other.

    A thread would keep the language of the last page that it rendered, so that is forgotten behind each page.
    """

    def __init__(self, *, machines: Application, pages: Application) -> None:
        self._machines, self._pages = machines, pages

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path: str = environ.get("PATH_INFO", "")
        if path in PATHS or (path.startswith(PREFIX) and not path.startswith(OFFICERS)):
            return self._machines(environ, start_response)
        try:
            return self._pages(environ, start_response)
        finally:
            translation.deactivate()

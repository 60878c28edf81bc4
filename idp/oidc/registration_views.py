"""The rim of dynamic registration: HTTP in, one domain call, HTTP out."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from idp import clock
from idp.oidc import dynamic_registration, initial_access
from idp.oidc.errors import OAuthError
from idp.oidc.views import machine

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)\Z", re.IGNORECASE)


@machine
def register(request: HttpRequest) -> HttpResponse:
    """RFC 7591 §3."""
    if not initial_access.is_on():
        return HttpResponse(status=404)
    if request.method != "POST":
        raise OAuthError("method_not_allowed", str(request.method))
    body = _body(request)
    return JsonResponse(dynamic_registration.register(body, token=_token(request), now=clock.now()), status=201)


@machine
def configuration(request: HttpRequest, client_id: str) -> HttpResponse:
    """RFC 7592 §2."""
    if not initial_access.is_on():
        return HttpResponse(status=404)
    token = _token(request)
    if request.method == "GET":
        return JsonResponse(dynamic_registration.read(client_id, token=token))
    if request.method == "PUT":
        return JsonResponse(dynamic_registration.update(client_id, _body(request), token=token, now=clock.now()))
    if request.method == "DELETE":
        dynamic_registration.delete(client_id, token=token, now=clock.now())
        return HttpResponse(status=204)
    raise OAuthError("method_not_allowed", str(request.method), headers={"Allow": "GET, PUT, DELETE"})


def _body(request: HttpRequest) -> bytes:
    length: Any = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > dynamic_registration.MAX_BODY:
        raise OAuthError("too_large", "body")
    if request.content_type != "application/json":
        raise OAuthError("invalid_client_metadata", "not application/json")
    return request.body


def _token(request: HttpRequest) -> str | None:
    """The bearer token (RFC 6750 §2.1), None without credentials; what is no such token is one that nobody has."""
    sent = request.headers.get("Authorization")
    if sent is None:
        return None
    found = _BEARER.match(sent)
    return found[1] if found else ""

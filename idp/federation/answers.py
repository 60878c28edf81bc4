"""How the federation endpoints are asked and how they answer, whatever they answer (Federation §8).

Without client authentication a request is a GET, with it a POST whose form has the same parameters (§8.8). Every error
is JSON with both members and constant text (§8.9); unknown parameters are ignored.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.request import RawPostDataException
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from idp import clock
from idp.federation import auth_methods, callers
from idp.federation.errors import FederationError
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)

MAX_BODY = 65_536  # bytes; a trust mark with a delegation, or an assertion with a trust chain
FORM = "application/x-www-form-urlencoded"
READ = ("GET", "HEAD")

View = Callable[..., HttpResponse]


def document(view: View) -> View:
    """A view for GET of what is public and signed: configurations and status lists."""

    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in READ:
            raise FederationError("invalid_request", "use GET", status=405, allow=READ)
        return view(request, *args, **kwargs)

    return _guarded(view, call)


def endpoint(name: str, *, posted: bool = False) -> Callable[[View], View]:
    """A view for one of `auth_methods.ENDPOINTS`, called with the request, its parameters and who asks.

    ``posted`` endpoints are POST with and without authentication; there the assertion decides. Who asks is an entity
    identifier, or None for everybody.
    """

    def decorate(view: View) -> View:
        def call(request: HttpRequest) -> HttpResponse:
            methods = auth_methods.allowed(name)
            if request.method in READ and not posted:
                if auth_methods.NONE not in methods:
                    raise FederationError("invalid_client", "this endpoint asks for private_key_jwt")
                return view(request, request.GET, None)
            takes_forms = posted or auth_methods.PRIVATE_KEY_JWT in methods
            if request.method != "POST" or not takes_forms:
                allow = (*(() if posted else READ), *(("POST",) if takes_forms else ()))
                raise FederationError("invalid_request", f"use {' or '.join(allow)}", status=405, allow=allow)
            form = _form(request)
            return view(request, form, _caller(form, methods, posted=posted))

        return _guarded(view, call)

    return decorate


def one(parameters: QueryDict, name: str) -> str:
    """The parameter's value; `FederationError` unless it is there once, printable and not empty."""
    values = parameters.getlist(name)
    if len(values) != 1 or not values[0] or not values[0].isprintable():  # a database refuses NUL, and loudly
        raise FederationError("invalid_request", f"{name} is needed exactly once")
    return str(values[0])


def signed(request: HttpRequest, text: str | bytes, content_type: str) -> HttpResponse:
    """A signed document with an entity tag, or 304 to a GET that shows the tag."""
    etag = f'"{hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:32]}"'
    # A copy may be kept but is asked for again each time: what was taken back must be gone at once.
    headers: Mapping[str, str] = {"ETag": etag, "Cache-Control": "no-cache"}
    response = HttpResponse(text, content_type=content_type, headers=headers)
    if request.method not in READ:  # RFC 9110 §13.1.2: 412 to a POST is no help to anybody here
        return response
    return get_conditional_response(request, etag=etag, response=response) or response


def listed(values: list[str]) -> HttpResponse:
    """A JSON array of entity identifiers."""
    return JsonResponse(values, safe=False, headers={"Cache-Control": "no-cache"})


def _caller(form: QueryDict, methods: tuple[str, ...], *, posted: bool) -> str | None:
    presented = "client_assertion" in form or "client_assertion_type" in form
    if auth_methods.PRIVATE_KEY_JWT in methods and (presented or not posted or auth_methods.NONE not in methods):
        return callers.authenticate(form, now=clock.now())
    return None


def _form(request: HttpRequest) -> QueryDict:
    if request.content_type != FORM:
        raise FederationError("invalid_request", "send a form")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise FederationError("invalid_request", "too long", status=413)
    return request.POST


def _guarded(view: View, call: View) -> View:
    @csrf_exempt  # no cookie means anything here
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return call(request, *args, **kwargs)
        except FederationError as error:
            return _error(error)
        except Unavailable as error:
            log.warning("%s: %s", request.path, error)
            return _error(FederationError("temporarily_unavailable", "try again later"))
        except (BadRequest, SuspiciousOperation, RawPostDataException) as error:  # parameters that cannot be read
            log.info("%s: %s", request.path, error)
            return _error(FederationError("invalid_request", "the parameters cannot be read"))
        except Exception:
            log.exception("%s", request.path)
            return _error(FederationError("server_error", "something went wrong here"))

    return answer


def _error(error: FederationError) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    if error.allow:  # RFC 9110 §15.5.6
        headers["Allow"] = ", ".join(error.allow)
    body = {"error": error.code, "error_description": error.description}
    return JsonResponse(body, status=error.status, headers=headers)

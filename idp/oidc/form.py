"""Reading the parameters of a machine's request: every rule of RFC 6749 §3.2 and RFC 9126 §2.3 before any meaning."""

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.request import RawPostDataException

from idp.oidc.errors import OAuthError

MAX_BODY = 65_536  # bytes; a request object with a trust chain has some 20,000
MAX_PARAMETERS = 64


def read(request: HttpRequest) -> dict[str, str]:
    """The form's parameters, each once; of `resources`, which may stand several times, the last.

    Raises `OAuthError`: method_not_allowed, too_large, or invalid_request for a query string, another content type or a
    parameter that stands twice. Parameters without value count as absent (RFC 6749 §3.2).
    """
    if request.method != "POST":
        raise OAuthError("method_not_allowed", str(request.method))
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        raise OAuthError("too_large", "body")
    if request.META.get("QUERY_STRING"):  # parameters in a URL end up in logs, and Authlib would merge them in
        raise OAuthError("invalid_request", "a query string")
    if request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "not a form")
    return _single(request)


def resources(request: HttpRequest) -> dict[str, list[str]]:
    """The parameter ``resource`` of a request that was `read`, all of it (RFC 8707 §2); empty when it is not there."""
    found = [value for value in request.POST.getlist("resource") if isinstance(value, str) and value]
    return {"resource": found} if found else {}


def _single(request: HttpRequest) -> dict[str, str]:
    try:
        form = request.POST
    except (BadRequest, SuspiciousOperation, RawPostDataException, ValueError) as error:
        raise OAuthError("invalid_request", "the form cannot be read") from error
    if len(form) > MAX_PARAMETERS:
        raise OAuthError("invalid_request", "too many parameters")
    if any(len(values) != 1 for name, values in form.lists() if name != "resource"):
        raise OAuthError("invalid_request", "a parameter stands twice")
    parameters = {name: value for name, value in form.items() if isinstance(value, str) and value}
    texts = [*parameters, *(text for _, values in form.lists() for text in values)]
    if any("\x00" in text for text in texts):  # PostgreSQL cannot hold it
        raise OAuthError("invalid_request", "a null character")
    return parameters

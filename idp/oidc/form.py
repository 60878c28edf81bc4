"""Reading the parameters of a machine's request: every rule of RFC 6749 §3.2 and RFC 9126 §2.3 before any meaning.

The body is read here and not by `HttpRequest.POST`, which puts its own meaning on what cannot be read.
"""

from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest

from idp.oidc.errors import OAuthError

MAX_BODY = 65_536  # bytes; a request object with a trust chain has some 20,000
MAX_PARAMETERS = 64
MEDIA_TYPE = "application/x-www-form-urlencoded"


class Form(dict[str, str]):
    """The form's parameters, each once; of `resources`, which may stand several times, the last."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.resources = [value for name, value in pairs if name == "resource"]

    def full(self) -> dict[str, Any]:
        """The parameters, where ``resource``, if it is there, is a list (RFC 8707 §2)."""
        return {**self, "resource": self.resources} if self.resources else {**self}


def read(request: HttpRequest) -> Form:
    """The parameters of ``request``. Those without value count as absent (RFC 6749 §3.2).

    Raises `OAuthError`: method_not_allowed, too_large, or invalid_request for a query string, another content type or a
    parameter that stands twice.
    """
    if request.method != "POST":
        raise OAuthError("method_not_allowed", str(request.method))
    length = request.META.get("CONTENT_LENGTH") or "0"  # looked at before the body is taken
    if not length.isdigit() or int(length) > MAX_BODY or len(request.body) > MAX_BODY:
        raise OAuthError("too_large", "body")
    if request.META.get("QUERY_STRING"):  # parameters in a URL end up in logs, and Authlib would merge them in
        raise OAuthError("invalid_request", "a query string")
    if request.content_type != MEDIA_TYPE or (request.encoding or "utf-8").lower() != "utf-8":
        raise OAuthError("invalid_request", "not a form, or not in UTF-8")
    pairs = _pairs(request.body)
    names = [name for name, _ in pairs if name != "resource"]
    if len(set(names)) != len(names):
        raise OAuthError("invalid_request", "a parameter stands twice")
    if any("\x00" in name or "\x00" in value for name, value in pairs):  # PostgreSQL cannot hold it
        raise OAuthError("invalid_request", "a null character")
    return Form([pair for pair in pairs if pair[1]])


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise OAuthError("invalid_request", "the form cannot be read, or has too many parameters") from error

"""What a device is asked and what it answers, and the one reading of a query."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

MAX_QUERY = 8 * 1024  # an authorization response is about 400 bytes
MAX_PARAMETERS = 32
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
PROBLEMS = {
    400: ("invalid_request", "The request cannot be read."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is no such thing here."),
    405: ("method_not_allowed", "This method is not allowed here."),
    411: ("length_required", "The length of the body must be given."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "The request's media type is not supported."),
    421: ("wrong_host", "This device does not answer to that name."),
    429: ("rate_limited", "Too many requests; try again later."),
    431: ("too_large", "The request's header is too large."),
    500: ("internal", "Something went wrong here."),
    503: ("temporarily_unavailable", "This cannot be answered just now; try again later."),
}


@dataclass(frozen=True)
class Request:
    """One request: ``path`` percent-decoded, ``query`` without repeated names, ``headers`` by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """One answer; ``headers`` are added to, or replace, `SECURITY_HEADERS`."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]
Routes = Mapping[tuple[str, str], Handler]


class Problem(Exception):
    """Raised by a handler to answer with a problem document (RFC 9457)."""

    def __init__(
        self, status: int, code: str = "", title: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code or str(status))
        self.status, self.code, self.title, self.headers = status, code, title, dict(headers or {})


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``value`` as a JSON answer."""
    return Response(status, "application/json", strict_json.dumps(value), headers or {})


def problem(status: int, code: str = "", title: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem document (RFC 9457) with constant text."""
    usual = PROBLEMS.get(status, PROBLEMS[400])
    code, title = code or usual[0], title or usual[1]
    body = {"type": f"urn:causeway:problem:{code}", "title": title, "status": status, "code": code}
    return Response(status, "application/problem+json", strict_json.dumps(body), headers or {})


def redirect(location: str) -> Response:
    """303 See Other; ``location`` is ours or was checked by the caller."""
    return Response(303, "text/plain; charset=utf-8", b"", {"Location": location})


def json_body(request: Request) -> dict[str, Any]:
    """The body as one JSON object; raises `Problem` 415 without its media type and `Refusal` (malformed)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415)
    return strict_json.loads_object(request.body, max_bytes=max(len(request.body), 1))


def parse_query(text: str) -> dict[str, str]:
    """Read a query string or form body in its only reading; raises `Refusal` (malformed).

    A repeated name is refused (RFC 6749 §3.1), as are a broken escape, a control character and text that is not UTF-8.
    """
    if len(text) > MAX_QUERY:
        raise Refusal(Reason.MALFORMED, "query too long")
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise Refusal(Reason.MALFORMED, "too many parameters")
    values: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        name = decode(name.replace("+", " "))
        if name in values:
            raise Refusal(Reason.MALFORMED, "a parameter stands twice")
        values[name] = decode(value.replace("+", " "))
    return values


def decode(text: str) -> str:
    """Undo percent-encoding strictly; raises `Refusal` (malformed)."""
    if _PERCENT.search(text):
        raise Refusal(Reason.MALFORMED, "a broken percent escape")
    try:
        decoded = unquote(text, errors="strict")
        decoded.encode()
    except UnicodeError as error:
        raise Refusal(Reason.MALFORMED, "escaped text that is not UTF-8") from error
    if any(char < " " or char == "\x7f" for char in decoded):
        raise Refusal(Reason.MALFORMED, "a control character")
    return decoded

"""One connection of a device's server: the request is checked before a handler sees it."""

import logging
import re
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from idp.inbound.messages import PROBLEMS, Handler, Problem, Request, Response, decode, parse_query, problem
from idp.inbound.reading import BoundedReader, HeaderTooLarge, TooSlow
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; media-src 'self' blob:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the address of /callback carries a code
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_SINGLE = frozenset({"host", "origin", "content-length", "content-type", "authorization", "dpop"})
_HOST = re.compile(r"(?P<name>[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?\Z")
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+\Z")  # RFC 9110 §5.6.2
_TEXT = re.compile(r"[\t\x20-\x7e]*\Z")  # a header value: no line break and nothing beyond ASCII


class Owner(Protocol):
    """What a connection asks of its server."""

    request_seconds: float
    max_body: int

    def answers_to(self, name: str) -> bool: ...

    def find(self, method: str, path: str) -> Handler: ...


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._owner = cast(Owner, self.server)
        self._reader = BoundedReader(self.connection, self._owner.request_seconds)
        self.rfile.close()
        self.rfile = self._reader  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.command = ""
        try:
            self.raw_requestline = self._reader.readline()
            if self.raw_requestline and self.parse_request():
                self.close_connection = True  # one request each: nothing can hide behind another
                self._answer(self._guarded(self._handle))
        except HeaderTooLarge:
            self._answer(problem(431))
        except TooSlow:
            log.info("a request did not arrive in time")
        finally:
            self._reader.drain()

    def _handle(self) -> Response:
        request = self._request()
        return self._owner.find(request.method, request.path)(request)

    def _guarded(self, handle: Callable[[], Response]) -> Response:
        try:
            return handle()
        except TooSlow:
            raise
        except Problem as error:
            return problem(error.status, error.code, error.title, headers=error.headers)
        except Refusal as error:
            log.info("refused: %s", error)
            return problem(400, "invalid_request" if error.reason is Reason.MALFORMED else error.reason.value)
        except Unavailable as error:
            log.info("unavailable: %s", error)
            return problem(503)
        except Exception:
            log.exception("unexpected error at %s", self.path.partition("?")[0])
            return problem(500)

    def _request(self) -> Request:
        headers = self._headers()
        self._check_host(headers)
        raw_path, _, raw_query = self.path.partition("?")
        if not raw_path.startswith("/") or "#" in self.path:
            raise Problem(400)
        path = decode(raw_path)
        if "\\" in path or "//" in path or {".", ".."} & set(path.split("/")):
            raise Problem(404)
        return Request(self.command, path, parse_query(raw_query), headers, self._body(headers))

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()
            if not (_NAME.match(name) and _TEXT.match(str(value))):  # also a header folded over two lines
                raise Problem(400)
            if name in headers and name in _SINGLE:  # which of the two would count?
                raise Problem(400)
            headers[name] = f"{headers[name]}, {value}" if name in headers else str(value).strip()
        if self.headers.defects:  # the parser gave up: what follows was not read as a header
            raise Problem(400)
        return headers

    def _check_host(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "").lower()
        match = _HOST.match(host)
        if match is None or not self._owner.answers_to(match["name"]):
            raise Problem(421)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host:
            raise Problem(403)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise Problem(411)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= 12):
            raise Problem(400)
        if int(length) > self._owner.max_body:
            raise Problem(413)
        body = self._reader.read(int(length))
        if len(body) != int(length):
            raise Problem(400)
        return body

    def _answer(self, response: Response) -> None:
        headers = {**SECURITY_HEADERS, "Content-Type": response.content_type, **response.headers}
        if not all(_TEXT.match(value) for value in headers.values()):
            log.error("a handler set a header value that is not plain text")
            return self._answer(problem(500))
        self.request_version = self.protocol_version
        self.connection.settimeout(self._owner.request_seconds)
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        return None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The base class found the request line or a header wrong; answer in our form."""
        self._answer(problem(code if code in PROBLEMS else 400))

    def version_string(self) -> str:
        return "device"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug(
            "%s %s %s", code, self.command, getattr(self, "path", "").partition("?")[0]
        )  # a query may hold a code

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the base class would write to stderr."""

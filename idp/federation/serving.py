"""The statements that everybody asks for, answered in front of Django.

A configuration or a statement is the same for every caller until something changes that it is made from. Then
`revision` has grown, and the view makes the answer again; that is also done every few seconds, for what changes by
time alone. An officer's switch shows at the next request, in every worker. Whatever else comes goes on to Django.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection

from idp.federation import revision
from idp.protocol.entity_ids import WELL_KNOWN

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

FETCH = "/federation/fetch"
KEPT_FOR = 5.0  # seconds; keys and marks end by the clock, and no change announces that
MAX_ANSWERS = 4096  # of some 4 KB; parameters that mean nothing make new ones
MAX_BYTES = 262_144
_UNCHANGED = ("content-length", "content-type")  # not in a 304 (RFC 9110 §15.4.5)
# Set for every page by Django's stack; the documents here have no language, and none depends on a cookie.
_OF_PAGES = ("vary", "content-language")


@dataclass(frozen=True)
class _Answer:
    revision: int
    until: float  # by the monotonic clock
    headers: Headers
    etag: str
    body: bytes


class Front:
    """A WSGI application (PEP 3333) in front of ``application``."""

    def __init__(self, application: Application, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._application = application
        self._monotonic = monotonic
        self._answers: OrderedDict[tuple[str, ...], _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if not _is_statement(environ):
            return self._application(environ, start_response)
        try:
            connection.close_if_unusable_or_obsolete()
            number = revision.current()
        except DatabaseError:  # Django's stack knows how to say that
            return self._application(environ, start_response)
        key = tuple(
            environ.get(name, "")
            for name in ("PATH_INFO", "QUERY_STRING", "HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO")
        )
        answer = self._answers.get(key)
        if answer is None or answer.revision != number or self._monotonic() >= answer.until:
            return self._ask(key, number, environ, start_response)
        if _has(environ.get("HTTP_IF_NONE_MATCH", ""), answer.etag):
            unchanged = [header for header in answer.headers if header[0].lower() not in _UNCHANGED]
            start_response("304 Not Modified", unchanged)
            return [b""]
        start_response("200 OK", list(answer.headers))
        return [answer.body]

    def _ask(
        self, key: tuple[str, ...], number: int, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Let Django answer, and keep it if it is a document. ``number`` was read before, so a change is never lost."""
        started: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
            started.append((status, [header for header in headers if header[0].lower() not in _OF_PAGES]))
            return lambda data: None

        parts = self._application(environ, start)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, headers = started[-1]
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        private = any(name.lower() == "set-cookie" for name, _ in headers)
        if status.startswith("200 ") and etag and not private and len(body) <= MAX_BYTES:
            self._keep(key, _Answer(number, self._monotonic() + KEPT_FOR, headers, etag, body))
        start_response(status, headers)
        return [body]

    def _keep(self, key: tuple[str, ...], answer: _Answer) -> None:
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)


def _is_statement(environ: Environ) -> bool:
    path: str = environ.get("PATH_INFO", "")
    return environ["REQUEST_METHOD"] == "GET" and (path == FETCH or path.endswith(WELL_KNOWN))


def _has(header: str, etag: str) -> bool:
    """``If-None-Match`` (RFC 9110 §13.1.2): compared weakly."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")} if header else set()
    return "*" in tags or etag.removeprefix("W/") in tags

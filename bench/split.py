"""Where the time of a token goes: ``python -m bench.split FILE``, in the environment of the node that is measured.

`FILE` holds a JSON array of HTTP requests. They are answered one after the other by the WSGI application that is
served, in this process, on the server's core. Time spent in signing and verifying, and in sending statements to
PostgreSQL and waiting for it, is taken by wrappers around just that; the rest is everything else: parsing, checks,
Django. No server is in between, so the sum is less than what a server takes. Prints JSON, in microseconds for each.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from bench import pinned

WARM_UP = 100


class Clock:
    """Adds up the time between the outermost call and its end."""

    def __init__(self) -> None:
        self.ns, self._depth = 0, 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, timed."""

        def timed(*args: Any, **options: Any) -> Any:
            self._depth += 1
            begun = time.perf_counter_ns()
            try:
                return call(*args, **options)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.ns += time.perf_counter_ns() - begun

        return timed


def main(path: str) -> int:
    """Answer the requests of the file and print where the time went."""
    os.sched_setaffinity(0, {pinned.SERVER})
    from idp.wsgi import application

    cryptography, database = Clock(), Clock()
    _wrap(cryptography, database)
    parts: dict[str, list[float]] = {"whole": [], "cryptography": [], "database": [], "rest": []}
    for request in json.loads(Path(path).read_text()):
        cryptography.ns = database.ns = 0
        environ = _environ(request.encode())
        begun = time.perf_counter_ns()
        _answer(application, environ)
        whole = time.perf_counter_ns() - begun
        found = {"whole": whole, "cryptography": cryptography.ns, "database": database.ns}
        found["rest"] = whole - cryptography.ns - database.ns
        for name, ns in found.items():
            parts[name].append(ns / 1e3)
    print(json.dumps({name: round(statistics.median(times[WARM_UP:]), 1) for name, times in parts.items()}))
    return 0


def _wrap(cryptography: Clock, database: Clock) -> None:
    import psycopg

    from idp import prepared
    from idp.protocol import es256

    prepared.run = database.around(prepared.run)
    es256.sign, es256.verify = cryptography.around(es256.sign), cryptography.around(es256.verify)
    for name in ("execute", "fetchone", "fetchall", "fetchmany"):
        setattr(psycopg.Cursor, name, database.around(getattr(psycopg.Cursor, name)))
    for name in ("commit", "rollback"):
        setattr(psycopg.Connection, name, database.around(getattr(psycopg.Connection, name)))


def _answer(application: Callable[..., Any], environ: dict[str, Any]) -> None:
    statuses: list[str] = []
    answer = application(environ, lambda status, headers: statuses.append(status))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"answered {statuses[0]} {body!r}")


def _environ(request: bytes) -> dict[str, Any]:
    """PEP 3333."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in lines)
    host = headers["Host"]
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {
        **named,
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host.partition(":")[0],
        "SERVER_PORT": host.partition(":")[2] or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

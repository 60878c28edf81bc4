"""The server of a device, over its routes."""

import logging
import signal
import socketserver
import threading
from collections.abc import Callable, Collection
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from idp.inbound.connection import Connection
from idp.inbound.messages import Handler, Problem, Routes

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64  # threads at once; a device serves one screen and a few callers
REQUEST_SECONDS = 15.0  # for the whole request to arrive, so that a byte now and then holds no thread
STOP_SECONDS = 5.0  # how long `stop` waits for handlers at work
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class DeviceServer:
    """An HTTP server over ``routes``: ``{(method, path): handler}``, a path being exact or ending in ``/*``.

    It binds at once (``port=0`` takes a free one, see `port`); `serve_forever` blocks, `start` serves in a thread,
    `serve_until_signalled` until SIGTERM or SIGINT. ``hosts`` are host names that it answers to beside loopback's;
    a Host header with any other name is answered 421. Handlers run in threads of their own. From a handler `Problem`
    and `Refusal` become problem documents, `Unavailable` 503, anything else 500 "internal", with the trace in the log.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        routes: Routes,
        max_body: int,
        hosts: Collection[str] = (),
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._lock = threading.Lock()
        self._serving = self._stopped = False
        self._thread: threading.Thread | None = None
        self._server = _Server((host, port), routes, max_body, frozenset(name.lower() for name in hosts))
        self._server.request_seconds = request_seconds
        self.host, self.port = host, int(self._server.server_address[1])

    def serve_forever(self) -> None:
        """Serve until `stop`; returns at once when already stopped."""
        with self._lock:
            if self._stopped:
                return
            self._serving = True
        self._server.serve_forever(poll_interval=0.1)

    def start(self) -> None:
        """Serve in a thread; returns at once."""
        self._thread = threading.Thread(target=self.serve_forever, name=f"device-{self.port}", daemon=True)
        self._thread.start()

    def serve_until_signalled(self, announce: Callable[[], None] | None = None) -> None:
        """Serve until SIGTERM or SIGINT and stop gracefully. For the main thread of a program.

        ``announce`` is called when it serves and would end at a signal: whoever reads what it says may send one.
        """
        signalled = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: signalled.set())
        self.start()
        log.info("serving on port %d", self.port)  # whoever started the program may wait for this line
        if announce is not None:
            announce()
        signalled.wait()
        self.stop()

    def stop(self) -> None:
        """Take no more connections, wait a little for handlers at work, close. Safe to call twice."""
        with self._lock:
            if self._stopped:
                return
            self._stopped, serving = True, self._serving
        if serving:
            self._server.shutdown()
        self._server.server_close()
        self._server.wait_idle(STOP_SECONDS)
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def __enter__(self) -> "DeviceServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # `wait_idle` waits, with an end
    request_queue_size = 32
    request_seconds = REQUEST_SECONDS

    def __init__(self, address: tuple[str, int], routes: Routes, max_body: int, hosts: frozenset[str]) -> None:
        self.routes, self.max_body, self.hosts = dict(routes), max_body, hosts
        self.paths = {path for _, path in self.routes}
        self._active = 0
        self._idle = threading.Condition()
        super().__init__(address, Connection)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # the base class would ask the DNS for its own name
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._idle:
            full = self._active >= MAX_CONNECTIONS
            self._active += not full
        if full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("a connection ended early", exc_info=True)

    def wait_idle(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0, seconds)

    def answers_to(self, name: str) -> bool:
        # RFC 6761 §6.3: names under localhost are always this machine, so no foreign page can rebind one.
        return name in self.hosts or name in _LOOPBACK or name.endswith(".localhost")

    def find(self, method: str, path: str) -> Handler:
        """The handler: an exact path first, else the longest pattern; raises `Problem` 404 or 405."""
        known = path if path in self.paths else self._pattern(path)
        handler = self.routes.get((method, known)) or (self.routes.get(("GET", known)) if method == "HEAD" else None)
        if handler is None and known:
            allowed = sorted(verb for verb, route in self.routes if route == known)
            raise Problem(405, headers={"Allow": ", ".join(allowed)})
        if handler is None:
            raise Problem(404)
        return handler

    def _pattern(self, path: str) -> str:
        fitting = [route for route in self.paths if route.endswith("/*") and path.startswith(route[:-1])]
        return max(fitting, key=len, default="")

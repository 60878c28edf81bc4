"""A server that says exactly the bytes it is given, and this project's way out to talk to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from idp.outbound import Outbound


@contextmanager
def client(*, timeout: float = 2.0, max_bytes: int = 65_536, one_by_one: bool = False) -> Iterator[Outbound]:
    outbound = Outbound(insecure_loopback_http=True, timeout=timeout, max_bytes=max_bytes, one_by_one=one_by_one)
    try:
        yield outbound
    finally:
        outbound.close()


@contextmanager
def server(*parts: bytes, pause: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """Answer every connection with ``parts``, ``pause`` seconds between them; gives the URL and what was sent."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection:
            try:
                seen.append(connection.recv(65_536))
                for place, part in enumerate(parts):
                    time.sleep(pause if place else 0)
                    connection.sendall(part)
            except OSError:
                pass  # the client had enough

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://x.localhost:{listener.getsockname()[1]}/", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()

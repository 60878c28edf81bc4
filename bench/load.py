"""A load of equal requests on one server of this machine: a few kept-alive connections, each asked in its turn.

The client costs little beside what is measured: it writes one prepared text and looks for the end of the answer.
"""

import re
import socket
import time

CONNECTIONS = 8
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def rate(*, port: int, target: str, host: str, seconds: float) -> float:
    """Answers a second to ``GET target`` on 127.0.0.1; raises `RuntimeError` for any answer but 200."""
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()
    connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(CONNECTIONS)]
    try:
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
        begun, answers = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            for connection in connections:
                _answer(connection)
                connection.sendall(request)
            answers += len(connections)
        return answers / (time.perf_counter() - begun)
    finally:
        for connection in connections:
            connection.close()


def wait(*, port: int, seconds: float = 30.0) -> None:
    """Until somebody listens on the port; raises `RuntimeError` when nobody does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nobody listens on port {port}")


def _answer(connection: socket.socket) -> None:
    received = connection.recv(65_536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    if not received.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"answered {received[:200]!r}")
    length = _LENGTH.search(received, 0, end + 2)
    whole = end + 4 + (int(length[1]) if length else 0)
    while len(received) < whole:
        received += _more(connection)


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise RuntimeError("the server closed the connection")
    return part

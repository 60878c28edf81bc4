"""A load of equal requests on one server of this machine: a few kept-alive connections, each asked in its turn.

The client costs little beside what is measured: it writes one prepared text and looks for the end of the answer.
"""

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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


@dataclass
class Outcome:
    """How long a number of requests took altogether, in seconds, and what was answered, head and body."""

    seconds: float
    answers: list[bytes]


@dataclass
class Paced:
    """Seconds from when each request was due to the end of its answer, and the answers."""

    latencies: list[float]
    answers: list[bytes]


@dataclass
class _Line:
    """One connection, and the place of the request that it waits for an answer to."""

    socket: socket.socket
    place: int = -1
    received: bytearray = field(default_factory=bytearray)


def spend(requests: Iterable[bytes], *, port: int, status: int | None = 200) -> Outcome:
    """Send each of ``requests`` once, over a few connections; whoever has its answer sends the next.

    Raises `RuntimeError` for any status but ``status``, if one is given. The answers stand in the order of the
    requests.
    """
    waiting = deque(enumerate(requests))
    answers: list[bytes] = [b""] * len(waiting)
    good = b"HTTP/1.1 " if status is None else b"HTTP/1.1 %d" % status
    with selectors.DefaultSelector() as ready:
        lines = [_Line(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(CONNECTIONS)]
        try:
            begun, open_ = time.perf_counter(), 0
            for line in lines:
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(line.socket, selectors.EVENT_READ, line)
                open_ += _send(line, waiting)
            while open_:
                for key, _ in ready.select(timeout=20) or _silence():
                    if (whole := _received(key.data, good)) is not None:
                        answers[key.data.place] = whole
                        open_ += _send(key.data, waiting) - 1
            return Outcome(time.perf_counter() - begun, answers)
        finally:
            for line in lines:
                line.socket.close()


def paced(requests: Sequence[bytes], *, port: int, rate: float, status: int, connections: int = 32) -> Paced:
    """Send each of ``requests`` when it is due, ``rate`` a second, whether or not the others are answered.

    One that finds every connection busy waits for the first to be free, and that counts. Raises like `spend`.
    """
    answers, latencies, waiting = [b""] * len(requests), [0.0] * len(requests), deque(enumerate(requests))
    good = b"HTTP/1.1 %d" % status
    with selectors.DefaultSelector() as ready:
        free = deque(_Line(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(connections))
        lines = list(free)
        try:
            for line in lines:
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(line.socket, selectors.EVENT_READ, line)
            begun = time.perf_counter()
            while waiting or len(free) < connections:
                now = time.perf_counter() - begun
                while waiting and free and waiting[0][0] / rate <= now:
                    _send(free.popleft(), waiting)  # in turn: none idles until the server closes it
                next_due = waiting[0][0] / rate - now if waiting and free else 20.0
                answered = ready.select(timeout=max(0.0, next_due))
                if not answered and next_due >= 20.0:
                    _silence()
                for key, _ in answered:
                    line = key.data
                    if (whole := _received(line, good)) is not None:
                        answers[line.place] = whole
                        latencies[line.place] = time.perf_counter() - begun - line.place / rate
                        free.append(line)
            return Paced(latencies, answers)
        finally:
            for line in lines:
                line.socket.close()


def body(answer: bytes) -> bytes:
    """What stands below the head of one of `spend`'s answers."""
    return answer.split(b"\r\n\r\n", 1)[1]


def header(answer: bytes, name: str) -> list[str]:
    """Every value of the header ``name`` (lower case) of one of `spend`'s answers."""
    lines = answer.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
    pairs = [line.split(":", 1) for line in lines]
    return [value.strip() for found, value in pairs if found.lower() == name]


def _send(line: _Line, waiting: deque[tuple[int, bytes]]) -> int:
    """Send the next request, if one is left; how many were sent."""
    if not waiting:
        return 0
    line.place, request = waiting.popleft()
    line.socket.sendall(request)
    return 1


def _received(line: _Line, good: bytes) -> bytes | None:
    """The whole answer, once it is there."""
    line.received += _more(line.socket)
    end = line.received.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not line.received.startswith(good):
        raise RuntimeError(f"answered {bytes(line.received[:1000])!r}")
    length = _LENGTH.search(line.received, 0, end + 2)
    if len(line.received) < end + 4 + (int(length[1]) if length else 0):
        return None
    whole = bytes(line.received)
    line.received.clear()
    return whole


def _silence() -> list[tuple[selectors.SelectorKey, int]]:
    raise RuntimeError("the server does not answer any more")


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

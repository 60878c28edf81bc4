"""The network of the simulation: what a node or a lane asks over HTTPS goes through pipes to the other process.

A `Mesh` stands where `idp.outbound.Outbound` does. Requests are answered by the real WSGI application of the node that
is asked. While a process waits for an answer it answers what the others ask it, so that no two can wait for each other.
Requests are lost, their answers are lost (the other side has done what it was asked), and they come twice.
"""

import io
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.connection import Connection, wait
from typing import Any
from urllib.parse import urlsplit

from idp.outbound import Response
from idp.protocol.refusals import Unavailable

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Killed(BaseException):
    """The process is killed here: nothing after this line happens."""


class Mesh:
    """This process's way out, and the door by which the others come in."""

    def __init__(self, host: str, peers: Mapping[str, Connection], *, loss: float, seed: str) -> None:
        self.host, self._peers, self._loss = host, dict(peers), loss
        self._random = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.calm = True  # no faults: before the year begins, and when the books are to be closed
        self.down: frozenset[str] = frozenset()  # hosts that do not answer
        self.application: Application | None = None
        self.restart: Callable[[], None] = lambda: None
        self._numbers, self._answers = itertools.count(), dict[int, Response]()
        self._late: list[tuple[str, str, dict[str, str], bytes | None]] = []  # copies that come much later

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Response:
        """As `idp.outbound.Outbound.request`; raises `Unavailable`."""
        host, sent = urlsplit(url).netloc, dict(headers or {})
        if host in self.down:
            self.faults["peer down"] += 1
            raise Unavailable(f"{host} is down")
        if self._happens("request lost"):
            raise Unavailable(f"{host}: nobody answered")
        answer = self._exchange(host, method, url, sent, content)
        if method == "POST" and self._happens("message twice"):
            self._exchange(host, method, url, sent, content)
        if method == "POST" and self._happens("message late"):
            self._late.append((method, url, sent, content))
        if self._happens("answer lost"):
            raise Unavailable(f"{host}: the answer did not come")
        return answer

    def close(self) -> None:
        """There is nothing to close."""

    def deliver_late(self) -> None:
        """Copies of messages that were held up somewhere arrive now, in another order."""
        late, self._late = self._late, []
        self._random.shuffle(late)
        for method, url, sent, content in late:
            if urlsplit(url).netloc not in self.down:
                self._exchange(urlsplit(url).netloc, method, url, sent, content)

    def take(self, connection: Connection) -> None:
        """One message of a peer: an answer is kept for whoever waits for it, a question answered at once."""
        if not connection.poll():  # it was taken while another question was answered
            return
        kind, number, *said = connection.recv()
        if kind == "answer":
            self._answers[number] = said[0]
        else:
            connection.send(("answer", number, self.own(*said)))

    def answer(self) -> None:
        """Answer what peers have asked meanwhile: to be called within long work, or they wait until it is done."""
        for ready in wait(self._peers.values(), timeout=0):
            self.take(ready)  # type: ignore[arg-type]

    def own(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        """What our own node answers; 502 where its worker was killed meanwhile."""
        if self.application is None:
            raise RuntimeError("the node does not run yet")
        try:
            return call(self.application, method, url, headers, content)
        except Killed:
            self.restart()
            return Response(502, {}, b"")

    def _exchange(
        self, host: str, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Response:
        if host == self.host:
            return self.own(method, url, headers, content)
        number = next(self._numbers)
        self._peers[host].send(("ask", number, method, url, headers, content))
        while number not in self._answers:
            for ready in wait(self._peers.values()):
                self.take(ready)  # type: ignore[arg-type]
        return self._answers.pop(number)

    def _happens(self, what: str) -> bool:
        happens = not self.calm and self._random.random() < self._loss
        self.faults[what] += happens
        return happens


def call(
    application: Application, method: str, url: str, headers: Mapping[str, str], content: bytes | None
) -> Response:
    """Ask a WSGI application."""
    parts, said = urlsplit(url), {}

    def start(status: str, received: list[tuple[str, str]], _: Any = None) -> None:
        said["status"], said["headers"] = int(status.split()[0]), {name.lower(): value for name, value in received}

    environment: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(content or b"")),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(content or b""),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "HTTP_HOST": parts.netloc,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environment[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    answer = application(environment, start)
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return Response(said["status"], said["headers"], body)  # type: ignore[arg-type]

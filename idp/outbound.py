"""The only way out over HTTP, for nodes, wallets and gates. It goes to public addresses and nowhere else.

A URL that a stranger wrote (an authority hint, an endpoint in somebody's metadata) must not make this house talk to its
own network. So the name is resolved here, every address is checked, and the connection is made to the address that was
checked: a name that changes between check and use changes nothing. No redirect is followed, no proxy is taken from the
environment, no compression is asked for or accepted, and one deadline covers the whole exchange, so that a slow answer
ends as surely as none (OpenID Federation 1.0 §18.1, RFC 9700 §4.11).
"""

import contextlib
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore
from httpcore import SOCKET_OPTION

from idp.protocol.refusals import Reason, Refusal, Unavailable

MAX_CONNECTIONS = 32  # a node talks to a handful of peers at once; more is somebody else's wish
KEEP_ALIVE = 15.0  # seconds; a lane asks every 30 s, a sweep over status lists in one go
LOOPBACK = "127.0.0.1"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
# `is_global` says yes to some of these: protocol assignments, relays and tunnels that lead to addresses that are not
# (RFC 6890: 2001::/23 has Teredo and ORCHID; RFC 7526, RFC 3056: 6to4), and documentation (RFC 9637).
_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "2001::/23", "2002::/16", "3fff::/20")
)
_UNICAST = ipaddress.ip_network("2000::/3")  # RFC 4291 §2.4: beyond it NAT64, IPv4 in other clothes, segments, locals
_Headers = Sequence[tuple[bytes | str, bytes | str]]
_OPTIONS: list[SOCKET_OPTION] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


@dataclass(frozen=True)
class Response:
    """What came back: ``headers`` by lower-case name (the last of equal ones), ``body`` whole and within the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class Outbound:
    """An HTTP client for documents of at most ``max_bytes`` within ``timeout`` seconds; safe to share by threads.

    With ``one_by_one`` each host is asked one thing at a time, whoever wants it: nobody can make this process flood
    another, and a host that hangs holds one connection and not all of them.
    """

    def __init__(
        self,
        *,
        insecure_loopback_http: bool,
        timeout: float = 10.0,
        max_bytes: int = 524_288,
        one_by_one: bool = False,
    ) -> None:
        self._insecure = insecure_loopback_http
        self._turns = _Turns() if one_by_one else None
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._clock = _Deadline()
        context = ssl.create_default_context()  # the system's store; SSL_CERT_FILE names another
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # BCP 195
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=_CheckedNetwork(insecure_loopback_http=insecure_loopback_http, deadline=self._clock),
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send one request and read the whole answer, whatever its status.

        Raises `Refusal` (malformed) for a URL or an address that is not to be asked, and for an answer that is too
        large or compressed; `Unavailable` when the network or the other side does not do its part before the
        deadline (``timeout`` seconds, never more than the client's own), or when the host's turn does not come.
        """
        check_url(url, insecure_loopback_http=self._insecure)
        if method not in METHODS:
            raise Refusal(Reason.MALFORMED, "a method that is not sent from here")
        sent: list[tuple[bytes | str, bytes | str]] = [
            (name, value) for name, value in (headers or {}).items() if name.lower() != "accept-encoding"
        ]
        sent.append(("Accept-Encoding", "identity"))
        limit = min(self._timeout, timeout) if timeout is not None else self._timeout
        with self._clock.within(limit), self._turn(urlsplit(url).hostname or ""):
            try:
                return self._exchange(method, url, sent, content)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError) as error:
                if method != "GET" or self._clock.remaining() <= 0:
                    raise Unavailable(f"{urlsplit(url).hostname}: {type(error).__name__}") from error
                return self._again(method, url, sent, content)  # a kept connection that the other side just closed
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as error:
                raise Unavailable(f"{urlsplit(url).hostname}: {type(error).__name__}") from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _turn(self, host: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._turns is None else self._turns.turn(host, self._clock.remaining())

    def _again(self, method: str, url: str, headers: _Headers, content: bytes | None) -> Response:
        try:
            return self._exchange(method, url, headers, content)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as error:
            raise Unavailable(f"{urlsplit(url).hostname}: {type(error).__name__}") from error

    def _exchange(self, method: str, url: str, headers: _Headers, content: bytes | None) -> Response:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._clock.remaining())
        with self._pool.stream(
            method, url, headers=headers, content=content, extensions={"timeout": timeouts}
        ) as answer:
            received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            if sum(name.lower() == b"content-type" for name, _ in answer.headers) > 1:
                raise Refusal(Reason.MALFORMED, "an answer of two content types")
            if received.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise Refusal(Reason.MALFORMED, "a compressed answer that nobody asked for")
            length = received.get("content-length", "")
            if length.isdecimal() and int(length) > self._max_bytes and method != "HEAD":
                raise Refusal(Reason.MALFORMED, "an answer beyond the limit")
            body = bytearray()
            for chunk in answer.iter_stream():
                body += chunk
                if len(body) > self._max_bytes:
                    raise Refusal(Reason.MALFORMED, "an answer beyond the limit")
            return Response(answer.status, received, bytes(body))


def check_url(url: str, *, insecure_loopback_http: bool) -> None:
    """``https://host[:port]/…`` and nothing else; under the insecure flag also http to ``localhost`` and below it.

    Raises `Refusal` (malformed). What the host resolves to is checked when the connection is made.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "not a URL") from error
    if len(url) > 4096 or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refusal(Reason.MALFORMED, "a URL with characters that have no place in one")
    if "@" in parts.netloc or "#" in url or port == 0:
        raise Refusal(Reason.MALFORMED, "a URL with user information, fragment or port 0")
    if not _HOST.match(host) and not _is_ipv6(host):
        raise Refusal(Reason.MALFORMED, "a URL without a host name")
    if parts.scheme == "http" and insecure_loopback_http and _is_localhost(host):
        return
    if parts.scheme != "https":
        raise Refusal(Reason.MALFORMED, "a URL that is not https")


def _is_localhost(host: str) -> bool:
    """RFC 6761 §6.3."""
    return host == "localhost" or host.endswith(".localhost")


def check_address(address: str) -> None:
    """Refuse (malformed) an IP address that is not public, in whatever family it is written."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "a name that resolves to no address") from error
    ip = getattr(ip, "ipv4_mapped", None) or ip  # ::ffff:127.0.0.1 is the loopback in other clothes
    denied = any(ip.version == network.version and ip in network for network in _DENIED)
    denied = denied or (ip.version == 6 and ip not in _UNICAST)
    if denied or ip.is_multicast or not ip.is_global:
        raise Refusal(Reason.MALFORMED, "a host whose address is not public")


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


class _Deadline(threading.local):
    """When this thread's exchange must be over. httpcore's own timeouts start anew with every byte."""

    at: float = 0.0

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.at = time.monotonic() + seconds
        try:
            yield
        finally:
            self.at = 0.0

    def remaining(self) -> float:
        return self.at - time.monotonic()

    def left(self, asked: float | None, error: type[httpcore.TimeoutException]) -> float:
        remaining = self.remaining()
        if remaining <= 0:
            raise error("the deadline has passed")
        return remaining if asked is None else min(asked, remaining)


@dataclass
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0  # by how many threads, the one whose turn it is among them


class _Turns:
    """Whose turn it is with each host that is being asked."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._hosts: dict[str, _Turn] = {}

    @contextlib.contextmanager
    def turn(self, host: str, seconds: float) -> Iterator[None]:
        """Wait for this thread's turn; raises `Unavailable` when it has not come after ``seconds``."""
        with self._guard:
            turn = self._hosts.setdefault(host, _Turn())
            turn.wanted += 1
        try:
            if not turn.lock.acquire(timeout=max(0.0, seconds)):
                raise Unavailable(f"{host}: another request to it is under way")
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._guard:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._hosts[host]


class _CheckedNetwork(httpcore.NetworkBackend):
    """Resolves a name, checks all of its addresses, and connects to one of those."""

    def __init__(self, *, insecure_loopback_http: bool, deadline: _Deadline) -> None:
        self._insecure = insecure_loopback_http
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("no address")
        for address in self._addresses(host, port):
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options or _OPTIONS)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise Refusal(Reason.MALFORMED, "a local socket is no peer")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _addresses(self, host: str, port: int) -> list[str]:
        if self._insecure and _is_localhost(host):
            return [LOOPBACK]  # RFC 6761 §6.3; no resolver is asked, so that it works wherever the tests do
        addresses = list(dict.fromkeys(self._resolve(host, port)))
        for address in addresses:
            check_address(address)
        return addresses

    def _resolve(self, host: str, port: int) -> list[str]:
        found: list[str] = []
        done = threading.Event()

        def ask() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.extend(str(answer[4][0]) for answer in answers)
            done.set()

        threading.Thread(target=ask, daemon=True).start()  # getaddrinfo knows no deadline of its own
        if not done.wait(self._deadline.left(None, httpcore.ConnectTimeout)):
            raise httpcore.ConnectTimeout("the name was not resolved in time")
        if not found:
            raise httpcore.ConnectError("the name has no address")
        return found


class _TimedStream(httpcore.NetworkStream):
    """A stream each of whose steps ends with the exchange's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

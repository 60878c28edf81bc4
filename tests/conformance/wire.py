"""HTTP as it goes over the wire, without the project's clients: one request, one answer, no redirect followed."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
LOOPBACK = "127.0.0.1"
SECONDS = 30.0

_tls = ssl.create_default_context()


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        assert self.headers["content-type"].split(";")[0] == "application/json", self.headers
        return json.loads(self.body)


def send(method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> Answer:
    """Send one request. Every host here is a name of this machine, whatever the resolver says of ``*.localhost``."""
    parts = urlsplit(url)
    assert (parts.hostname or "").endswith("localhost"), url
    kind = _Secure if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(LOOPBACK if kind is not _Secure else str(parts.hostname), parts.port, timeout=SECONDS)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body=content, headers={**(headers or {}), "Host": parts.netloc})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, tuple(answer.headers.get_all("set-cookie") or ()), answer.read())
    finally:
        connection.close()


def trust(authority: str) -> None:
    """Believe the certificates of ``authority``, a PEM file, from now on."""
    _tls.load_verify_locations(authority)


def get(url: str, **parameters: str) -> Answer:
    """GET ``url`` with ``parameters`` as its query."""
    return send("GET", f"{url}?{urlencode(parameters)}" if parameters else url)


def post(url: str, form: Mapping[str, str]) -> Answer:
    """POST ``form``."""
    return send("POST", url, headers={"Content-Type": FORM}, content=urlencode(form).encode())


class _Secure(http.client.HTTPConnection):
    """HTTP over TLS to this machine, under the name that the certificate must have."""

    default_port = 443

    def connect(self) -> None:
        plain = socket.create_connection((LOOPBACK, self.port), self.timeout)
        self.sock = _tls.wrap_socket(plain, server_hostname=self.host)

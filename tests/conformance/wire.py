"""HTTP as it goes over the wire, without the project's clients: one request, one answer, no redirect followed."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
SECONDS = 30.0


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
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=SECONDS)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body=content, headers={**(headers or {}), "Host": parts.netloc})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, tuple(answer.headers.get_all("set-cookie") or ()), answer.read())
    finally:
        connection.close()


def get(url: str, **parameters: str) -> Answer:
    """GET ``url`` with ``parameters`` as its query."""
    return send("GET", f"{url}?{urlencode(parameters)}" if parameters else url)


def post(url: str, form: Mapping[str, str]) -> Answer:
    """POST ``form``."""
    return send("POST", url, headers={"Content-Type": FORM}, content=urlencode(form).encode())

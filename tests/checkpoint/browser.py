"""What speaks HTTP with a lane: its own screen, a phone on the local link, or somebody who means no good."""

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any

from idp.inbound import DeviceServer
from tests.checkpoint.toy_engine import ALIKE

JSON, TEXT, PNG = "application/json", "text/plain", "image/png"


@dataclass
class Answer:
    status: int
    media_type: str
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Speaks HTTP with one server, as it is told."""

    def __init__(self, server: DeviceServer) -> None:
        self._server = server

    def send(
        self, method: str, path: str, body: bytes | None = None, kind: str | None = None, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        try:
            connection.request(method, path, body, {**({"Content-Type": kind} if kind else {}), **headers})
            found = connection.getresponse()
            sent = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, sent.get("content-type", ""), found.read(), sent)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, value: object) -> Answer:
        return self.send("POST", path, json.dumps(value).encode(), JSON)

    def scan(self, code: bytes | str, language: str = "en") -> Answer:
        body = code if isinstance(code, bytes) else code.encode()
        return self.send("POST", f"/scan?lang={language}", body, TEXT)

    def face(self, waiting: str, frame: bytes = ALIKE, language: str = "en") -> Answer:
        frames = [base64.b64encode(frame).decode()] * 3
        return self.post(f"/face?lang={language}", {"id": waiting, "frames": frames})

    def cross(self, code: bytes | str, frame: bytes = ALIKE, language: str = "en") -> Any:
        """The verdict's answer."""
        answer = self.scan(code, language).json
        return answer if answer["phase"] == "verdict" else self.face(answer["id"], frame, language).json


def is_problem(answer: Answer, *statuses: int) -> bool:
    assert answer.status in statuses, answer
    assert answer.media_type == "application/problem+json"
    assert answer.json.keys() == {"type", "title", "status", "code"}
    return True

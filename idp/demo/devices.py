"""Driving the phones and the gates over their own interfaces, as a traveller's thumb and a lane's sensors do."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import segno

from idp.checkpoint import officers_log
from idp.outbound import Outbound, Response
from idp.protocol import strict_json

JSON = "application/json"
FRAME = (1280, 720)  # what a lane's camera sees


class UnableToDrive(RuntimeError):
    """A device answered with a problem; ``code`` is its."""

    def __init__(self, url: str, answer: Response) -> None:
        try:
            self.code = str(json.loads(answer.body)["code"])
        except (ValueError, KeyError, TypeError):
            self.code = ""
        super().__init__(f"{url} was answered {answer.status} {self.code}")


@dataclass(frozen=True)
class Shown:
    """What a phone shows or sends. ``raw`` is the QR code's text or the local link's JSON."""

    mode: str  # qr or link
    raw: str
    qr_version: int | None


class Phone:
    """One phone, by its local interface."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._outbound = Outbound(insecure_loopback_http=True, timeout=30.0)

    def authorize(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """Begin; where the traveller is to be sent, and the authority's name as the wallet verified it."""
        return self._post("/api/authorize", {"authorization_details": [dict(details)]})

    def come_back(self, url: str) -> None:
        """The browser follows the authority's redirect to the phone."""
        answer = self._outbound.request("GET", url)
        if answer.status != 303 or "error" in answer.headers.get("location", ""):
            raise UnableToDrive(url, answer)

    def fetch(self, checkpoint: str, direction: str, form: str) -> str:
        """Fetch a border token; its id on the phone."""
        return str(self._post("/api/tokens", {"checkpoint": checkpoint, "direction": direction, "format": form})["id"])

    def show(self, token_id: str) -> Shown:
        """The QR code's text, with a proof made now."""
        answer = self._post("/api/present", {"token_id": token_id, "mode": "qr"})
        return Shown("qr", str(answer["qr"]), int(answer["version"]))

    def answer_challenge(self, token_id: str, challenge: str) -> Shown:
        """What goes over the local link, answering a lane's challenge."""
        answer = self._post("/api/present", {"token_id": token_id, "mode": "link", "challenge": challenge})
        return Shown("link", strict_json.dumps(answer).decode(), None)

    def _post(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        url = self.url + path
        answer = self._outbound.request("POST", url, headers={"Content-Type": JSON}, content=strict_json.dumps(value))
        if answer.status >= 300:
            raise UnableToDrive(url, answer)
        return strict_json.loads_object(answer.body)


@dataclass(frozen=True)
class Seen:
    """A verdict: what the screen said, and what the officers' log says of it."""

    decision: str
    reason: str
    text: str
    gate_ms: float
    face_ms: float | None
    score: float | None


class Gate:
    """One lane: its screen, its local link, and ``directory``, the lane's own, where the officers' log lies."""

    def __init__(self, url: str, link: str, directory: Path) -> None:
        self.url, self._link, self._directory = url, link, directory
        self._outbound = Outbound(insecure_loopback_http=True, timeout=30.0)

    def challenge(self) -> str:
        """The challenge that the lane shows."""
        return str(self._read(self._outbound.request("GET", f"{self._link}/challenge"))["challenge"])

    def scan(self, shown: Shown, picture: bytes | None, frames: Sequence[bytes]) -> Seen:
        """Show a code's picture (or send over the link), then the face where the lane asks for it."""
        if shown.mode == "qr":
            answer = self._post("/code", picture or b"", "image/png")
        else:
            answer = self._present(shown.raw.encode())
        if not answer.get("found", True):
            raise RuntimeError("the lane found no code in the picture")
        if answer.get("phase") == "face":
            body = {"id": answer["id"], "frames": [base64.b64encode(frame).decode() for frame in frames]}
            answer = self._post("/face", strict_json.dumps(body), JSON)
        logged = json.loads((self._directory / officers_log.FILE).read_text("utf-8").splitlines()[-1])
        if logged["decision"] != answer["verdict"]:
            raise RuntimeError("the officers' log and the screen disagree")
        return Seen(
            decision=str(answer["verdict"]),
            reason=str(logged["reason"]),
            text=str(answer["text"]),
            gate_ms=float(logged["gate_ms"]),
            face_ms=logged["face_ms"],
            score=logged["score"],
        )

    def _present(self, content: bytes) -> dict[str, Any]:
        """Over the link; whose face is awaited then is known at the screen only."""
        url = f"{self._link}/present"
        answer = self._read(self._outbound.request("POST", url, headers={"Content-Type": JSON}, content=content))
        if answer.get("phase") == "face":
            answer["id"] = self._read(self._outbound.request("GET", f"{self.url}/state"))["waiting"]
        return answer

    def _post(self, path: str, content: bytes, media_type: str) -> dict[str, Any]:
        url = self.url + path
        return self._read(self._outbound.request("POST", url, headers={"Content-Type": media_type}, content=content))

    def _read(self, answer: Response) -> dict[str, Any]:
        if answer.status != 200:
            raise UnableToDrive(self.url, answer)
        return strict_json.loads_object(answer.body)


def draw_code(text: str) -> bytes:
    """The phone's code as a lane's camera sees it: a PNG of 1280x720, the code upright in the middle."""
    matrix = np.array([list(row) for row in segno.make_qr(text, error="m").matrix], dtype=np.uint8)
    quiet = np.pad(matrix, 4)  # ISO/IEC 18004: four modules
    scale = (FRAME[1] - 20) // quiet.shape[0]
    code = np.kron(1 - quiet, np.ones((scale, scale), np.uint8)) * 255
    frame = np.full((FRAME[1], FRAME[0]), 90, np.uint8)
    top, left = (FRAME[1] - code.shape[0]) // 2, (FRAME[0] - code.shape[1]) // 2
    frame[top : top + code.shape[0], left : left + code.shape[1]] = code
    return bytes(cv2.imencode(".png", frame)[1].tobytes())

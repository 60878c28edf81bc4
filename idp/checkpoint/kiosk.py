"""The lane's screen and its local link: a small HTTP server on the kiosk itself.

``POST /scan`` takes a QR code's text (a hand scanner), ``POST /code`` a camera picture of one, ``POST /present`` the
JSON of the local link; each answers with a verdict or asks for a face, which ``POST /face`` brings.
"""

import base64
import binascii
import logging
from pathlib import Path
from typing import Any

from idp.checkpoint import camera, officers_log, texts
from idp.checkpoint.lane import LaneAtWork, Verdict
from idp.inbound import DeviceServer, Problem, Request, Response, Routes, json_body, json_response, page, static_files
from idp.protocol import strict_json
from idp.protocol.refusals import Reason

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
MAX_BODY = 12 * 1024 * 1024  # a burst of six 720p pictures in base64 has two
MAX_FRAMES = 6
PICTURES = ("image/jpeg", "image/png", "image/webp")


class Kiosk:
    """The routes of one lane."""

    def __init__(self, lane: LaneAtWork) -> None:
        self._lane = lane

    def routes(self) -> Routes:
        """For `DeviceServer`."""
        return {
            ("GET", "/"): page(ROOT / "templates/checkpoint/gate.html"),
            ("GET", "/state"): self.state,
            ("GET", "/texts"): self.texts,
            ("POST", "/challenge"): self.challenge,
            ("POST", "/scan"): self.scan,
            ("POST", "/code"): self.code,
            ("POST", "/present"): self.present,
            ("POST", "/face"): self.face,
            ("POST", "/camera-failed"): self.camera_failed,
            **static_files({"/static/checkpoint": ROOT / "static/checkpoint"}),
        }

    def state(self, request: Request) -> Response:
        """What stands on the screen's edge: which lane, and how old its trust data is."""
        bundle = self._lane.bundle()
        config = self._lane.config
        age = None if bundle is None else max(0, self._lane.clock() - bundle.issued_at)
        return json_response(
            {
                "checkpoint": config.checkpoint,
                "names": dict(config.names),
                "lane": config.lane,
                "direction": config.direction,
                "bundle_age": age,
                "bundle_serial": None if bundle is None else bundle.serial,
                "modes": [] if bundle is None else sorted(bundle.checkpoint.modes),
                "liveness": True if bundle is None else bundle.checkpoint.liveness,
            }
        )

    def texts(self, request: Request) -> Response:
        """The page's words in a language."""
        return json_response({"languages": texts.LANGUAGES, "page": texts.catalogue(_language(request))["page"]})

    def challenge(self, request: Request) -> Response:
        """A fresh challenge, as the lane shows it."""
        return json_response({"challenge": self._lane.challenge()})

    def scan(self, request: Request) -> Response:
        """A QR code's text."""
        return self._examine(request.body.decode("ascii", "replace"), request)

    def code(self, request: Request) -> Response:
        """A camera picture; ``{"found": false}`` while no code is in it."""
        if request.headers.get("content-type") not in PICTURES:
            raise Problem(415)
        text = camera.read_code(request.body)
        return json_response({"found": False}) if text is None else self._examine(text, request)

    def present(self, request: Request) -> Response:
        """The local link: ``{"token", "proof"}`` as `idp.protocol.presentation.encode_link` writes it."""
        return self._examine(request.body, request)

    def face(self, request: Request) -> Response:
        """``{"id", "frames": [base64, …]}``: the burst for the traveller who is awaited."""
        body = json_body(request)
        frames = body.get("frames")
        if not isinstance(frames, list) or not 1 <= len(frames) <= MAX_FRAMES:
            raise Problem(400)
        verdict = self._lane.face(_waiting_id(body), [_picture(frame) for frame in frames])
        return self._answer(verdict, request)

    def camera_failed(self, request: Request) -> Response:
        """``{"id"}``: the page could get no picture."""
        return self._answer(self._lane.camera_failed(_waiting_id(json_body(request))), request)

    def _examine(self, raw: bytes | str, request: Request) -> Response:
        outcome = self._lane.present(raw)
        if isinstance(outcome, str):
            return json_response({"found": True, "phase": "face", "id": outcome})
        return self._answer(outcome, request)

    def _answer(self, verdict: Verdict | None, request: Request) -> Response:
        if verdict is None:  # nobody is awaited: too late, or another code came
            return json_response({"found": True, "phase": "code"})
        officers_log.write(self._lane.config.directory, verdict, at=self._lane.clock())
        return json_response(
            {
                "found": True,
                "phase": "verdict",
                "verdict": verdict.word,
                "text": texts.for_traveller(verdict, _language(request)),
                "seq": verdict.seq,
                "again": verdict.reason in (Reason.FACE_NO_FACE, Reason.FACE_MANY_FACES, Reason.FACE_LOW_QUALITY),
            }
        )


def serve(lane: LaneAtWork, *, host: str, port: int, names: list[str]) -> DeviceServer:
    """The kiosk's server, bound and not yet serving."""
    return DeviceServer(host=host, port=port, routes=Kiosk(lane).routes(), max_body=MAX_BODY, hosts=names)


def _language(request: Request) -> str:
    asked = request.query.get("lang", "en")
    return asked if asked in texts.LANGUAGES else "en"


def _waiting_id(body: dict[str, Any]) -> str:
    return strict_json.string(body, "id", max_length=64)


def _picture(frame: object) -> bytes:
    if not isinstance(frame, str):
        raise Problem(400)
    try:
        return base64.b64decode(frame, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400) from error

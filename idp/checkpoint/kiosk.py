"""The lane's screen: a small HTTP server on the kiosk itself, and another for the phones on the lane's local link.

The screen's server listens on loopback only, because whoever can reach it *is* the lane's camera. ``POST /scan`` takes
a QR code's text (a hand scanner), ``POST /code`` a camera picture of one, ``POST /present`` the JSON of the local link;
each answers with a verdict or asks for a face, which ``POST /face`` brings. The link's server takes ``/challenge`` and
``/present`` alone, and never names the id under which a face is awaited: a phone must not bring its own pictures.
"""

import base64
import binascii
import ipaddress
from pathlib import Path
from typing import Any

from idp.checkpoint import camera, officers_log, texts
from idp.checkpoint.challenge_code import challenge_svg
from idp.checkpoint.deciding import Verdict
from idp.checkpoint.lane import LaneAtWork
from idp.inbound import DeviceServer, Problem, Request, Response, Routes, json_body, json_response, page, static_files
from idp.protocol import strict_json
from idp.protocol.refusals import Reason

ROOT = Path(__file__).resolve().parents[2]
MAX_BODY = 12 * 1024 * 1024  # a burst of six 720p pictures in base64 has two
MAX_LINK_BODY = 32 * 1024  # protocol.presentation reads 20 KiB
MAX_FRAMES = 6
BURST = 3  # frames that liveness needs
SHOWN = 8  # seconds for which the screen is told of a verdict that another reader brought about
PICTURES = ("image/jpeg", "image/png", "image/webp")
AGAIN = frozenset({Reason.FACE_NO_FACE, Reason.FACE_MANY_FACES, Reason.FACE_LOW_QUALITY})


class Kiosk:
    """The routes of one lane."""

    def __init__(self, lane: LaneAtWork) -> None:
        self._lane = lane

    def routes(self) -> Routes:
        """For the screen's `DeviceServer`."""
        return {
            ("GET", "/"): page(ROOT / "templates/checkpoint/gate.html"),
            ("GET", "/state"): self.state,
            ("GET", "/texts"): self.texts,
            ("GET", "/challenge"): self.challenge,
            ("GET", "/challenge.svg"): self.challenge_code,
            ("POST", "/scan"): self.scan,
            ("POST", "/code"): self.code,
            ("POST", "/present"): self.present,
            ("POST", "/face"): self.face,
            ("POST", "/camera-failed"): self.camera_failed,
            **static_files({"/static/checkpoint": ROOT / "static/checkpoint"}),
        }

    def link_routes(self) -> Routes:
        """For the local link's `DeviceServer`."""
        return {("GET", "/challenge"): self.challenge, ("POST", "/present"): self.present_by_link}

    def state(self, request: Request) -> Response:
        """What stands on the screen's edge, and what other readers (hand scanner, local link) brought about."""
        bundle, config, latest = self._lane.bundle(), self._lane.config, self._lane.latest()
        now = self._lane.clock()
        live = (bundle is None or bundle.checkpoint.liveness) and not self._lane.still_pictures
        shown = latest is not None and 0 <= now - latest[1] < SHOWN
        return json_response(
            {
                "checkpoint": config.checkpoint,
                "names": dict(config.names),
                "lane": config.lane,
                "direction": config.direction,
                "bundle_age": None if bundle is None else max(0, now - bundle.issued_at),
                "bundle_serial": None if bundle is None else bundle.serial,
                "modes": [] if bundle is None else sorted(bundle.checkpoint.modes),
                "liveness": True if bundle is None else bundle.checkpoint.liveness,
                "picture_files": self._lane.still_pictures,
                "frames_needed": BURST if live else 1,
                "waiting": self._lane.waiting_id(),
                "latest": self._shown(latest[0], request) if latest is not None and shown else None,
            }
        )

    def texts(self, request: Request) -> Response:
        """The page's words in a language."""
        return json_response({"languages": texts.LANGUAGES, "page": texts.catalogue(language(request))["page"]})

    def challenge(self, request: Request) -> Response:
        """The challenge that the lane shows; 404 where its policy knows none."""
        return json_response({"challenge": self._shown_challenge()})

    def challenge_code(self, request: Request) -> Response:
        """The same as a QR code, for a phone without a link."""
        return Response(200, "image/svg+xml", challenge_svg(self._shown_challenge()))

    def scan(self, request: Request) -> Response:
        """A QR code's text."""
        _require_type(request, "text/plain")
        return self._examine(request.body, request)

    def code(self, request: Request) -> Response:
        """A camera picture; ``{"found": false}`` while no code is in it."""
        _require_type(request, *PICTURES)
        text = camera.read_code(request.body)
        return json_response({"found": False}) if text is None else self._examine(text, request)

    def present(self, request: Request) -> Response:
        """The local link: ``{"token", "proof"}`` as `idp.protocol.presentation.encode_link` writes it."""
        _require_type(request, "application/json")
        return self._examine(request.body, request)

    def present_by_link(self, request: Request) -> Response:
        """`present` for a phone: it learns that a face is asked for, at the screen, or the verdict's words."""
        answer = strict_json.loads_object(self.present(request).body)
        return json_response({name: answer[name] for name in ("found", "phase", "verdict", "text") if name in answer})

    def face(self, request: Request) -> Response:
        """``{"id", "frames": [base64, …]}``: the burst for the traveller who is awaited."""
        body = json_body(request)
        return self._answer(self._lane.face(waiting_id(body), burst_of(body)), request)

    def camera_failed(self, request: Request) -> Response:
        """``{"id"}``: the page could get no picture."""
        return self._answer(self._lane.camera_failed(waiting_id(json_body(request))), request)

    def _shown_challenge(self) -> str:
        challenge = self._challenge()
        if challenge is None:
            raise Problem(404)
        return challenge

    def _challenge(self) -> str | None:
        return self._lane.challenge()

    def _examine(self, raw: bytes | str, request: Request) -> Response:
        outcome = self._lane.present(raw)
        if isinstance(outcome, str):
            return json_response({"found": True, "phase": "face", "id": outcome})
        return self._answer(outcome, request)

    def _answer(self, verdict: Verdict | None, request: Request) -> Response:
        if verdict is None:  # nobody is awaited: too late, or another code came
            return json_response({"found": True, "phase": "code"})
        officers_log.write(self._lane.config.directory, verdict, at=self._lane.clock())
        return json_response({"found": True, "phase": "verdict", **self._shown(verdict, request)})

    def _shown(self, verdict: Verdict, request: Request) -> dict[str, Any]:
        """What a screen may say: a word, a sentence, a number that stands for nothing but its place."""
        return {
            "verdict": verdict.word,
            "text": texts.for_traveller(verdict, language(request)),
            "seq": verdict.seq,
            "again": verdict.reason in AGAIN,
        }


def serve(screen: Kiosk, *, host: str, port: int, names: list[str]) -> DeviceServer:
    """The screen's server, bound and not yet serving. Raises RuntimeError for a ``host`` that others can reach."""
    if not _is_loopback(host):
        raise RuntimeError("the kiosk listens on loopback only; phones reach it by --link-host")
    return DeviceServer(host=host, port=port, routes=screen.routes(), max_body=MAX_BODY, hosts=names)


def serve_link(screen: Kiosk, *, host: str, port: int, names: list[str]) -> DeviceServer:
    """The local link's server, bound and not yet serving."""
    return DeviceServer(host=host, port=port, routes=screen.link_routes(), max_body=MAX_LINK_BODY, hosts=[*names, host])


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def language(request: Request) -> str:
    """The language that the page asks for; English otherwise."""
    asked = request.query.get("lang", "en")
    return asked if asked in texts.LANGUAGES else "en"


def _require_type(request: Request, *types: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in types:
        raise Problem(415)


def burst_of(body: dict[str, Any]) -> list[bytes]:
    """The pictures of ``{"frames": [base64, …]}``; raises `Problem`."""
    frames = body.get("frames")
    if not isinstance(frames, list) or not 1 <= len(frames) <= MAX_FRAMES:
        raise Problem(400)
    return [_picture(frame) for frame in frames]


def waiting_id(body: dict[str, Any]) -> str:
    """The id under which a face is awaited; raises `Refusal` (malformed)."""
    return strict_json.string(body, "id", max_length=64)


def _picture(frame: object) -> bytes:
    if not isinstance(frame, str):
        raise Problem(400)
    try:
        return base64.b64decode(frame, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400) from error

"""The screen of a joint gate: the kiosk's page and routes, over two lanes. It says one of two sentences, and no side's
reason, place in a journal, age of trust data or picture hint: whatever stands here, both authorities read."""

from typing import Any

from idp.checkpoint import officers_log, texts
from idp.checkpoint.joint_lane import Awaited, JointGate, JointVerdict
from idp.checkpoint.kiosk import BURST, SHOWN, Kiosk, burst_of, language, waiting_id
from idp.inbound import Request, Response, Routes, json_body, json_response
from idp.protocol.joint import SIDES


class JointKiosk(Kiosk):
    """The routes of one joint gate."""

    def __init__(self, gate: JointGate) -> None:
        super().__init__(gate.lanes["exit"])
        self._gate = gate

    def routes(self) -> Routes:
        """The kiosk's, and one with which the next traveller begins anew."""
        return {**super().routes(), ("POST", "/restart"): self.restart}

    def state(self, request: Request) -> Response:
        """As `Kiosk.state`, with ``joint`` and ``second`` (one code was shown)."""
        lanes, latest, now = self._gate.lanes, self._gate.latest(), self._gate.clock()
        bundles = {side: lanes[side].bundle() for side in SIDES}
        live = not lanes["exit"].still_pictures
        awaited, shown = self._gate.awaited(), latest is not None and 0 <= now - latest[1] < SHOWN
        names = [lanes[side].config.names for side in SIDES]
        return json_response(
            {
                "joint": True,
                "second": self._gate.shown(),
                "checkpoint": [lanes[side].config.checkpoint for side in SIDES],
                "names": {tag: f"{names[0].get(tag, names[0]['en'])} · {text}" for tag, text in names[1].items()},
                "lane": lanes["entry"].config.lane,
                "direction": "joint",
                "bundle_age": None,
                "bundle_serial": None,
                "modes": sorted({mode for found in bundles.values() if found for mode in found.checkpoint.modes}),
                "liveness": live,
                "picture_files": not live,
                "frames_needed": BURST if live else 1,
                "waiting": awaited.id or None,
                "latest": self._said(latest[0], request) if latest is not None and shown else None,
            }
        )

    def restart(self, request: Request) -> Response:
        """Whoever showed a code has left."""
        self._gate.restart()
        return json_response({"phase": "code"})

    def face(self, request: Request) -> Response:
        """As `Kiosk.face`, for both sides."""
        body = json_body(request)
        return self._joint(self._gate.face(waiting_id(body), burst_of(body)), request)

    def camera_failed(self, request: Request) -> Response:
        """As `Kiosk.camera_failed`, for both sides."""
        return self._joint(self._gate.face(waiting_id(json_body(request)), None), request)

    def _challenge(self) -> str | None:
        return self._gate.challenge()

    def _examine(self, raw: bytes | str, request: Request) -> Response:
        awaited: Awaited = self._gate.present(raw)
        if awaited.phase == "face":
            return json_response({"found": True, "phase": "face", "id": awaited.id})
        return json_response({"found": True, "phase": "second" if self._gate.shown() else "first"})

    def _joint(self, verdict: JointVerdict | None, request: Request) -> Response:
        if verdict is None:
            return json_response({"found": True, "phase": "code"})
        for side, written in verdict.sides.items():
            lane = self._gate.lanes[side]
            officers_log.write(lane.config.directory, written, at=lane.clock())
        return json_response({"found": True, "phase": "verdict", **self._said(verdict, request)})

    def _said(self, verdict: JointVerdict, request: Request) -> dict[str, Any]:
        return {
            "verdict": "admit" if verdict.released else "refer",
            "text": texts.for_joint(verdict.released, language(request)),
            "seq": verdict.number,
            "again": False,
        }

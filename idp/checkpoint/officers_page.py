"""The officers' page of a lane: a server of its own, for who holds a badge (docs/protocol.md, Officers at the lane).

A badge is handed over once, into a session: a cookie that no script reads and no other site sends. Every request looks
at the badge again: its end, and whether the bundle in force takes it back. Nothing here asks anybody; without a bundle
in force nobody is an officer.
"""

import hashlib
import secrets
from typing import Any

from idp.checkpoint import by_hand, officers_log, texts
from idp.checkpoint.by_hand import UnableToDecide
from idp.checkpoint.desk import Case
from idp.checkpoint.kiosk import ROOT, language
from idp.checkpoint.lane import LaneAtWork
from idp.inbound import DeviceServer, Problem, Request, Response, Routes, json_body, json_response, page, static_files
from idp.protocol import journal, strict_json
from idp.protocol.officer_badge import Badge, verify_badge
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.strict_json import b64encode

MAX_BODY = 8 * 1024
SECRET_BYTES = 32
_STATUS = {"not_found": 404, "storage": 503}


class OfficersPage:
    """The routes of one lane's officers' page."""

    def __init__(self, lane: LaneAtWork) -> None:
        self._lane = lane
        digest = hashlib.sha256(lane.config.lane_id.encode()).hexdigest()
        self._cookie = f"officer-{digest[:12]}"  # two lanes of a joint gate may share a host

    def routes(self) -> Routes:
        """For a `DeviceServer` of their own."""
        return {
            ("GET", "/"): page(ROOT / "templates/checkpoint/officers.html"),
            ("GET", "/texts"): self.texts,
            ("POST", "/session"): self.begin,
            ("POST", "/session/end"): self.end,
            ("GET", "/state"): self.state,
            ("GET", "/case"): self.case,
            ("POST", "/release"): self.release,
            ("POST", "/decline"): self.decline,
            **static_files({"/static/officers": ROOT / "static/officers"}),
        }

    def texts(self, request: Request) -> Response:
        """The page's words in a language."""
        found = texts.catalogue(language(request))
        return json_response({"languages": texts.LANGUAGES, "desk": found["desk"], "ground": found["ground"]})

    def begin(self, request: Request) -> Response:
        """``{"badge"}``: a session for its officer, once."""
        text = strict_json.string(json_body(request), "badge", max_length=2_048)
        badge, secret = self._read(text.strip()), secrets.token_urlsafe(SECRET_BYTES)
        try:
            taken = self._lane.store.take_badge(badge.jti, session=_digest(secret), badge=text.strip())
        except Unavailable as error:
            raise Problem(503) from error
        if not taken:
            raise _no_officer()
        life = badge.expires_at - self._lane.clock()
        cookie = f"{self._cookie}={secret}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict"
        return json_response({"officer": badge.officer}, headers={"Set-Cookie": cookie})

    def end(self, request: Request) -> Response:
        """The officer leaves."""
        self._officer(request)
        try:
            self._lane.store.end_session(_digest(self._secret(request)))
        except Unavailable as error:
            raise Problem(503) from error
        return json_response(
            {}, headers={"Set-Cookie": f"{self._cookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"}
        )

    def state(self, request: Request) -> Response:
        """The lane, how old what it believes is, and the cases without whom they are about."""
        badge, lane, tongue = self._officer(request), self._lane, language(request)
        bundle, now = lane.bundle(), lane.clock()
        return json_response(
            {
                "officer": badge.officer,
                "until": badge.expires_at,
                "now": now,
                "names": dict(lane.config.names),
                "lane": lane.config.lane,
                "direction": lane.config.direction,
                "bundle_age": None if bundle is None else max(0, now - bundle.issued_at),
                "bundle_serial": None if bundle is None else bundle.serial,
                "status": []
                if bundle is None
                else [
                    {"issuer": issuer.entity_id, "age": max(0, now - max(times))}
                    for issuer in bundle.issuers.values()
                    if (times := [found.issued_at for found in issuer.status_lists.values()])
                ],
                "cases": [self._brief(case, tongue) for case in lane.desk.cases(now=now)],
            }
        )

    def case(self, request: Request) -> Response:
        """``?seq=``: one case with the traveller's document; that it was opened is written down."""
        badge, lane = self._officer(request), self._lane
        seq = request.query.get("seq", "")
        found = lane.desk.case(int(seq), now=lane.clock()) if seq.isdecimal() and len(seq) < 16 else None
        if found is None:
            raise Problem(404)
        officers_log.looked(lane.config.directory, seq=found.seq, officer=badge.officer, at=lane.clock())
        return json_response({**self._brief(found, language(request)), "document": _document(found)})

    def release(self, request: Request) -> Response:
        """``{"seq", "ground", "acknowledged": [reasons]}``; ``{"decided": false}``: another officer must confirm."""
        badge, body = self._officer(request), json_body(request)
        acknowledged = body.get("acknowledged")
        if not isinstance(acknowledged, list) or not all(isinstance(item, str) for item in acknowledged):
            raise Problem(400)
        ground, seq = strict_json.string(body, "ground", max_length=32), strict_json.integer(body, "seq")
        try:
            written = by_hand.release(
                self._lane, seq=seq, officer=badge.officer, ground=ground, acknowledged=acknowledged
            )
        except UnableToDecide as error:
            raise _unable(error) from error
        return json_response({"decided": written is not None})

    def decline(self, request: Request) -> Response:
        """``{"seq", "ground"}``."""
        badge, body = self._officer(request), json_body(request)
        ground, seq = strict_json.string(body, "ground", max_length=32), strict_json.integer(body, "seq")
        try:
            by_hand.decline(self._lane, seq=seq, officer=badge.officer, ground=ground)
        except UnableToDecide as error:
            raise _unable(error) from error
        return json_response({"decided": True})

    def _officer(self, request: Request) -> Badge:
        """Whose session it is; raises `Problem` 401."""
        try:
            text = self._lane.store.badge_of(_digest(self._secret(request)))
        except Unavailable as error:
            raise Problem(503) from error
        if text is None:
            raise _no_officer()
        return self._read(text)

    def _read(self, text: str) -> Badge:
        lane, bundle = self._lane, self._lane.bundle()
        if bundle is None:
            raise _no_officer()
        try:
            return verify_badge(
                text,
                keys=bundle.bundle_keys,
                node=lane.config.node,
                checkpoint=lane.config.checkpoint,
                revoked=bundle.revoked_badges,
                now=lane.clock(),
            )
        except Refusal as refusal:
            raise _no_officer() from refusal

    def _secret(self, request: Request) -> str:
        pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
        found = [value for name, _, value in pairs if name == self._cookie]
        if len(found) != 1:
            raise _no_officer()
        return found[0]

    def _brief(self, case: Case, tongue: str) -> dict[str, Any]:
        bundle, now, decision = self._lane.bundle(), self._lane.clock(), case.decision
        as_of = decision.status_as_of
        return {
            "seq": case.seq,
            "age": max(0, now - case.at),
            "decision": type(decision).__name__.lower(),
            "step": decision.step,
            "reasons": [reason.value for reason in case.reasons],
            "words": [texts.for_officer(reason, tongue) for reason in case.reasons],
            "score_band": case.score_band,
            "status_age": None if as_of is None else max(0, now - as_of),
            "releasable": case.releasable,
            "two": bundle is not None and case.needs_two(bundle.policy),
            "proposed": None if case.proposed is None else dict(zip(("officer", "ground"), case.proposed, strict=True)),
            "done": case.done,
            "grounds": {name: list(grounds) for name, grounds in journal.GROUNDS.items()},
        }


def serve(lane: LaneAtWork, *, host: str, port: int, names: list[str]) -> DeviceServer:
    """The officers' server, bound and not yet serving."""
    return DeviceServer(
        host=host, port=port, routes=OfficersPage(lane).routes(), max_body=MAX_BODY, hosts=[*names, host]
    )


def _document(case: Case) -> dict[str, Any] | None:
    found = case.decision.document
    if found is None:
        return None
    return {**vars(found), "endorsement": None if found.endorsement is None else dict(found.endorsement)}


def _digest(secret: str) -> str:
    return b64encode(hashlib.sha256(secret.encode()).digest())


def _no_officer() -> Problem:
    return Problem(401, "no_officer", "An officer's badge is needed.")


def _unable(error: UnableToDecide) -> Problem:
    return Problem(_STATUS.get(error.code, 409), error.code, "Nothing was decided.")

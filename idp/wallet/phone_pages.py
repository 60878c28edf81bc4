"""The phone over HTTP: the page that the traveller sees, and the same acts as JSON for whoever drives the phone.

It listens on loopback and answers to loopback's names only: whoever can speak to it *is* the traveller.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from idp import clock
from idp.inbound import (
    DeviceServer,
    Problem,
    Request,
    Response,
    Routes,
    json_body,
    json_response,
    page,
    redirect,
    static_files,
)
from idp.protocol import strict_json
from idp.wallet import present
from idp.wallet.errors import UnableTo
from idp.wallet.phone import FORMS, Phone, token_state

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MAX_BODY = 32 * 1024
_ROOT = Path(__file__).resolve().parents[2]
_STATUS = {
    "invalid_request": 400,
    "qr_only_cwt": 400,
    "not_found": 404,
    "rate_limited": 429,
    "provider_unreachable": 503,
    "messenger_unreachable": 503,
    "lane_unreachable": 503,
    "temporarily_unavailable": 503,
}


def routes(phone: Phone) -> Routes:
    """Pages, static files and the JSON interface of one phone."""
    pages = _Pages(phone)
    callback = urlsplit(phone.config.redirect_uri).path or "/callback"
    return {
        ("GET", "/"): page(_ROOT / "templates" / "wallet" / "index.html"),
        ("GET", callback): pages.callback,
        ("GET", "/api/state"): _guarded(pages.state),
        ("GET", "/api/provider"): _guarded(pages.provider),
        ("POST", "/api/authorize"): _guarded(pages.authorize),
        ("GET", "/api/tokens"): _guarded(pages.tokens),
        ("POST", "/api/tokens"): _guarded(pages.fetch),
        ("POST", "/api/present"): _guarded(pages.present),
        ("POST", "/api/send"): _guarded(pages.send),
        **static_files({"/static/wallet": _ROOT / "static" / "wallet"}),
    }


def server(*, phone: Phone, port: int) -> DeviceServer:
    """The phone's HTTP server on loopback, bound and not yet serving."""
    return DeviceServer(host=LOOPBACK, port=port, routes=routes(phone), max_body=MAX_BODY)


class _Pages:
    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    def callback(self, request: Request) -> Response:
        """Where the authority sends the traveller back to; ends on the page, whose address holds no code any more."""
        try:
            grant = self._phone.finish(request.query, now=clock.now())
        except UnableTo as error:
            log.info("authorization failed: %s", error)
            return redirect(f"/#/error/{error.code}")
        return redirect(f"/#/crossing/{quote(grant.crossing, safe='')}" if grant.crossing else "/#/")

    def state(self, request: Request) -> Any:
        return self._phone.state(now=clock.now())

    def provider(self, request: Request) -> Any:
        return self._phone.provider_state(now=clock.now())

    def authorize(self, request: Request) -> Any:
        body = json_body(request)
        details = body.get("authorization_details")
        if details is not None and not isinstance(details, list):
            raise UnableTo("invalid_request", "authorization_details is an array")
        crossing = _text(body, "crossing", optional=details is not None)
        children = strict_json.integer(body, "children") if "children" in body else 0
        started = self._phone.authorize(crossing=crossing or "", children=children, details=details, now=clock.now())
        return {
            "authorization_url": started.authorization_url,
            "provider": started.provider.entity_id,
            "provider_name": dict(started.provider.names),
        }

    def tokens(self, request: Request) -> Any:
        return {"tokens": [token_state(token) for token in self._phone.store.tokens(now=clock.now())]}

    def fetch(self, request: Request) -> Any:
        body, now = json_body(request), clock.now()
        asked = {"checkpoint": _text(body, "checkpoint") or "", "direction": _text(body, "direction") or ""}
        form = _text(body, "format", optional=True) or "cwt"
        if body.get("group") is True:
            group = self._phone.fetch_group(**asked, form=form, now=now)
            return {"tokens": [token_state(token) for token in group]}
        document = _text(body, "document", optional=True)
        return token_state(self._phone.fetch(**asked, form=form, document=document, now=now))

    def present(self, request: Request) -> Any:
        body, now = json_body(request), clock.now()
        token_id, mode = _text(body, "token_id") or "", _text(body, "mode")
        challenge = _text(body, "challenge", optional=True)
        if mode not in FORMS:
            raise UnableTo("invalid_request", "mode is qr or link")
        if mode == "link":
            return self._phone.link(token_id, challenge=challenge, now=now)
        code = self._phone.code(token_id, challenge=challenge, now=now)
        kind = "png" if body.get("image") == "png" else "svg"
        return {
            "qr": code.text,
            "version": code.version,
            kind: present.base64_image(code, kind),
            "made_at": now,
            "renew_seconds": present.RENEW_SECONDS,
        }

    def send(self, request: Request) -> Any:
        body = json_body(request)
        return self._phone.send(
            _text(body, "token_id") or "",
            lane=_text(body, "lane") or "",
            language=_text(body, "lang", optional=True) or "en",
            now=clock.now(),
        )


def _guarded(act: Callable[[Request], Any]) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:
        try:
            return json_response(act(request))
        except UnableTo as error:
            log.info("%s: %s", request.path, error)
            raise Problem(_STATUS.get(error.code, 409), error.code, f"The wallet stopped: {error.code}.") from error

    return handler


def _text(body: dict[str, Any], member: str, *, optional: bool = False) -> str | None:
    if optional and body.get(member) is None:
        return None
    return strict_json.string(body, member, max_length=4096)

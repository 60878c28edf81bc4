"""How the phone speaks to its messenger and to an authority: proofs on every request, answers read strictly."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from idp import clock
from idp.outbound import Outbound, Response
from idp.protocol import dpop, strict_json
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal, Unavailable
from idp.wallet import phone_proof
from idp.wallet.errors import UnableTo

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """A status and a JSON object (empty when the body was none)."""

    status: int
    value: Mapping[str, Any]

    @property
    def error(self) -> str:
        """The OAuth ``error`` or the problem's ``code``; empty when there is neither."""
        return next((str(self.value[name]) for name in ("error", "code") if isinstance(self.value.get(name), str)), "")


class Speaker:
    """HTTP with the device key's DPoP proofs (RFC 9449), a server's nonce remembered for each origin (§8.2)."""

    def __init__(self, *, outbound: Outbound, device: PrivateKey) -> None:
        self._outbound, self._device = outbound, device
        self._nonces: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def jkt(self) -> str:
        """The device key's thumbprint (RFC 7638)."""
        return self._device.public.thumbprint

    def post_form(self, url: str, form: Callable[[], Mapping[str, str]]) -> Answer:
        """POST a form with a DPoP proof. Raises `UnableTo` (provider_unreachable).

        ``form`` makes it, anew for a second try: the first may have spent the client assertion in it.
        """
        return self._with_nonce(url, FORM, lambda: urlencode(form()).encode(), None)

    def post_json(self, url: str, value: Mapping[str, Any], *, access_token: str) -> Answer:
        """POST JSON with a DPoP-bound access token. Raises `UnableTo` (provider_unreachable)."""
        body = strict_json.dumps(dict(value))
        return self._with_nonce(url, JSON, lambda: body, access_token)

    def post_to_messenger(self, url: str, value: Mapping[str, Any]) -> Answer:
        """POST JSON to the messenger with the device key's proof over it. Raises `UnableTo` (messenger_unreachable)."""
        body = strict_json.dumps(dict(value))
        proof = phone_proof.prove(url=url, body=body, now=clock.now(), jti=_random(), key=self._device)
        try:
            response = self._outbound.request(
                "POST", url, headers={"Content-Type": JSON, phone_proof.HEADER: proof}, content=body
            )
            return _read(response)
        except (Refusal, Unavailable) as error:
            raise UnableTo("messenger_unreachable", str(error)) from error

    def _with_nonce(self, url: str, media_type: str, body: Callable[[], bytes], access_token: str | None) -> Answer:
        try:
            answer, fresh = self._post(url, media_type, body(), access_token)
            if answer.error == "use_dpop_nonce" and fresh:  # RFC 9449 §8: ask again, once
                answer, _ = self._post(url, media_type, body(), access_token)
        except (Refusal, Unavailable) as error:
            raise UnableTo("provider_unreachable", str(error)) from error
        return answer

    def _post(self, url: str, media_type: str, body: bytes, access_token: str | None) -> tuple[Answer, bool]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        proof = dpop.prove(
            method="POST",
            url=url,
            now=clock.now(),
            jti=_random(),
            key=self._device,
            access_token=access_token,
            nonce=self._nonces.get(origin),
        )
        headers = {"Content-Type": media_type, "Accept": JSON, "DPoP": proof}
        if access_token is not None:
            headers["Authorization"] = f"DPoP {access_token}"
        response = self._outbound.request("POST", url, headers=headers, content=body)
        nonce = response.headers.get("dpop-nonce")
        if nonce is not None and len(nonce) <= 512:
            with self._lock:
                self._nonces[origin] = nonce
        return _read(response), nonce is not None


def _read(response: Response) -> Answer:
    if response.media_type == JSON or response.media_type.endswith("+json"):
        return Answer(response.status, strict_json.loads_object(response.body))
    return Answer(response.status, {})


def _random() -> str:
    return secrets.token_urlsafe(16)

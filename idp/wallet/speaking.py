"""How the phone speaks to its messenger and to an authority: proofs on every request, answers read strictly."""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from idp import clock
from idp.outbound import Outbound, Response
from idp.protocol import client_attestation, dpop, strict_json
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal, Unavailable
from idp.wallet import phone_proof
from idp.wallet.errors import UnableTo

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# RFC 9449 §8, draft-ietf-oauth-attestation-based-client-auth-10 §7.4: errors after which the same may be asked again.
AGAIN = frozenset({"use_dpop_nonce", "use_attestation_challenge", "use_fresh_attestation"})
MAX_CHALLENGE = 512  # characters, of a nonce too


@dataclass(frozen=True)
class Answer:
    """A status and a JSON object (empty when the body was none), with the server's new nonce and challenge, if any."""

    status: int
    value: Mapping[str, Any]
    nonce: str | None = None
    challenge: str | None = None

    @property
    def error(self) -> str:
        """The OAuth ``error`` or the problem's ``code``; empty when there is neither."""
        return next((str(self.value[name]) for name in ("error", "code") if isinstance(self.value.get(name), str)), "")


@dataclass(frozen=True)
class Sent:
    """What one try brings: a form, headers, and a ``nonce`` for its DPoP proof if not the server's last one."""

    form: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    nonce: str | None = None


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

    def post_form(self, url: str, make: Callable[[Answer | None], Sent]) -> Answer:
        """POST a form with a DPoP proof. Raises `UnableTo` (provider_unreachable).

        ``make`` makes it, anew for each try, from the answer to the one before: that may have spent what was in it.
        """

        def attempt(before: Answer | None) -> Answer:
            sent = make(before)
            body = urlencode(sent.form).encode()
            return self._post(url, FORM, body, headers=sent.headers, nonce=sent.nonce)

        return _until_taken(attempt)

    def post_json(self, url: str, value: Mapping[str, Any], *, access_token: str) -> Answer:
        """POST JSON with a DPoP-bound access token. Raises `UnableTo` (provider_unreachable)."""
        body = strict_json.dumps(dict(value))
        return _until_taken(lambda _: self._post(url, JSON, body, access_token=access_token))

    def challenge(self, url: str) -> str:
        """A challenge for an attestation's proof. Raises `UnableTo` (provider_unreachable)."""
        try:
            answer = _read(self._outbound.request("POST", url, headers={"Accept": JSON}, content=b""))
            if answer.status != 200:
                raise UnableTo("provider_unreachable", f"status {answer.status} for a challenge")
            return strict_json.string(answer.value, "attestation_challenge", max_length=MAX_CHALLENGE)
        except (Refusal, Unavailable) as error:
            raise UnableTo("provider_unreachable", str(error)) from error

    def possession(self, *, issuer: str, challenge: str | None) -> str:
        """A proof for ``issuer`` that the device key, which the messenger attests, is held here."""
        return client_attestation.prove(
            issuer=issuer, now=clock.now(), jti=_random(), key=self._device, challenge=challenge
        )

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

    def _post(
        self,
        url: str,
        media_type: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        nonce: str | None = None,
        access_token: str | None = None,
    ) -> Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        proof = dpop.prove(
            method="POST",
            url=url,
            now=clock.now(),
            jti=_random(),
            key=self._device,
            access_token=access_token,
            nonce=self._nonces.get(origin) if nonce is None else nonce,
        )
        sent = {**(headers or {}), "Content-Type": media_type, "Accept": JSON, "DPoP": proof}
        if access_token is not None:
            sent["Authorization"] = f"DPoP {access_token}"
        try:
            answer = _read(self._outbound.request("POST", url, headers=sent, content=body))
        except (Refusal, Unavailable) as error:
            raise UnableTo("provider_unreachable", str(error)) from error
        if answer.nonce is not None:
            with self._lock:
                self._nonces[origin] = answer.nonce
        return answer


def _until_taken(attempt: Callable[[Answer | None], Answer]) -> Answer:
    """Try again, once for each of the reasons `AGAIN`, where the server has said what it wants to see."""
    answer, reasons = attempt(None), set(AGAIN)
    while answer.error in reasons and not _lacks_its_value(answer):
        reasons.remove(answer.error)
        answer = attempt(answer)
    return answer


def _lacks_its_value(answer: Answer) -> bool:
    wanted = {"use_dpop_nonce": answer.nonce, "use_attestation_challenge": answer.challenge}
    return wanted.get(answer.error, "") is None


def _read(response: Response) -> Answer:
    is_json = response.media_type == JSON or response.media_type.endswith("+json")
    value = strict_json.loads_object(response.body) if is_json else {}
    names = ("dpop-nonce", "oauth-client-attestation-challenge")
    nonce, challenge = (_short(response.headers.get(name)) for name in names)
    return Answer(response.status, value, nonce, challenge)


def _short(text: str | None) -> str | None:
    return text if text is not None and len(text) <= MAX_CHALLENGE else None


def _random() -> str:
    return secrets.token_urlsafe(16)

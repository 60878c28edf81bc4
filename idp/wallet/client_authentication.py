"""How the phone shows an authority on whose behalf it asks, by the method that its messenger registered.

With ``private_key_jwt`` the messenger signs an assertion for every request. With an attestation
(draft-ietf-oauth-attestation-based-client-auth-10) it vouches once a day for the phone's device key, and the phone
authenticates by itself. Request objects are the messenger's in both cases.
"""

import threading
from collections.abc import Mapping
from typing import Any

from idp import clock
from idp.protocol import client_assertion, client_attestation
from idp.protocol.refusals import Refusal
from idp.wallet.config import ATTESTED_DPOP, PRIVATE_KEY_JWT, PhoneConfig
from idp.wallet.errors import UnableTo
from idp.wallet.speaking import Answer, Sent, Speaker
from idp.wallet.trust import Provider

HEADER, POP_HEADER = "OAuth-Client-Attestation", "OAuth-Client-Attestation-PoP"
RENEW_BEFORE = 600  # seconds before its end that an attestation is renewed: a request must not fail for it
MAX_MEMBER = 65_536  # characters


class ClientAuthentication:
    """For one phone; keeps its attestation in memory. Safe for threads."""

    def __init__(self, *, config: PhoneConfig, speaker: Speaker) -> None:
        self._config, self._speaker = config, speaker
        self._attestation: tuple[int, str] | None = None  # when to renew it, and itself
        self._lock = threading.Lock()

    def sent(
        self,
        provider: Provider,
        before: Answer | None,
        *,
        request: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Sent:
        """What to send to ``provider``: ``form``, ``request`` as a signed object, and who asks.

        ``before`` is its answer to the try before, if there was one. Raises `UnableTo`.
        """
        method = self._config.token_endpoint_auth_method
        members: dict[str, str] = {"client_id": self._config.messenger}
        if method == PRIVATE_KEY_JWT or request is not None:
            members |= self._signed(provider, request)
        members |= form or {}
        if method == PRIVATE_KEY_JWT:
            return Sent(members)
        challenge = self._challenge(provider, before)
        headers = {HEADER: self._attested(renew=before is not None and before.error == "use_fresh_attestation")}
        if method == ATTESTED_DPOP:
            return Sent(members, headers, nonce=challenge)
        headers[POP_HEADER] = self._speaker.possession(issuer=provider.issuer, challenge=challenge)
        return Sent(members, headers)

    def _signed(self, provider: Provider, request: Mapping[str, Any] | None) -> dict[str, str]:
        """The form members that only the messenger can make."""
        body: dict[str, Any] = {"audience": provider.issuer, **({} if request is None else {"request": request})}
        answer = self._ask_messenger("/sign", body)
        members: dict[str, Any] = {}
        if self._config.token_endpoint_auth_method == PRIVATE_KEY_JWT:
            members["client_assertion_type"] = client_assertion.ASSERTION_TYPE
            members["client_assertion"] = answer.get("client_assertion")
        if request is not None:
            members["request"] = answer.get("request")
        if not all(isinstance(value, str) and len(value) <= MAX_MEMBER for value in members.values()):
            raise UnableTo("messenger_refused", "a signature is missing")
        return members

    def _challenge(self, provider: Provider, before: Answer | None) -> str | None:
        if before is not None and before.challenge is not None:
            return before.challenge
        endpoint = provider.challenge_endpoint
        return None if endpoint is None else self._speaker.challenge(endpoint)

    def _attested(self, *, renew: bool) -> str:
        now = clock.now()
        with self._lock:
            if self._attestation is None or renew or now >= self._attestation[0]:
                text = self._ask_messenger("/attest", {}).get("client_attestation")
                self._attestation = (self._end(text, now=now) - RENEW_BEFORE, str(text))
            return self._attestation[1]

    def _end(self, text: object, *, now: int) -> int:
        try:
            announced = client_attestation.announce(text if isinstance(text, str) else "", now=now)
        except Refusal as error:
            raise UnableTo("messenger_refused", str(error)) from error
        if announced.client_id != self._config.messenger:
            raise UnableTo("messenger_refused", "an attestation of another client")
        return int(announced.parsed.claims["exp"])

    def _ask_messenger(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        url = self._config.messenger.removesuffix("/") + path
        answer = self._speaker.post_to_messenger(url, body)
        if answer.error == "unknown_phone":
            register_phone(config=self._config, speaker=self._speaker)
            answer = self._speaker.post_to_messenger(url, body)
        if answer.status != 200 or answer.value.get("client_id") != self._config.messenger:
            raise UnableTo("messenger_refused", f"status {answer.status} {answer.error}")
        return answer.value


def register_phone(*, config: PhoneConfig, speaker: Speaker) -> None:
    """Make the device key known to the messenger. Raises `UnableTo` (messenger_unreachable, messenger_refused)."""
    answer = speaker.post_to_messenger(f"{config.messenger.removesuffix('/')}/phones", {})
    if answer.status != 201 or answer.value.get("jkt") != speaker.jkt:
        raise UnableTo("messenger_refused", f"status {answer.status} {answer.error}")

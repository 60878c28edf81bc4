"""Nonces of DPoP proofs (RFC 9449 §8, §9): a proof that answers one was made just now, and not ahead by a thief.

Nothing is kept: a nonce is a code over its time slot, good in that slot and the next, in every worker and after a
restart. It is no secret, and whoever reads it gains nothing without the key.
"""

import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.core import checks
from django.http import HttpRequest, HttpResponseBase

from idp import clock, conf
from idp.oidc.models import Client
from idp.protocol import jws, strict_json

HEADER = "DPoP-Nonce"
SLOT = 150  # seconds; a proof lives for 60, and a phone keeps the nonce of the answer before


def fresh(*, now: int) -> str:
    """The nonce of the slot that ``now`` (seconds since 1970) is in."""
    return _of(now // SLOT, conf.secret("dpop-nonces"))


def is_fresh(text: str, *, now: int) -> bool:
    """Whether ``text`` is ours and not too old. Another worker's clock may be a little ahead."""
    slots = (now // SLOT, now // SLOT - 1, (now + jws.LEEWAY) // SLOT)
    given, secret = text.encode(), conf.secret("dpop-nonces")
    return any([hmac.compare_digest(given, _of(slot, secret).encode()) for slot in slots])


def is_required(profile: str) -> bool:
    """Whether proofs of a client of ``profile`` must have one; one that is there must be fresh in any case."""
    return profile in conf.authority().dpop_nonce


def middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Every answer to a request with a proof has the nonce for the next one (§8.2, §9)."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if "HTTP_DPOP" in request.META:
            response[HEADER] = fresh(now=clock.now())
        return response

    return answer


def check(**_: Any) -> list[checks.CheckMessage]:
    """idp.E108: the setting names profiles that there are."""
    named: Any = conf.authority().dpop_nonce
    if not isinstance(named, list | tuple) or not all(name in Client.Profile.values for name in named):
        known = ", ".join(Client.Profile.values)
        return [checks.Error(f"CAUSEWAY_DPOP_NONCE must be a JSON array of {known}.", id="idp.E108")]
    return []


@lru_cache(maxsize=8)
def _of(slot: int, secret: bytes) -> str:
    return strict_json.b64encode(hmac.digest(secret, slot.to_bytes(8, "big"), "sha256"))

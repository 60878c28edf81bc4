"""DPoP proofs at our own endpoints (RFC 9449): from the header to a verified proof that is spent."""

from collections.abc import Callable

from django.http import HttpRequest

from idp import conf
from idp.oidc import replay
from idp.protocol import dpop
from idp.protocol.refusals import Reason, Refusal


def present(request: HttpRequest) -> bool:
    """Whether the request carries a proof, good or bad."""
    return "DPoP" in request.headers


def verified(
    request: HttpRequest,
    *,
    now: int,
    access_token: str | None = None,
    jkt: str | None = None,
    spend: Callable[[str, str, int], None] = replay.spend,
) -> dpop.Proof:
    """Verify the request's one proof and spend its ``jti``, or let ``spend`` do it. Raises `Refusal`, or `Unavailable`.

    The URL is the configured one with the request's path: neither Host nor X-Forwarded-Host can move it.
    """
    text = request.headers.get("DPoP")
    if not text or "," in text:  # servers join repeated headers with a comma (RFC 9110 §5.3); §4.3 step 1
        raise Refusal(Reason.MALFORMED, "not exactly one DPoP header")
    proof = dpop.verify(
        text,
        method=str(request.method),
        url=conf.authority().url(request.path),
        now=now,
        access_token=access_token,
        jkt=jkt,
    )
    spend(replay.DPOP, proof.replay_key, proof.forget_at)
    return proof

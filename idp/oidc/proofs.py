"""DPoP proofs at our own endpoints (RFC 9449): from the header to a verified proof that is spent."""

from collections.abc import Callable

from django.http import HttpRequest

from idp import conf
from idp.oidc import client_metadata, dpop_nonces, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import dpop
from idp.protocol.refusals import Reason, Refusal

META = "HTTP_DPOP"  # as WSGI names the header; `HttpRequest.headers` would rewrite the names of them all
NONCE_NEEDED = "use_dpop_nonce"
_USED_AGAIN = {
    replay.DPOP: "invalid_dpop_proof",
    replay.ATTESTATION: "invalid_client_attestation",
    replay.REQUEST_OBJECT: "invalid_request_object",
}


def present(request: HttpRequest) -> bool:
    """Whether the request carries a proof, good or bad."""
    return META in request.META


def of_client(request: HttpRequest, client: Client, *, now: int, spend: Callable[[str, str, int], None]) -> str | None:
    """The thumbprint of the key that a request of ``client`` proves, None when it proves none.

    Raises `OAuthError`: invalid_dpop_proof, or use_dpop_nonce for a request that has to come again with a nonce.
    """
    if not present(request):
        return None
    try:
        proof = verified(request, now=now, spend=spend)
    except Refusal as error:
        raise OAuthError("invalid_dpop_proof", str(error)) from error
    # In combined mode the nonce is the attestation's challenge, and was looked at when the client was authenticated.
    combined = client_metadata.authentication_method(client.metadata, client.profile) == client_metadata.ATTESTED_DPOP
    if not combined and lacks_nonce(proof, client, now=now):
        raise OAuthError(NONCE_NEEDED, "the proof has no nonce of ours, or an old one")
    return proof.jkt


def lacks_nonce(proof: dpop.Proof, client: Client, *, now: int) -> bool:
    """RFC 9449 §4.3 step 11: whether a proof of ``client`` must be made again, with the nonce that the answer has."""
    if proof.nonce is None:
        return dpop_nonces.is_required(client.profile)
    return not dpop_nonces.is_fresh(proof.nonce, now=now)


def used_again(error: replay.SeenBefore) -> OAuthError:
    """What a client is told that brought something for the second time."""
    return OAuthError(_USED_AGAIN.get(error.kind, "invalid_client"), str(error))


def verified(
    request: HttpRequest,
    *,
    now: int,
    access_token: str | None = None,
    jkt: str | None = None,
    spend: Callable[[str, str, int], None] = replay.spend,
) -> dpop.Proof:
    """Verify the request's one proof and spend its ``jti``, or let ``spend`` do it. Raises `Refusal`, or `Unavailable`.

    The nonce is for `lacks_nonce`, which needs to know whose proof it is.

    The URL is the configured one with the request's path: neither Host nor X-Forwarded-Host can move it.
    """
    text = request.META.get(META)
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

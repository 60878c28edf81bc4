"""Attestation-based client authentication (draft-ietf-oauth-attestation-based-client-auth-10) at our own endpoints.

The client's server vouches for the key of one phone, and the phone proves at each request that it holds it. Outside the
FAPI 2.0 Security Profile, which knows no such method; everything else of the profile ``border`` stays.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping

from django.http import HttpRequest

from idp import conf
from idp.oidc import client_keys, proofs, registration, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_attestation, jws, strict_json
from idp.protocol.client_attestation import Attestation, Possession
from idp.protocol.refusals import Reason, Refusal

HEADER, POP_HEADER = "OAuth-Client-Attestation", "OAuth-Client-Attestation-PoP"
_META, _POP_META = "HTTP_OAUTH_CLIENT_ATTESTATION", "HTTP_OAUTH_CLIENT_ATTESTATION_POP"
CHALLENGE_HEADER = "OAuth-Client-Attestation-Challenge"
# A day: nobody tells us that a messenger has revoked a phone, and an attestation that ends so soon needs no such list.
MAX_AGE = 86_400  # seconds
CHALLENGE_LIFETIME = 300  # seconds; a phone asks for one and uses it at once
CHALLENGED = frozenset({Client.Profile.BORDER.value})  # profiles whose proofs must answer a challenge
_STATED = 16  # bytes of a challenge before its code: eight of time, eight at random


def has_pop(request: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the request carries a PoP JWT, good or bad (§7: it decides which rules apply)."""
    return _POP_META in request.META


def has_only_attestation(request: HttpRequest, form: Mapping[str, str]) -> bool:
    """Whether the request's DPoP proof has to be the proof of possession (§5.2)."""
    return _META in request.META and _POP_META not in request.META


def authenticate(
    request: HttpRequest, form: Mapping[str, str], *, now: int, spend: Callable[[str, str, int], None]
) -> tuple[Client, str]:
    """The client that vouches for the sender, and the thumbprint of the sender's key.

    Raises `OAuthError`: invalid_client, invalid_client_attestation, use_fresh_attestation, use_attestation_challenge
    (with a challenge), or one of the trust errors of `registration.find`; `Unavailable`.
    """
    try:
        announced = client_attestation.announce(_sole(request, HEADER), now=now)
        if form.get("client_id", announced.client_id) != announced.client_id:  # §7.1 step 7
            raise OAuthError("invalid_client", "client_id is not the attestation's")
        client = registration.find(announced.client_id, now=now)
        attestation = client_attestation.verify(
            announced,
            client_id=client.client_id,
            keys=client_keys.for_document(client, kid=announced.kid, now=now),
            now=now,
        )
        possession = _possession(request, attestation, now=now)
        if not attestation.is_fresh(now=now, max_age=MAX_AGE):
            raise OAuthError("use_fresh_attestation", "older than we take it")
        _check_challenge(possession, client, now=now)
        spend(replay.ATTESTATION, possession.replay_key, possession.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_client_attestation", str(error)) from error
    return client, attestation.jkt


def challenge(*, now: int) -> str:
    """A challenge of this node, for `CHALLENGE_LIFETIME` seconds. Nothing is kept: it carries its time and our code."""
    stated = now.to_bytes(8, "big") + secrets.token_bytes(8)
    return strict_json.b64encode(stated + _code(stated))


def is_challenge(text: str, *, now: int) -> bool:
    """Whether ``text`` is a challenge that this node gave a moment ago."""
    try:
        raw = strict_json.b64decode(text)
    except Refusal:
        return False
    stated, code = raw[:_STATED], raw[_STATED:]
    if not hmac.compare_digest(code, _code(stated)):
        return False
    made_at = int.from_bytes(stated[:8], "big")
    return now - CHALLENGE_LIFETIME <= made_at <= now + jws.LEEWAY


def _possession(request: HttpRequest, attestation: Attestation, *, now: int) -> Possession:
    if has_pop(request, {}):
        text, issuer = _sole(request, POP_HEADER), conf.authority().entity_id
        return client_attestation.verify_pop(text, attestation=attestation, issuer=issuer, now=now)
    proof = proofs.verified(request, now=now, spend=_as_a_proof)
    return client_attestation.combined(proof, attestation=attestation)


def _as_a_proof(kind: str, key: str, expires_at: int) -> None:
    """Spends nothing: the endpoint spends it as a DPoP proof, where it takes any; possession is spent beside that."""


def _check_challenge(possession: Possession, client: Client, *, now: int) -> None:
    given = possession.challenge
    if given is None and client.profile not in CHALLENGED:
        return
    if given is None or not is_challenge(given, now=now):
        headers = {CHALLENGE_HEADER: challenge(now=now)}  # §7.4
        raise OAuthError("use_attestation_challenge", "no challenge of ours, or an old one", headers=headers)


def _sole(request: HttpRequest, name: str) -> str:
    text = request.headers.get(name)
    if not text or "," in text:  # servers join repeated headers with a comma (RFC 9110 §5.3); §7.1 and §7.2, step 1
        raise Refusal(Reason.MALFORMED, f"not exactly one {name}")
    return text


def _code(stated: bytes) -> bytes:
    return hmac.digest(conf.secret("attestation-challenges"), stated, "sha256")

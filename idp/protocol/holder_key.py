"""Proof of possession of the key that a border token will name, shown to the issuer when the token is asked for."""

import hashlib
import hmac
from typing import Any

from idp.protocol import jws, keys, strict_json
from idp.protocol.jws import Signer
from idp.protocol.keys import PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

MAX_AGE = 60  # seconds; the request follows at once, and the access token's own DPoP proof guards against replay

HOLDER_PROOF = jws.TokenType(
    "border-key-proof+jwt",
    algorithms=("ES256",),  # the one algorithm that phones keep in hardware, and that fits the QR code
    required=("iat", "aud", "jti", "ath"),
    headers=frozenset({"jwk"}),
    max_bytes=4096,
)


def prove_holder_key(*, holder: Signer | PrivateKey, audience: str, access_token: str, now: int, jti: str) -> str:
    """Sign the proof for ``audience``, the issuing node, bound to ``access_token``; ``jti`` is random text."""
    public = holder.public.jwk()
    jwk = {name: public[name] for name in ("kty", "crv", "x", "y")}
    claims: dict[str, Any] = {"aud": audience, "iat": now, "jti": jti, "ath": token_hash(access_token)}
    return jws.sign(HOLDER_PROOF, claims, holder, {"jwk": jwk})


def verify_holder_key(
    text: str, *, audience: str, access_token: str, now: int, holder_jwk: object | None = None
) -> PublicKey:
    """Verify the proof and return the proven key, ES256 on P-256; ``holder_jwk`` is the key as asked for beside it.

    Raises `Refusal`: malformed, bad_signature, wrong_audience, expired or not_yet_valid (made over 60 s ago, or ahead
    of ``now``), key_binding_failed (made for another access token, or with another key than ``holder_jwk``).
    """
    parsed = jws.parse_unverified(text, HOLDER_PROOF)
    key = keys.parse_public(parsed.header.get("jwk"), require_kid=False)
    if holder_jwk is not None and keys.parse_public(holder_jwk, require_kid=False).thumbprint != key.thumbprint:
        raise Refusal(Reason.KEY_BINDING_FAILED, "a proof of possession of another key")
    claims = jws.verify_with(parsed, HOLDER_PROOF, key, now=now).claims
    jws.sole_audience(claims, audience)
    if strict_json.integer(claims, "iat") < now - MAX_AGE:
        raise Refusal(Reason.EXPIRED, "a proof of possession that is too old")
    ath = strict_json.string(claims, "ath", max_length=43)
    if not hmac.compare_digest(ath.encode(), token_hash(access_token).encode()):
        raise Refusal(Reason.KEY_BINDING_FAILED, "a proof of possession for another access token")
    return key


def token_hash(access_token: str) -> str:
    """``ath``: base64url of SHA-256 of the access token's ASCII text (RFC 9449 §4.2)."""
    return strict_json.b64encode(hashlib.sha256(access_token.encode()).digest())

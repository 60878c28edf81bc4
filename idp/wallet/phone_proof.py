"""How a phone shows the messenger that a request is its own: the device key signs the request's address and body.

It is DPoP's idea (RFC 9449 §4) with one thing more, the digest of the body: what the messenger will sign is what this
phone asked for. Its ``typ`` is another, so that neither passes for the other.
"""

import hashlib
import hmac
from dataclasses import dataclass

from idp.protocol import jws, strict_json
from idp.protocol.keys import PrivateKey, PublicKey, parse_public
from idp.protocol.refusals import Reason, Refusal

HEADER = "Phone-Proof"
MAX_AGE = 60  # seconds, as for a DPoP proof
PHONE_PROOF = jws.TokenType(
    "phone-proof+jwt",
    algorithms=("ES256",),
    required=("aud", "iat", "jti", "digest"),
    headers=frozenset({"jwk"}),
    max_bytes=4096,
)


@dataclass(frozen=True)
class PhoneProof:
    """A verified proof; the caller spends ``jti`` once for ``jkt`` and keeps it until ``forget_at``."""

    key: PublicKey
    jti: str
    forget_at: int

    @property
    def jkt(self) -> str:
        """The thumbprint of the device key (RFC 7638)."""
        return self.key.thumbprint


def prove(*, url: str, body: bytes, now: int, jti: str, key: PrivateKey) -> str:
    """Sign one request: ``url`` without query, the body's SHA-256. ``jti`` is the caller's randomness."""
    claims = {"aud": url, "iat": now, "jti": jti, "digest": _digest(body)}
    return jws.sign(PHONE_PROOF, claims, key, headers={"jwk": key.public.jwk()})


def verify(text: str, *, url: str, body: bytes, now: int) -> PhoneProof:
    """Verify the proof of one request; raises `Refusal`."""
    parsed = jws.parse_unverified(text, PHONE_PROOF)
    key = parse_public(parsed.header.get("jwk"))
    claims = jws.verify_with(parsed, PHONE_PROOF, key, now=now).claims
    jws.sole_audience(claims, url)
    if claims["iat"] < now - MAX_AGE:
        raise Refusal(Reason.EXPIRED, "the proof is too old")
    if not hmac.compare_digest(strict_json.string(claims, "digest", max_length=64).encode(), _digest(body).encode()):
        raise Refusal(Reason.KEY_BINDING_FAILED, "the proof is of another body")
    jti = strict_json.string(claims, "jti", max_length=128)
    return PhoneProof(key, jti, claims["iat"] + MAX_AGE + 2 * jws.LEEWAY)


def _digest(body: bytes) -> str:
    return strict_json.b64encode(hashlib.sha256(body).digest())

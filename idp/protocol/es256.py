"""ES256 (RFC 7518 §3.4) by the cryptographic library itself.

Nearly every signature here is one, and a server makes or checks three of them for each token. joserfc looks at the key
and what it may be used for each time; `keys` has done that when it read the key.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

NAME = "ES256"
_HALF = 32  # bytes of r and of s
_ECDSA = ECDSA(SHA256())


def sign(data: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """r and s, 64 bytes. ``key`` is on P-256."""
    r, s = decode_dss_signature(key.sign(data, _ECDSA))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def verify(data: bytes, signature: bytes, key: EllipticCurvePublicKey) -> bool:
    """Whether ``signature`` is one of ``data`` by ``key``, which is on P-256."""
    if len(signature) != 2 * _HALF:
        return False
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except InvalidSignature:
        return False
    return True

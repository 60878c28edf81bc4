"""Answers encrypted to a client (RFC 7516; OpenID Connect Core §10.2): id tokens, userinfo, authorization responses.

The content key comes by ECDH-ES, direct, or wrapped by RSA-OAEP; the client has registered which, and which content
encryption. RSA with PKCS #1 v1.5 and compression are not offered (RFC 8725 §3.2, §3.6).
"""

import contextlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.protocol import jwk_set, keys, sealing, strict_json
from idp.protocol.keys import PublicKey
from idp.protocol.refusals import Refusal

AGREED = "ECDH-ES"
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}  # noqa: S303
ALGORITHMS = (AGREED, *_HASHES)
DEFAULT_ENCRYPTION = "A128CBC-HS256"  # OpenID Connect Registration §2, where the client names none
ENTROPY = 48  # bytes that `seal` takes: a content key and an IV
_KEY_BYTES, _TAG_BYTES, _BLOCK_BITS = 32, 16, 128
_CURVES = {"secp256r1": ("P-256", 32), "secp384r1": ("P-384", 48), "secp521r1": ("P-521", 66)}


@dataclass(frozen=True)
class Recipient:
    """Whom to encrypt to, and how; ``kid`` as the client's own key set has it."""

    key: PublicKey
    kid: str | None
    algorithm: str
    encryption: str


def recipient(jwks: object, *, algorithm: str, encryption: str) -> Recipient | None:
    """The first key of a client's JWK Set that is for encryption and fits ``algorithm``; None where there is none.

    A key that does not say so may be one that the client signs with, and is left alone. What is not sound, or of a kind
    that we do not know, is passed over (RFC 7517 §5).
    """
    members = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if algorithm not in ALGORITHMS or encryption not in ENCRYPTIONS or not isinstance(members, list):
        return None
    for jwk in members:
        if not jwk_set.encrypts(jwk) or jwk.get("alg", algorithm) != algorithm or jwk.get("kty") != _kind(algorithm):
            continue
        with contextlib.suppress(Refusal):
            key = keys.parse_public({name: jwk[name] for name in jwk if name != "alg"}, require_kid=False)
            return Recipient(key, jwk.get("kid"), algorithm, encryption)
    return None


def _kind(algorithm: str) -> str:
    return "EC" if algorithm == AGREED else "RSA"


def seal(text: str, *, to: Recipient, entropy: bytes, nested: bool) -> str:
    """Encrypt ``text``, compact (RFC 7516 §7.1); ``nested`` says that it is a signed JWT (RFC 7519 §5.2).

    ``entropy``: `ENTROPY` bytes for this message alone.
    """
    if len(entropy) != ENTROPY:
        raise RuntimeError(f"not {ENTROPY} bytes of entropy")
    encrypt, key_bytes, iv_bytes = _ENCRYPTIONS[to.encryption]
    header: dict[str, Any] = {"alg": to.algorithm, "enc": to.encryption}
    if to.kid is not None:
        header["kid"] = to.kid
    if nested:
        header["cty"] = "JWT"
    if to.algorithm == AGREED:
        content_key, header["epk"] = _agree(to.key, to.encryption, key_bytes, None)
        wrapped = b""
    else:
        content_key = entropy[:key_bytes]
        wrapped = _wrap(to, content_key)
    protected = strict_json.b64encode(strict_json.dumps(header))
    iv = entropy[_KEY_BYTES : _KEY_BYTES + iv_bytes]
    ciphertext, tag = encrypt(content_key, iv, text.encode(), protected.encode())
    return ".".join([protected, *(strict_json.b64encode(part) for part in (wrapped, iv, ciphertext, tag))])


def _agree(
    key: PublicKey, encryption: str, key_bytes: int, ephemeral: ec.EllipticCurvePrivateKey | None
) -> tuple[bytes, dict[str, str]]:
    """RFC 7518 §4.6; the content key, and the header's ``epk``. ``ephemeral`` is for this message alone, None makes it.

    There is no ``apu`` and no ``apv``: who is meant stands in the token inside.
    """
    if not isinstance(key.raw, ec.EllipticCurvePublicKey):
        raise TypeError("a recipient that is not on a curve")
    own = ephemeral or ec.generate_private_key(key.raw.curve)
    secret = own.exchange(ec.ECDH(), key.raw)
    name, size = _CURVES[key.raw.curve.name]
    numbers = own.public_key().public_numbers()
    x, y = (strict_json.b64encode(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    content_key = sealing.concat_kdf(secret, algorithm=encryption, bits=key_bytes * 8)
    return content_key, {"kty": "EC", "crv": name, "x": x, "y": y}


def _wrap(to: Recipient, content_key: bytes) -> bytes:
    """RFC 7518 §4.3."""
    if not isinstance(to.key.raw, rsa.RSAPublicKey):
        raise TypeError("a recipient that is no RSA key")
    digest = _HASHES[to.algorithm]
    return to.key.raw.encrypt(content_key, rsa_padding.OAEP(rsa_padding.MGF1(digest), digest, label=None))


def _gcm(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    """RFC 7518 §5.3."""
    sealed = AESGCM(key).encrypt(iv, plaintext, aad)
    return sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]


def _cbc(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    """RFC 7518 §5.2.2.1: the first half of the key authenticates, the second encrypts."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key[16:]), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
    length = (len(aad) * 8).to_bytes(8)
    return ciphertext, hmac.digest(key[:16], aad + iv + ciphertext + length, "sha256")[:_TAG_BYTES]


_ENCRYPTIONS: Mapping[str, tuple[Callable[[bytes, bytes, bytes, bytes], tuple[bytes, bytes]], int, int]] = {
    "A128CBC-HS256": (_cbc, 32, 16),  # encryption, bytes of its key and of its IV
    "A128GCM": (_gcm, 16, 12),
    "A256GCM": (_gcm, 32, 12),
}
ENCRYPTIONS = tuple(_ENCRYPTIONS)

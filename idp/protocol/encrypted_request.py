"""Request objects encrypted to the provider (RFC 9101 §6.1): a signed one inside a JWE with A256GCM.

The content key comes by ECDH-ES, or by RSA-OAEP, which is what most relying parties' libraries and the OpenID
Foundation's suite use. Everything else that JWE offers is refused before any work: other algorithms, other wrapped
keys, passwords with their iteration counts, compression (RFC 8725 §3.2, §3.6).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.protocol import sealing, strict_json
from idp.protocol.keys import PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

AGREED = "ECDH-ES"
ENCRYPTION = "A256GCM"
MAX_BYTES = 65_536  # of the JWE; a request object with two trust chains has some 40,000
MAX_KEYS = 8  # of one kind: active, next and the last ones
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}  # noqa: S303
ALGORITHMS = (AGREED, *_HASHES)
_NESTED = ("jwt", "oauth-authz-req+jwt")  # RFC 7519 §5.2, RFC 9101 §10.8
_MEMBERS = frozenset({"alg", "enc", "kid", "typ", "cty"})
_KEY_BYTES, _IV_BYTES, _TAG_BYTES = 32, 12, 16


def is_encrypted(text: str) -> bool:
    """Whether ``text`` has the five parts of a JWE (RFC 7516 §9)."""
    return text.count(".") == 4


def open_request(text: str, *, keys: Sequence[PrivateKey]) -> str:
    """The request object inside, *not* verified. Raises `Refusal` (malformed) for anything that does not open.

    Without ``kid`` each of our ``keys`` of the right kind is tried.
    """
    if not is_encrypted(text) or len(text) > MAX_BYTES or not text.isascii():
        raise Refusal(Reason.MALFORMED, "not a compact JWE, or too long")
    header = strict_json.loads_object(strict_json.b64decode(text.partition(".")[0]))
    if str(header.get("cty", "JWT")).lower().removeprefix("application/") not in _NESTED:
        raise Refusal(Reason.MALFORMED, "cty is not that of a nested JWT")
    wrapped = isinstance(header.get("alg"), str) and header["alg"] in _HASHES
    kid = header.get("kid")
    fitting = [key for key in keys if isinstance(key.raw, rsa.RSAPrivateKey) == wrapped and kid in (None, key.kid)]
    for key in fitting[:MAX_KEYS]:
        try:
            return (_unwrapped(text, header, key) if wrapped else _agreed(text, key)).decode("ascii")
        except (InvalidTag, ValueError):
            continue
    raise Refusal(Reason.MALFORMED, "a JWE that none of our keys opens")


def seal_request(text: str, *, recipient: PublicKey) -> str:
    """Encrypt the signed request object ``text`` to the provider's P-256 key."""
    return sealing.seal_jwe(text.encode("ascii"), recipient=recipient)


def public_jwk(key: PublicKey) -> dict[str, Any]:
    """The JWK of an encryption key as the provider's key set has it (RFC 7517 §4.2, §4.4).

    An RSA key serves two algorithms, so none stands there.
    """
    members = {**key.jwk(), "use": "enc"}
    if isinstance(key.raw, rsa.RSAPublicKey):
        members.pop("alg", None)
        return members
    return {**members, "alg": AGREED}


def _agreed(text: str, key: PrivateKey) -> bytes:
    return sealing.read_jwe(text, members=_MEMBERS | {"epk", "apu", "apv"}, max_bytes=MAX_BYTES).opened_by(key)


def _unwrapped(text: str, header: Mapping[str, Any], key: PrivateKey) -> bytes:
    """RFC 7518 §4.3. A key that does not unwrap and a text that was changed end alike (RFC 7516 §11.5)."""
    if not header.keys() <= _MEMBERS or header.get("enc") != ENCRYPTION:
        raise Refusal(Reason.MALFORMED, "a JWE of another encryption, or with a header that is not ours")
    protected, *parts = text.split(".")
    wrapped, iv, ciphertext, tag = (strict_json.b64decode(part) for part in parts)
    if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES or not isinstance(key.raw, rsa.RSAPrivateKey):
        raise Refusal(Reason.MALFORMED, "an IV or a tag of the wrong length")
    digest = _HASHES[header["alg"]]
    content_key = key.raw.decrypt(wrapped, padding.OAEP(padding.MGF1(digest), digest, label=None))
    if len(content_key) != _KEY_BYTES:
        raise ValueError("a content key of the wrong length")
    return AESGCM(content_key).decrypt(iv, ciphertext + tag, protected.encode())

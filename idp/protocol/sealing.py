"""Encryption to one checkpoint: JWE and COSE_Encrypt, ECDH-ES on P-256 with AES-256-GCM, and nothing else.

An ephemeral key is made for each message, so its content key is used once. The IV is a keyed hash of the plaintext
under the agreed secret: it needs no randomness of its own, and a content key that was used twice by mistake would
still not meet the same IV with another plaintext.
"""

import hmac
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.protocol import cose, strict_json
from idp.protocol.keys import PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

MAX_BYTES = 8192  # of a sealed message: a face template of 512 bytes and a page of facts need less than 2,000
MAX_KEYS = 8  # a checkpoint has a current and a next key, and the last ones until their tokens are dead

ECDH_ES_HKDF_256, A256GCM = -25, 3  # RFC 9053 §6.3.1, §4.1
_ENCRYPT_TAG = b"\xd8\x60"  # tag 96
_EPHEMERAL = -1  # RFC 9053 §6.3.1, header parameter "ephemeral key"
_KEY_BITS = 256
_IV_BYTES = 12
_TAG_BYTES = 16
_JWE_HEADER = {"alg", "enc", "epk", "kid", "apu"}
_NOBODY = [None, None, None]  # PartyInfo with nothing said (RFC 9053 §5.2)
_RECIPIENT_HEADER = cose.dumps({cose.ALG: ECDH_ES_HKDF_256})
_KDF_CONTEXT = cbor2.dumps([A256GCM, _NOBODY, _NOBODY, [_KEY_BITS, _RECIPIENT_HEADER]])  # RFC 9053 §5.2
_SHA256 = hashes.SHA256()
_CONTENT_HEADER = cose.dumps({cose.ALG: A256GCM})


def seal_jwe(plaintext: bytes, *, recipient: PublicKey, apu: bytes = b"", ephemeral: PrivateKey | None = None) -> str:
    """Encrypt to ``recipient``, a P-256 key: compact JWE, ``ECDH-ES`` direct and ``A256GCM`` (RFC 7518 §4.6, §5.3).

    ``apu`` (RFC 7518 §4.6.1.2) enters the key and so binds the message to its place. ``ephemeral`` is a P-256 key for
    this message alone; None makes one. Raises `Refusal` (malformed) for a recipient of another kind.
    """
    epk, secret = _agree(recipient, ephemeral)
    header: dict[str, Any] = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": recipient.kid, "epk": cose.jwk(epk)}
    if apu:
        header["apu"] = strict_json.b64encode(apu)
    protected = strict_json.b64encode(strict_json.dumps(header))
    iv = _iv(secret, plaintext)
    sealed = AESGCM(concat_kdf(secret, apu=apu)).encrypt(iv, plaintext, protected.encode())
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    return ".".join((protected, "", *(strict_json.b64encode(part) for part in (iv, ciphertext, tag))))


def open_jwe(text: str, *, keys: Sequence[PrivateKey], apu: bytes = b"") -> bytes:
    """Decrypt what `seal_jwe` made for one of ``keys``; raises `Refusal` (face_unsealable) for anything else."""
    try:
        return _open_jwe(text, keys, apu)
    except (Refusal, InvalidTag, ValueError) as error:
        raise Refusal(Reason.FACE_UNSEALABLE, "a JWE that cannot be opened") from error


def seal_cose(
    plaintext: bytes, *, recipient: PublicKey, external_aad: bytes, ephemeral: PrivateKey | None = None
) -> bytes:
    """Encrypt to ``recipient``, a P-256 key: tagged COSE_Encrypt with one recipient, ECDH-ES + HKDF-256 and A256GCM.

    ``external_aad`` (RFC 9052 §5.3) binds it to its place; ``ephemeral`` as in `seal_jwe`.
    """
    epk, secret = _agree(recipient, ephemeral)
    structure = _enc_structure(external_aad)
    iv = _iv(secret, structure + plaintext)
    ciphertext = AESGCM(_cose_key(secret)).encrypt(iv, plaintext, structure)
    unprotected = {_EPHEMERAL: cose.encode_key(epk), cose.KID: cose.key_id(recipient)}
    return _ENCRYPT_TAG + cose.dumps(
        [_CONTENT_HEADER, {cose.IV: iv}, ciphertext, [[_RECIPIENT_HEADER, unprotected, b""]]]
    )


def open_cose(data: bytes, *, keys: Sequence[PrivateKey], external_aad: bytes) -> bytes:
    """Decrypt what `seal_cose` made for one of ``keys``; raises `Refusal` (face_unsealable) for anything else."""
    try:
        return _open_cose(data, keys, external_aad)
    except (Refusal, InvalidTag, ValueError) as error:
        raise Refusal(Reason.FACE_UNSEALABLE, "a COSE_Encrypt that cannot be opened") from error


def concat_kdf(
    secret: bytes, *, algorithm: str = "A256GCM", bits: int = _KEY_BITS, apu: bytes = b"", apv: bytes = b""
) -> bytes:
    """The content key from the agreed ``secret`` (RFC 7518 §4.6.2, NIST SP 800-56A §5.8.1)."""
    info = b"".join(len(part).to_bytes(4) + part for part in (algorithm.encode(), apu, apv)) + bits.to_bytes(4)
    return ConcatKDFHash(hashes.SHA256(), bits // 8, info).derive(secret)


@dataclass(frozen=True)
class Envelope:
    """A JWE of ECDH-ES with A256GCM taken apart, and not opened."""

    header: Mapping[str, Any]
    protected: str
    epk: ec.EllipticCurvePublicKey
    iv: bytes
    sealed: bytes  # ciphertext and tag

    def opened_by(self, key: PrivateKey) -> bytes:
        """The plaintext; raises `InvalidTag` when it was sealed for another key or changed."""
        apu, apv = (strict_json.b64decode(str(self.header.get(name, ""))) for name in ("apu", "apv"))
        content_key = concat_kdf(_exchange(key, self.epk), apu=apu, apv=apv)
        return AESGCM(content_key).decrypt(self.iv, self.sealed, self.protected.encode())


def read_jwe(text: str, *, members: Set[str], max_bytes: int) -> Envelope:
    """Take a compact JWE apart; its header has no member but ``members``. Raises `Refusal` (malformed)."""
    parts = text.split(".") if len(text) <= max_bytes and text.isascii() else []
    if len(parts) != 5 or parts[1]:
        raise Refusal(Reason.MALFORMED, "not a compact JWE of direct key agreement")
    header = strict_json.loads_object(strict_json.b64decode(parts[0]))
    if not header.keys() <= members or (header.get("alg"), header.get("enc")) != ("ECDH-ES", "A256GCM"):
        raise Refusal(Reason.MALFORMED, "a JWE of another algorithm, or with a header that is not ours")
    iv, ciphertext, tag = (strict_json.b64decode(part) for part in parts[2:])
    if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:  # a shorter tag would be easier to forge
        raise Refusal(Reason.MALFORMED, "an IV or a tag of the wrong length")
    return Envelope(header, parts[0], _ephemeral_jwk(header.get("epk")), iv, ciphertext + tag)


def _open_jwe(text: str, keys: Sequence[PrivateKey], apu: bytes) -> bytes:
    envelope = read_jwe(text, members=_JWE_HEADER, max_bytes=MAX_BYTES)
    if envelope.header.get("apu", "") != strict_json.b64encode(apu):
        raise Refusal(Reason.MALFORMED, "sealed for another place")
    kid = strict_json.string(envelope.header, "kid", max_length=255)
    for key in keys[:MAX_KEYS]:
        if key.kid == kid:
            return envelope.opened_by(key)
    raise Refusal(Reason.MALFORMED, "sealed for another key")


def _open_cose(data: bytes, keys: Sequence[PrivateKey], external_aad: bytes) -> bytes:
    if data[:2] != _ENCRYPT_TAG:
        raise Refusal(Reason.MALFORMED, "not a COSE_Encrypt")
    iv, ciphertext, unprotected = _cose_parts(cose.loads(data[2:], max_bytes=MAX_BYTES))
    epk, kid = cose.decode_key(unprotected.get(_EPHEMERAL)), unprotected.get(cose.KID)
    for key in keys[:MAX_KEYS]:
        if cose.key_id(key.public) == kid:
            return AESGCM(_cose_key(_exchange(key, epk))).decrypt(iv, ciphertext, _enc_structure(external_aad))
    raise Refusal(Reason.MALFORMED, "sealed for another key")


def _cose_parts(message: Any) -> tuple[bytes, bytes, Mapping[Any, Any]]:
    """IV, ciphertext and the recipient's unprotected header of the one form that we write."""
    if type(message) is not list or [type(part) for part in message] != [bytes, dict, bytes, list]:
        raise Refusal(Reason.MALFORMED, "not the four parts of a COSE_Encrypt")
    protected, content_header, ciphertext, envelopes = message
    if len(envelopes) != 1 or type(envelopes[0]) is not list or len(envelopes[0]) != 3:
        raise Refusal(Reason.MALFORMED, "not exactly one recipient")
    recipient_protected, unprotected, wrapped = envelopes[0]
    if (protected, recipient_protected, wrapped) != (_CONTENT_HEADER, _RECIPIENT_HEADER, b""):
        raise Refusal(Reason.MALFORMED, "other algorithms, or a wrapped key")
    if (
        type(unprotected) is not dict
        or unprotected.keys() != {_EPHEMERAL, cose.KID}
        or content_header.keys() != {cose.IV}
    ):
        raise Refusal(Reason.MALFORMED, "headers that are not ours")
    return cose.octets(content_header, cose.IV, min_length=_IV_BYTES, max_length=_IV_BYTES), ciphertext, unprotected


def _agree(recipient: PublicKey, ephemeral: PrivateKey | None) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    if not isinstance(recipient.raw, ec.EllipticCurvePublicKey) or recipient.raw.curve.name != "secp256r1":
        raise Refusal(Reason.MALFORMED, "a sealing key that is not on P-256")
    # A key for one message needs no name, and to make one of it as a JWK takes longer than all the rest of sealing.
    own = ec.generate_private_key(ec.SECP256R1()) if ephemeral is None else _on_curve(ephemeral)
    return own.public_key(), own.exchange(ec.ECDH(), recipient.raw)


def _exchange(own: PrivateKey, other: ec.EllipticCurvePublicKey) -> bytes:
    return _on_curve(own).exchange(ec.ECDH(), other)


def _on_curve(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    if not isinstance(key.raw, ec.EllipticCurvePrivateKey):
        raise TypeError("a sealing key of ours that is not on a curve")
    return key.raw


def _iv(secret: bytes, content: bytes) -> bytes:
    return hmac.digest(secret, b"iv" + content, "sha256")[:_IV_BYTES]


def _cose_key(secret: bytes) -> bytes:
    return HKDF(_SHA256, _KEY_BITS // 8, None, _KDF_CONTEXT).derive(secret)


def _enc_structure(external_aad: bytes) -> bytes:
    return cbor2.dumps(["Encrypt", _CONTENT_HEADER, external_aad])  # RFC 9052 §5.3


def _ephemeral_jwk(value: object) -> ec.EllipticCurvePublicKey:
    if not isinstance(value, Mapping) or value.keys() != {"kty", "crv", "x", "y"}:
        raise Refusal(Reason.MALFORMED, "not an ephemeral key")
    if (value["kty"], value["crv"]) != ("EC", "P-256"):
        raise Refusal(Reason.MALFORMED, "an ephemeral key on another curve")
    x, y = (strict_json.b64decode(strict_json.string(value, name, max_length=43)) for name in ("x", "y"))
    if len(x) != 32 or len(y) != 32:
        raise Refusal(Reason.MALFORMED, "a coordinate of the wrong length")
    return cose.point(b"\x04" + x + y)

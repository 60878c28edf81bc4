"""COSE_Sign1 and COSE_Key (RFC 9052, RFC 9053) over strict CBOR, for what must be small and fast: QR codes at a gate.

Only ES256 on P-256. The key decides the algorithm, the header may only agree (RFC 8725 §3.1). CBOR is read in one form:
shortest integers, definite lengths, no tag but the one expected, no key twice, nothing after the end (RFC 8949 §4.1).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.protocol import keys, strict_json
from idp.protocol.jws import LocalSigner, Signer
from idp.protocol.refusals import Reason, Refusal

MAX_BYTES = 8192  # no QR code holds more than 2,900 bytes of ours, and no local link needs more
MAX_DEPTH = 8  # our deepest, a recipient's key in a COSE_Encrypt, has 5

ALG, KID, IV, CWT_CLAIMS, TYP = 1, 4, 5, 15, 16  # header labels (RFC 9052 §3.1, RFC 9597, RFC 9596)
ES256, ESP256 = -7, -9  # RFC 9053 §2.1; the fully specified name of the same with P-256 (RFC 9864)
KID_BYTES = 8

_SIGN1_TAG = b"\xd2"  # tag 18
_KTY, _CRV, _X, _Y = 1, -1, -2, -3  # RFC 9053 §7.1
_EC2, _P256 = 2, 1
_ECDSA = ec.ECDSA(hashes.SHA256())
_CURVE = ec.SECP256R1()

Labels = dict[Any, Any]
EllipticKey = ec.EllipticCurvePublicKey


def dumps(value: Any) -> bytes:
    """Deterministic CBOR: shortest forms, map keys in length-first order (RFC 8949 §4.2.3)."""
    return cbor2.dumps(value, canonical=True)


def loads(data: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Read one untagged CBOR item in its shortest form and nothing after it; raises `Refusal` (malformed).

    Map keys are integers or text. The order of a map's keys is free: it is not ours to choose what a peer signs.
    """
    if len(data) > max_bytes:
        raise Refusal(Reason.MALFORMED, "CBOR too long")
    try:
        value = cbor2.loads(
            data,
            allow_duplicate_keys=False,
            allow_indefinite=False,
            max_depth=MAX_DEPTH,
            object_hook=_labels,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
        )
        again = cbor2.dumps(value)  # also finds what follows the item, which the library passes over
    except Exception as error:  # the library raises many kinds
        raise Refusal(Reason.MALFORMED, "not CBOR of the strict form") from error
    if again != data:
        raise Refusal(Reason.MALFORMED, "CBOR that is not in its shortest form, or goes on after its end")
    return value


def loads_map(data: bytes, *, max_bytes: int = MAX_BYTES) -> Labels:
    """Like `loads`, and the item must be a map."""
    value = loads(data, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise Refusal(Reason.MALFORMED, "not a CBOR map")
    return value


def integer(claims: Mapping[Any, Any], label: int | str) -> int:
    """The non-negative 53-bit integer under ``label``; raises `Refusal` (malformed)."""
    value = claims.get(label)
    if type(value) is not int or not 0 <= value <= strict_json.MAX_INTEGER:
        raise Refusal(Reason.MALFORMED, f"{label} is not a non-negative integer")
    return value


def string(claims: Mapping[Any, Any], label: int | str, *, max_length: int = 255) -> str:
    """The text of 1 to ``max_length`` characters under ``label``; raises `Refusal` (malformed)."""
    value = claims.get(label)
    if type(value) is not str or not 0 < len(value) <= max_length:
        raise Refusal(Reason.MALFORMED, f"{label} is not a text of 1 to {max_length} characters")
    return value


def octets(claims: Mapping[Any, Any], label: int | str, *, min_length: int = 1, max_length: int = 255) -> bytes:
    """The byte string of ``min_length`` to ``max_length`` bytes under ``label``; raises `Refusal` (malformed)."""
    value = claims.get(label)
    if type(value) is not bytes or not min_length <= len(value) <= max_length:
        raise Refusal(Reason.MALFORMED, f"{label} is not {min_length} to {max_length} bytes")
    return value


@dataclass(frozen=True)
class Sign1:
    """A COSE_Sign1 taken apart; nothing of it is to be believed before `verify` has returned."""

    header: Labels
    protected: bytes
    payload: bytes | None  # None: detached (RFC 9052 §4.1)
    signature: bytes

    @property
    def kid(self) -> bytes:
        return octets(self.header, KID, min_length=KID_BYTES, max_length=KID_BYTES)

    @classmethod
    def parse(cls, data: bytes, *, typ: str, max_bytes: int = MAX_BYTES) -> "Sign1":
        """Take a tagged message apart and check its form, ``typ`` (RFC 9596) and algorithm. Raises `Refusal`."""
        if data[:1] != _SIGN1_TAG:
            raise Refusal(Reason.MALFORMED, "not a COSE_Sign1")
        parts = loads(data[1:], max_bytes=max_bytes)
        if type(parts) is not list or [type(part) for part in parts] not in _SIGN1_SHAPES:
            raise Refusal(Reason.MALFORMED, "not the four parts of a COSE_Sign1")
        protected, unprotected, payload, signature = parts
        header = _header(protected)
        if unprotected:  # what is not signed is not read
            raise Refusal(Reason.MALFORMED, "an unprotected header")
        _check_header(header, typ)
        return cls(header, protected, payload, signature)

    def verify(self, key: keys.RawPublic, *, payload: bytes | None = None, external_aad: bytes = b"") -> bytes:
        """Verify with ``key``, a P-256 key, and return the payload; raises `Refusal` (bad_signature).

        A detached payload is given as ``payload``; an attached one must not be.
        """
        if (self.payload is None) == (payload is None):
            raise Refusal(Reason.MALFORMED, "a payload attached where it belongs detached, or the reverse")
        body = cast(bytes, self.payload if payload is None else payload)
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != _CURVE.name or len(self.signature) != 64:
            raise Refusal(Reason.BAD_SIGNATURE, "not a P-256 key, or not a signature of its length")
        r, s = int.from_bytes(self.signature[:32]), int.from_bytes(self.signature[32:])
        try:
            key.verify(utils.encode_dss_signature(r, s), _sig_structure(self.protected, external_aad, body), _ECDSA)
        except InvalidSignature as error:
            raise Refusal(Reason.BAD_SIGNATURE, "signature does not verify") from error
        return body

    @staticmethod
    def sign(
        payload: bytes,
        *,
        typ: str,
        signer: Signer | keys.PrivateKey,
        header: Mapping[int, Any] | None = None,
        detached: bool = False,
        external_aad: bytes = b"",
    ) -> bytes:
        """Sign ``payload``: the tagged message, with ``alg``, ``typ`` and ``header`` protected (RFC 9052 §4.4)."""
        if isinstance(signer, keys.PrivateKey):
            signer = LocalSigner(signer)
        if signer.algorithm != "ES256":
            raise RuntimeError(f"COSE messages are signed with ES256, not with {signer.algorithm}")
        protected = dumps({ALG: ES256, TYP: typ, **(header or {})})
        signature = signer.sign(_sig_structure(protected, external_aad, payload))
        return _SIGN1_TAG + dumps([protected, {}, None if detached else payload, signature])


@lru_cache(maxsize=64)
def _header(protected: bytes) -> Labels:
    """The protected header, read once: those of one issuer's tokens are equal to the byte. Nobody writes to it."""
    return loads_map(protected, max_bytes=1024)


def key_id(public: keys.PublicKey) -> bytes:
    """The ``kid`` of a key in COSE: the first 8 bytes of its thumbprint (RFC 7638), unique per issuer."""
    return _short(public.thumbprint)


def find_key(key_set: keys.KeySet, kid: bytes) -> keys.PublicKey:
    """The one key of the set with the short ``kid``; raises `Refusal` (bad_signature) for none or for two."""
    found = [key for key in key_set.keys if _short(key.thumbprint) == kid]
    if len(found) != 1:
        raise Refusal(Reason.BAD_SIGNATURE, "kid names no key of the issuer, or two")
    return found[0]


def encode_key(raw: keys.RawPublic) -> dict[int, Any]:
    """A P-256 key as COSE_Key with a compressed point (RFC 9053 §7.1.1): ``y`` is only its sign."""
    if not isinstance(raw, ec.EllipticCurvePublicKey) or raw.curve.name != _CURVE.name:
        raise Refusal(Reason.MALFORMED, "not a P-256 key")
    point = raw.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return {_KTY: _EC2, _CRV: _P256, _X: point[1:], _Y: point[0] == 3}


def decode_key(value: object) -> EllipticKey:
    """Read the COSE_Key that `encode_key` writes and no other member; raises `Refusal` (malformed)."""
    if type(value) is not dict or value.keys() != _KEY_LABELS or not _is_p256(value):
        raise Refusal(Reason.MALFORMED, "not a COSE_Key on P-256")
    odd = value[_Y]
    if type(odd) is not bool:
        raise Refusal(Reason.MALFORMED, "a point that is not compressed")
    x = octets(value, _X, min_length=32, max_length=32)
    return point(bytes((3 if odd else 2,)) + x)


def point(encoded: bytes) -> EllipticKey:
    """A point of P-256 (SEC 1 §2.3.3); raises `Refusal` (malformed) when it is not on the curve (RFC 8725 §3.4)."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, encoded)
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "a point that is not on P-256") from error


def jwk(raw: EllipticKey) -> dict[str, str]:
    """The public JWK of a P-256 key, its members in the order of RFC 7638."""
    encoded = raw.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    x, y = strict_json.b64encode(encoded[1:33]), strict_json.b64encode(encoded[33:])
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def thumbprint(raw: EllipticKey) -> str:
    """RFC 7638 SHA-256 thumbprint of a P-256 key, base64url: what JWTs call ``jkt`` (RFC 7800, RFC 9449 §6.1)."""
    return strict_json.b64encode(hashlib.sha256(strict_json.dumps(jwk(raw))).digest())


def _is_p256(key: Labels) -> bool:
    return integer(key, _KTY) == _EC2 and integer(key, _CRV) == _P256


def _check_header(header: Labels, typ: str) -> None:
    if type(header.get(ALG)) is not int or header[ALG] not in (ES256, ESP256):  # -7.0 is equal, and another spelling
        raise Refusal(Reason.BAD_SIGNATURE, "an algorithm other than ES256")
    if header.get(TYP) != typ:
        raise Refusal(Reason.MALFORMED, f"typ is not {typ}")
    if not header.keys() <= {ALG, KID, CWT_CLAIMS, TYP}:  # so that no crit (label 2) and no key to fetch stands there
        raise Refusal(Reason.MALFORMED, "a header that is not ours")


def _sig_structure(protected: bytes, external_aad: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, external_aad, payload])  # RFC 9052 §4.4


@lru_cache(maxsize=4096)
def _short(thumbprint: str) -> bytes:
    return strict_json.b64decode(thumbprint)[:KID_BYTES]


def _labels(members: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    for label in members:  # True == 1 in Python: without this, true would be read as the label 1
        if type(label) is not int and type(label) is not str:
            raise ValueError("a map key that is neither an integer nor text")
    return members


def _refuse_tag(*_: object) -> Any:
    raise ValueError("a tag")


class _NoTags(dict[int, Callable[..., Any]]):
    """Answers for every tag, so that none of the library's own decoders (dates, patterns, references) ever runs."""

    def __contains__(self, tag: object) -> bool:
        return True

    def __missing__(self, tag: int) -> Callable[..., Any]:
        return _refuse_tag

    def get(self, tag: int, default: object = None) -> Callable[..., Any]:
        return _refuse_tag


_NO_TAGS = _NoTags()
_KEY_LABELS = {_KTY, _CRV, _X, _Y}
_SIGN1_SHAPES = ([bytes, dict, bytes, bytes], [bytes, dict, type(None), bytes])

"""JOSE by `cryptography` alone, so that nothing here agrees with the node because both run the same code.

ES256, RS256 and PS256, compact serialisation (RFC 7515, RFC 7518); it signs whatever it is told to, malformed or not.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

Jwk = dict[str, Any]


class Untrue(AssertionError):
    """A signature that does not hold, or a key that is not there."""


@dataclass(frozen=True)
class Key:
    """A private key for ``algorithm``; its identifier is its thumbprint (RFC 7638)."""

    algorithm: str
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def public(self) -> Jwk:
        members = _members(self.private)
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        kid = encode(hashlib.sha256(text.encode()).digest())
        return {**members, "kid": kid, "alg": self.algorithm, "use": "sig"}

    @property
    def jwks(self) -> dict[str, list[Jwk]]:
        return {"keys": [self.public]}

    @property
    def private_jwk(self) -> Jwk:
        """For a client that signs by itself: with the private members (RFC 7518 §6)."""
        return {**self.public, **_private_members(self.private)}

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """``claims`` under a header of ``alg``, ``kid`` and what is given; a member given as None is left out."""
        full = {"alg": self.algorithm, "kid": self.public["kid"], "typ": "JWT", **header}
        parts = ({name: value for name, value in part.items() if value is not None} for part in (full, claims))
        signing_input = ".".join(encode(json.dumps(part).encode()) for part in parts)
        return f"{signing_input}.{encode(self._signature(signing_input.encode()))}"

    def by(self, algorithm: str) -> "Key":
        """The same key, of another algorithm."""
        return Key(algorithm, self.private)

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, _padding(self.algorithm), hashes.SHA256())
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def generate(algorithm: str = "ES256") -> Key:
    """A fresh key for ES256, RS256 or PS256."""
    if algorithm != "ES256":
        return Key(algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return Key(algorithm, ec.generate_private_key(ec.SECP256R1()))


def verified(text: str, keys: Sequence[Jwk], *, typ: str | None = None) -> dict[str, Any]:
    """The claims of ``text`` when one of ``keys`` made it; raises `Untrue`."""
    head, body, signature = text.split(".")
    header = json.loads(decode(head))
    if typ is not None and header.get("typ") != typ:
        raise Untrue(f"typ is {header.get('typ')}, not {typ}")
    fitting = [key for key in keys if key["kid"] == header.get("kid")]
    if len(fitting) != 1:
        raise Untrue(f"{len(fitting)} keys have the kid of the header")
    try:
        _verify(fitting[0], header["alg"], f"{head}.{body}".encode(), decode(signature))
    except InvalidSignature as error:
        raise Untrue("the signature does not hold") from error
    return claims(text)


def claims(text: str) -> dict[str, Any]:
    """What ``text`` says, whoever signed it."""
    value: dict[str, Any] = json.loads(decode(text.split(".")[1]))
    return value


def with_broken_signature(text: str) -> str:
    """``text`` with one bit of its signature turned."""
    head, body, signature = text.split(".")
    raw = bytearray(decode(signature))
    raw[len(raw) // 2] ^= 1
    return f"{head}.{body}.{encode(bytes(raw))}"


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The opposite of `encode`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _verify(jwk: Jwk, algorithm: str, data: bytes, signature: bytes) -> None:
    if algorithm in ("RS256", "PS256") and jwk["kty"] == "RSA":
        rsa_key = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        rsa_key.verify(signature, data, _padding(algorithm), hashes.SHA256())
    elif algorithm == "ES256" and jwk.get("crv") == "P-256" and len(signature) == 64:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1())
        point.public_key().verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    else:
        raise Untrue(f"{algorithm} is not for this key")


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm == "RS256":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)  # RFC 7518 §3.5


def _number(text: str) -> int:
    return int.from_bytes(decode(text), "big")


def _members(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Jwk:
    if isinstance(private, rsa.RSAPrivateKey):
        public = private.public_key().public_numbers()
        return {"kty": "RSA", "n": encode(public.n.to_bytes(256, "big")), "e": "AQAB"}
    point = private.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": encode(point.x.to_bytes(32, "big")),
        "y": encode(point.y.to_bytes(32, "big")),
    }


def _private_members(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Jwk:
    numbers = private.private_numbers()
    if isinstance(numbers, ec.EllipticCurvePrivateNumbers):
        return {"d": encode(numbers.private_value.to_bytes(32, "big"))}
    values = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return {name: encode(value.to_bytes((value.bit_length() + 7) // 8, "big")) for name, value in values.items()}

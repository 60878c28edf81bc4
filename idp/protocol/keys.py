"""Keys as the protocol sees them: parsed once, checked once, found by exact ``kid`` only.

A key says which algorithm it is for; a header never chooses (RFC 8725 §3.1). A weak or malformed key is refused when
it is read, not when it is used (RFC 8725 §3.4).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

MIN_RSA_BITS = 2048  # FAPI 2.0 Security Profile §5.4.1
MAX_RSA_BITS = 8192  # a larger modulus only costs the verifier time
MAX_KEYS = 64  # a set has current, next and retired keys of a few algorithms
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_REQUIRED = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_THUMBPRINT = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}

JoseKey = ECKey | OKPKey | RSAKey
RawPublic = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
RawPrivate = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, eq=False)
class PublicKey:
    """A checked public key. ``algorithms`` are those it may verify, the preferred one first."""

    kid: str
    algorithms: tuple[str, ...]
    jose: JoseKey
    raw: RawPublic
    thumbprint: str  # RFC 7638, SHA-256, base64url

    def jwk(self) -> dict[str, Any]:
        """The public JWK with ``kid``, and ``alg`` where only one is possible."""
        members: dict[str, Any] = {**_public_members(self.jose), "kid": self.kid}
        if len(self.algorithms) == 1:
            members["alg"] = self.algorithms[0]
        return members


@dataclass(frozen=True, eq=False)
class PrivateKey:
    """A private key of ours with its checked public half."""

    public: PublicKey
    jose: JoseKey
    raw: RawPrivate

    @property
    def kid(self) -> str:
        return self.public.kid

    @property
    def algorithm(self) -> str:
        return self.public.algorithms[0]

    def jwk(self) -> dict[str, Any]:
        """The private JWK. For a key store only; never for the wire."""
        return {**cast(dict[str, Any], self.jose.as_dict(private=True)), "kid": self.kid, "alg": self.algorithm}


class KeySet:
    """Public keys by exact ``kid``."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self.keys: tuple[PublicKey, ...] = tuple(keys)
        self._by_kid = {key.kid: key for key in self.keys}
        if len(self._by_kid) != len(self.keys):
            raise Refusal(Reason.MALFORMED, "a kid stands twice in a key set")

    def find(self, kid: str) -> PublicKey | None:
        return self._by_kid.get(kid)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK Set (RFC 7517 §5)."""
        return {"keys": [key.jwk() for key in self.keys]}


def parse_jwks(value: object, *, require_kid: bool = True) -> KeySet:
    """Read a JWK Set of public keys; every key must be sound and its ``kid`` unique. Raises `Refusal` (malformed).

    With ``require_kid=False`` a key without ``kid`` takes its thumbprint (RFC 7638) as one.
    """
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, Sequence) or isinstance(keys, str) or not 1 <= len(keys) <= MAX_KEYS:
        raise Refusal(Reason.MALFORMED, f"a key set has 1 to {MAX_KEYS} keys")
    return KeySet(parse_public(jwk, require_kid=require_kid) for jwk in keys)


def parse_public(value: object, *, require_kid: bool = True) -> PublicKey:
    """Read one public JWK (RFC 7517); raises `Refusal` (malformed) for a private, weak or invalid key."""
    if not isinstance(value, Mapping) or len(value) > 24:
        raise Refusal(Reason.MALFORMED, "a key is not a JWK")
    if PRIVATE_MEMBERS & value.keys():
        raise Refusal(Reason.MALFORMED, "a private key where a public one belongs")
    kid = value.get("kid")
    if (kid is not None or require_kid) and not (isinstance(kid, str) and 1 <= len(kid) <= 255):
        raise Refusal(Reason.MALFORMED, "a key without kid")
    alg, use = value.get("alg"), value.get("use")
    if not all(item is None or isinstance(item, str) for item in (alg, use)):
        raise Refusal(Reason.MALFORMED, "alg or use is not a string")
    return _parse_cached(_required_members(value), kid, alg)


def parse_private(value: Mapping[str, Any]) -> PrivateKey:
    """Read a private JWK from our own key store; raises `Refusal` (malformed)."""
    public = parse_public({name: item for name, item in value.items() if name not in PRIVATE_MEMBERS})
    try:
        jose = _import(value)
    except Exception as error:  # the library raises many kinds
        raise Refusal(Reason.MALFORMED, "not a private key") from error
    if not jose.is_private:
        raise Refusal(Reason.MALFORMED, "not a private key")
    return PrivateKey(public, jose, cast(RawPrivate, jose.private_key))


def generate(algorithm: str = "ES256") -> PrivateKey:
    """Make a key for ``algorithm`` (ES256, EdDSA, RS256 or PS256) whose ``kid`` is its thumbprint."""
    jose: JoseKey
    if algorithm == "ES256":
        jose = ECKey.generate_key("P-256", private=True)
    elif algorithm == "EdDSA":
        jose = OKPKey.generate_key("Ed25519", private=True)
    elif algorithm in ("RS256", "PS256"):
        jose = RSAKey.generate_key(MIN_RSA_BITS, private=True)
    else:
        raise RuntimeError(f"no keys are made for {algorithm}")
    members = cast(dict[str, Any], jose.as_dict(private=True))
    return parse_private({**members, "kid": thumbprint(members), "alg": algorithm})


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 SHA-256 thumbprint of a JWK, base64url without padding."""
    kty = jwk.get("kty")
    names = _THUMBPRINT.get(kty) if isinstance(kty, str) else None
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        raise Refusal(Reason.MALFORMED, "a key of no known kind")
    canonical = strict_json.dumps({name: jwk[name] for name in names})
    return strict_json.b64encode(hashlib.sha256(canonical).digest())


def _required_members(value: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kty = value.get("kty")
    names = _REQUIRED.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise Refusal(Reason.MALFORMED, "a key of no known kind")
    members = [("kty", str(kty))]
    for name in names:
        member = value.get(name)
        if not isinstance(member, str) or len(member) > 2048:
            raise Refusal(Reason.MALFORMED, f"a key without {name}")
        members.append((name, member))
    return tuple(members)


@lru_cache(maxsize=4096)  # importing a key costs more than a verification with it
def _parse_cached(members: tuple[tuple[str, str], ...], kid: str | None, alg: str | None) -> PublicKey:
    jwk = dict(members)
    for name in jwk.keys() - {"kty", "crv"}:
        strict_json.b64decode(jwk[name])
    try:
        jose = _import(jwk)
        raw = cast(RawPublic, jose.public_key)  # an off-curve point fails here
    except Exception as error:  # the library raises many kinds
        raise Refusal(Reason.MALFORMED, "a key that is not on its curve or not whole") from error
    print_ = thumbprint(jwk)
    return PublicKey(print_ if kid is None else kid, _algorithms(raw, jwk, alg), jose, raw, print_)


def _import(jwk: Mapping[str, Any]) -> JoseKey:
    kinds: dict[str, type[ECKey] | type[OKPKey] | type[RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
    members = {name: jwk[name] for name in jwk if name not in ("kid", "alg", "use", "key_ops")}
    return kinds[str(jwk["kty"])].import_key(members)


def _algorithms(raw: RawPublic, jwk: Mapping[str, str], alg: str | None) -> tuple[str, ...]:
    possible = _possible(raw, jwk)
    if alg is None:
        return possible
    if alg.startswith("ECDH-ES") and isinstance(raw, ec.EllipticCurvePublicKey):
        return (alg,)
    wanted = "EdDSA" if alg == "Ed25519" else alg  # RFC 9864 names what RFC 8037 called EdDSA
    if wanted not in possible:
        raise Refusal(Reason.MALFORMED, "a key whose alg does not fit its kind")
    return (wanted,)


def _possible(raw: RawPublic, jwk: Mapping[str, str]) -> tuple[str, ...]:
    if isinstance(raw, ec.EllipticCurvePublicKey) and jwk["crv"] in _CURVES:
        return (_CURVES[jwk["crv"]],)
    if isinstance(raw, ed25519.Ed25519PublicKey) and _is_large_order(raw):
        return ("EdDSA",)
    if isinstance(raw, rsa.RSAPublicKey) and MIN_RSA_BITS <= raw.key_size <= MAX_RSA_BITS:
        exponent = raw.public_numbers().e
        if exponent % 2 and 3 <= exponent < 2**32:
            return ("PS256", "RS256")
    raise Refusal(Reason.MALFORMED, "a weak key or one of an unsupported curve")


# The eight points of small order on edwards25519, by y (RFC 8032 §5.1.7, RFC 8725 §3.4).
_P = 2**255 - 19
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8, _P, _P + 1})


def _is_large_order(key: ed25519.Ed25519PublicKey) -> bool:
    y = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
    return y not in _SMALL_ORDER_Y and y < _P


def _public_members(jose: JoseKey) -> dict[str, Any]:
    members = cast(dict[str, Any], jose.as_dict(private=False))
    return {name: members[name] for name in ("kty", *_REQUIRED[str(members["kty"])])}

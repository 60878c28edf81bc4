"""Compact JWS: the one way in and the one way out for every signed JSON document.

A `TokenType` names what a document must be (its ``typ``, algorithms, claims and size); `verify` checks all of it before
it hands the claims out, so no caller can forget a half. Who may have signed is the caller's ``keys``; the header's
``kid`` only chooses among them, by equality (RFC 8725 §3.1, §3.10, §3.11).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from joserfc.jws import JWSRegistry

from idp.protocol import es256, strict_json
from idp.protocol.keys import KeySet, PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

LEEWAY = 10  # seconds of clock difference accepted (FAPI 2.0 Security Profile §5.3.2.1: 8 to 10)
MODERN = ("ES256", "EdDSA", "PS256")  # FAPI 2.0 Security Profile §5.4.1
WITH_RS256 = (*MODERN, "RS256")  # OpenID Connect Core §15.1 wants it
NEVER_FETCHED = frozenset({"jku", "x5u"})  # RFC 8725 §3.10


@dataclass(frozen=True)
class TokenType:
    """What one kind of signed document must look like, before anybody looks at what it says."""

    typ: str | None  # required value of the header, compared without case and "application/" (RFC 7515 §4.1.9)
    algorithms: tuple[str, ...] = MODERN
    required: tuple[str, ...] = ("iss", "iat", "exp")
    headers: frozenset[str] = field(default_factory=frozenset)  # beyond alg, typ, kid
    max_bytes: int = 65_536
    any_typ: bool = False  # OpenID Connect clients send assertions and request objects without one


class Signer(Protocol):
    """Whatever can sign: a key of ours in memory, or one in a hardware module."""

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    @property
    def public(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Parsed:
    """A JWS taken apart and *not* verified: good for finding whose keys to ask for, and for nothing else."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes
    text: str

    @property
    def kid(self) -> str:
        return strict_json.string(self.header, "kid", max_length=255)


@dataclass(frozen=True)
class VerifiedJWS:
    """A document whose type, signature, required claims and times were found right."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: PublicKey
    text: str


class LocalSigner:
    """A `Signer` over a private key in memory."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    @property
    def kid(self) -> str:
        return self._key.kid

    @property
    def algorithm(self) -> str:
        return self._key.algorithm

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, data: bytes) -> bytes:
        if self.algorithm == es256.NAME:
            return es256.sign(data, cast(EllipticCurvePrivateKey, self._key.raw))
        return JWSRegistry.algorithms[self.algorithm].sign(data, self._key.jose)


def sign(
    token_type: TokenType,
    claims: Mapping[str, Any],
    signer: Signer | PrivateKey,
    headers: Mapping[str, Any] | None = None,
) -> str:
    """Sign ``claims`` as a document of ``token_type``; the compact serialisation (RFC 7515 §7.1)."""
    if isinstance(signer, PrivateKey):
        signer = LocalSigner(signer)
    header: dict[str, Any] = {"alg": signer.algorithm, "kid": signer.kid}
    if token_type.typ is not None:
        header["typ"] = token_type.typ
    header.update(headers or {})
    head, body = (strict_json.b64encode(strict_json.dumps(part)) for part in (header, dict(claims)))
    signing_input = f"{head}.{body}".encode()
    return f"{head}.{body}.{strict_json.b64encode(signer.sign(signing_input))}"


def parse_unverified(text: str | bytes, token_type: TokenType) -> Parsed:
    """Take a JWS apart and check its form and header; the signature is *not* looked at. Raises `Refusal`."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    parts = text.split(".") if len(text) <= token_type.max_bytes else []
    if len(parts) != 3 or not text.isascii():
        raise Refusal(Reason.MALFORMED, "not a compact JWS, or too long")
    header = strict_json.loads_object(strict_json.b64decode(parts[0]))
    _check_header(header, token_type)
    claims = strict_json.loads_object(strict_json.b64decode(parts[1]))
    signing_input = f"{parts[0]}.{parts[1]}".encode()
    return Parsed(header, claims, signing_input, strict_json.b64decode(parts[2]), text)


def verify(
    text: str | bytes | Parsed,
    token_type: TokenType,
    keys: KeySet,
    *,
    now: int,
    leeway: int = LEEWAY,
    ignore_expiry: bool = False,
) -> VerifiedJWS:
    """Verify form, ``typ``, algorithm, signature, required claims and times (``now`` in seconds since 1970).

    Raises `Refusal`: malformed, bad_signature, expired or not_yet_valid. Issuer and audience are the caller's to check.
    A set of one key may be used without ``kid``; otherwise ``kid`` must name a key of the set exactly.
    """
    parsed = text if isinstance(text, Parsed) else parse_unverified(text, token_type)
    key = _choose(parsed.header, keys)
    return verify_with(parsed, token_type, key, now=now, leeway=leeway, ignore_expiry=ignore_expiry)


def verify_with(
    parsed: Parsed,
    token_type: TokenType,
    key: PublicKey,
    *,
    now: int,
    leeway: int = LEEWAY,
    ignore_expiry: bool = False,
) -> VerifiedJWS:
    """Like `verify`, with the one key that must have signed (a proof carries its own: RFC 9449 §4.2)."""
    algorithm = "EdDSA" if parsed.header["alg"] == "Ed25519" else parsed.header["alg"]
    if algorithm not in token_type.algorithms or algorithm not in key.algorithms:
        raise Refusal(Reason.BAD_SIGNATURE, "an algorithm that the key or the document's type does not allow")
    try:
        good = _is_signed(parsed, algorithm, key)
    except Exception as error:  # a signature of the wrong length raises
        raise Refusal(Reason.BAD_SIGNATURE, "signature cannot be read") from error
    if not good:
        raise Refusal(Reason.BAD_SIGNATURE, "signature does not verify")
    check_claims(parsed.claims, token_type, now=now, leeway=leeway, ignore_expiry=ignore_expiry)
    return VerifiedJWS(parsed.header, parsed.claims, key, parsed.text)


def _is_signed(parsed: Parsed, algorithm: str, key: PublicKey) -> bool:
    if algorithm == es256.NAME:
        return es256.verify(parsed.signing_input, parsed.signature, cast(EllipticCurvePublicKey, key.raw))
    return bool(JWSRegistry.algorithms[algorithm].verify(parsed.signing_input, parsed.signature, key.jose))


def check_claims(
    claims: Mapping[str, Any], token_type: TokenType, *, now: int, leeway: int = LEEWAY, ignore_expiry: bool = False
) -> None:
    """Required claims present, times integers and right (RFC 7519 §4.1)."""
    for name in token_type.required:
        if name not in claims:
            raise Refusal(Reason.MALFORMED, f"{name} is missing")
    times = {name: strict_json.integer(claims, name) for name in ("iat", "nbf", "exp") if name in claims}
    for name in ("iss", "sub", "jti"):
        if name in claims:
            strict_json.string(claims, name)
    if times.get("iat", 0) > now + leeway or times.get("nbf", 0) > now + leeway:
        raise Refusal(Reason.NOT_YET_VALID, "iat or nbf is in the future")
    if "exp" in times and times["exp"] <= now - leeway and not ignore_expiry:
        raise Refusal(Reason.EXPIRED, "exp is past")


def sole_audience(claims: Mapping[str, Any], expected: str) -> None:
    """``aud`` must be exactly the string ``expected``: neither an array nor another spelling."""
    if claims.get("aud") != expected or not isinstance(claims.get("aud"), str):
        raise Refusal(Reason.WRONG_AUDIENCE, "aud is not this recipient alone, as a string")


def _check_header(header: Mapping[str, Any], token_type: TokenType) -> None:
    if not isinstance(header.get("alg"), str) or header["alg"] in ("none", "HS256", "HS384", "HS512"):
        raise Refusal(Reason.BAD_SIGNATURE, "alg is missing, none or symmetric")
    if NEVER_FETCHED & header.keys():
        raise Refusal(Reason.MALFORMED, "a header that asks to fetch keys")
    # No extension is understood beyond those a type lists, so any crit (also an empty one, RFC 7515 §4.1.11) refuses.
    if "crit" in header or "b64" in header:
        raise Refusal(Reason.MALFORMED, "crit or b64 in the header")
    for name in ("jwk", "x5c", "trust_chain", "peer_trust_chain"):
        if name in header and name not in token_type.headers:
            raise Refusal(Reason.MALFORMED, f"{name} in the header of such a document")
    _check_typ(header, token_type)


def _check_typ(header: Mapping[str, Any], token_type: TokenType) -> None:
    typ = header.get("typ")
    if typ is not None and not isinstance(typ, str):
        raise Refusal(Reason.MALFORMED, "typ is not a string")
    if token_type.typ is None or (token_type.any_typ and typ in (None, "JWT")):
        return
    if typ is None or typ.lower().removeprefix("application/") != token_type.typ.lower():
        raise Refusal(Reason.MALFORMED, f"typ is not {token_type.typ}")


def _choose(header: Mapping[str, Any], keys: KeySet) -> PublicKey:
    kid = header.get("kid")
    if kid is None and len(keys.keys) == 1:
        return keys.keys[0]
    key = keys.find(kid) if isinstance(kid, str) and kid else None
    if key is None:
        raise Refusal(Reason.BAD_SIGNATURE, "kid names no key of the issuer")
    return key

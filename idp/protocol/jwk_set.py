"""A client's keys: the JWK Set of its metadata, or a signed one behind a URL (OpenID Federation 1.0 §5.2.1)."""

from collections.abc import Mapping
from typing import Any

from idp.protocol import jws, keys
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

MEDIA_TYPE = "application/jwk-set+jwt"
_ENCRYPTING = ("ECDH-ES", "RSA-OAEP", "RSA1_5")
JWK_SET = TokenType("jwk-set+jwt", algorithms=jws.WITH_RS256, required=("iss", "sub", "keys"), max_bytes=262_144)


def signing_keys(jwks: object) -> KeySet:
    """The keys of a JWK Set that are not for encryption, each sound; raises `Refusal` (malformed)."""
    return keys.parse_jwks({"keys": [key for key in _members(jwks) if not encrypts(key)]})


def check(jwks: object) -> None:
    """Raises `Refusal` (malformed) unless each key is sound, those for encryption left aside; one key there must be."""
    members = _members(jwks)
    if not 1 <= len(members) <= keys.MAX_KEYS:
        raise Refusal(Reason.MALFORMED, f"a key set has 1 to {keys.MAX_KEYS} keys")
    if not all(encrypts(key) for key in members):
        signing_keys(jwks)


def encrypts(key: object) -> bool:
    """Whether a JWK is for encryption, by ``use``, or by an ``alg`` that signs nothing (RFC 7517 §4.2, §4.4)."""
    if not isinstance(key, Mapping):
        return False
    if "use" in key:
        return bool(key["use"] == "enc")
    return isinstance(key.get("alg"), str) and key["alg"].startswith(_ENCRYPTING)


def names(jwks: Mapping[str, Any], kid: str | None) -> bool:
    """Whether a key that verifies is there under ``kid``; without one, whether nothing is missing."""
    return kid is None or any(not encrypts(key) and key.get("kid") == kid for key in jwks["keys"])


def _members(jwks: object) -> list[Any]:
    members = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(members, list):
        raise Refusal(Reason.MALFORMED, "not a JWK Set")
    if any(isinstance(key, Mapping) and keys.PRIVATE_MEMBERS & key.keys() for key in members):  # also of the others
        raise Refusal(Reason.MALFORMED, "a private key where a public one belongs")
    return members


def verify_signed(
    text: str | bytes, *, owner: str, federation_keys: KeySet, now: int
) -> tuple[dict[str, Any], int | None]:
    """The JWK Set that ``owner`` signed with a federation key, and its ``exp`` where it has one (seconds since 1970).

    ``iss`` and ``sub`` are the owner. Raises `Refusal`.
    """
    parsed = jws.parse_unverified(text, JWK_SET)
    if not parsed.kid:  # required, also where there is one key only
        raise Refusal(Reason.MALFORMED, "no kid")
    claims = jws.verify(parsed, JWK_SET, federation_keys, now=now).claims
    if (claims["iss"], claims["sub"]) != (owner, owner):
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the keys of another entity")
    jwks = {"keys": claims["keys"]}
    check(jwks)
    return jwks, claims.get("exp")


def sign(jwks: Mapping[str, Any], *, owner: str, now: int, expires_at: int, signer: Signer | PrivateKey) -> str:
    """Sign the owner's JWK Set with its federation key."""
    claims = {"iss": owner, "sub": owner, "iat": now, "exp": expires_at, "keys": jwks["keys"]}
    return jws.sign(JWK_SET, claims, signer)

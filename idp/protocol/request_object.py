"""Signed authorization requests (RFC 9101) as OpenID Federation and FAPI 2.0 Message Signing want them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.client_assertion import header_chain
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

LIFETIME = 60  # seconds, of those that we make
MAX_LIFETIME = 3600  # seconds between nbf and exp (FAPI 2.0 Message Signing §5.3.1)
REQUEST_OBJECT = jws.TokenType(
    "oauth-authz-req+jwt",
    required=("iss", "aud", "exp", "jti", "client_id"),
    headers=frozenset({"trust_chain", "peer_trust_chain"}),
    any_typ=True,
)
_ENVELOPE = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})  # of the document; the rest is the request


@dataclass(frozen=True)
class Announced:
    """What a request object says about itself, *not* verified: for finding the client's keys only."""

    client_id: str
    trust_chain: tuple[str, ...] | None
    peer_trust_chain: tuple[str, ...] | None
    parsed: jws.Parsed


@dataclass(frozen=True)
class RequestObject:
    """A verified request; the caller spends ``jti`` once and keeps it until ``forget_at``."""

    client_id: str
    parameters: Mapping[str, Any]  # of the authorization request, ``client_id`` among them
    jti: str
    exp: int

    @property
    def replay_key(self) -> str:
        return f"{self.client_id} {self.jti}"

    @property
    def forget_at(self) -> int:
        return self.exp + 2 * jws.LEEWAY


def announce(text: str, *, issuer: str, now: int, require_nbf: bool) -> Announced:
    """Take a request object apart and check all that needs no key. Raises `Refusal`."""
    parsed = jws.parse_unverified(text, REQUEST_OBJECT)
    claims = parsed.claims
    jws.check_claims(claims, REQUEST_OBJECT, now=now)
    if claims["iss"] != claims["client_id"]:  # OpenID Federation 1.0 §12.1.1.1: iss is the RP
        raise Refusal(Reason.UNTRUSTED_ISSUER, "iss is not the client")
    if "sub" in claims:  # the same section: otherwise it would pass as a client assertion
        raise Refusal(Reason.MALFORMED, "sub in a request object")
    if "request" in claims or "request_uri" in claims:  # RFC 9101 §4
        raise Refusal(Reason.MALFORMED, "a request object within a request object")
    jws.sole_audience(claims, issuer)
    _check_lifetime(claims, now=now, require_nbf=require_nbf)
    return Announced(
        strict_json.string(claims, "client_id", max_length=512),
        header_chain(parsed.header, "trust_chain"),
        header_chain(parsed.header, "peer_trust_chain"),
        parsed,
    )


def verify(
    announced: Announced,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...] = jws.MODERN,
) -> RequestObject:
    """Verify the signature by the client's keys for this protocol, never its federation keys. Raises `Refusal`."""
    if announced.client_id != client_id:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the request object is another client's")
    if announced.parsed.header["alg"] not in (*algorithms, "Ed25519"):
        raise Refusal(Reason.BAD_SIGNATURE, "an algorithm that this client's profile does not allow")
    claims = jws.verify(announced.parsed, REQUEST_OBJECT, keys, now=now).claims
    parameters = {name: value for name, value in claims.items() if name not in _ENVELOPE}
    return RequestObject(client_id, parameters, strict_json.string(claims, "jti", max_length=512), claims["exp"])


def sign(
    parameters: Mapping[str, Any],
    *,
    client_id: str,
    issuer: str,
    now: int,
    jti: str,
    signer: jws.Signer | PrivateKey,
    trust_chain: Sequence[str] | None = None,
) -> str:
    """Sign the authorization request ``parameters`` for the server ``issuer``. ``jti`` is the caller's randomness."""
    envelope = {"iss": client_id, "aud": issuer, "iat": now, "nbf": now, "exp": now + LIFETIME, "jti": jti}
    headers = {"trust_chain": list(trust_chain)} if trust_chain is not None else {}
    return jws.sign(REQUEST_OBJECT, {**parameters, "client_id": client_id, **envelope}, signer, headers=headers)


def _check_lifetime(claims: Mapping[str, Any], *, now: int, require_nbf: bool) -> None:
    if require_nbf and "nbf" not in claims:
        raise Refusal(Reason.MALFORMED, "nbf is missing")
    if claims["exp"] - claims.get("nbf", now - jws.LEEWAY) > MAX_LIFETIME + jws.LEEWAY * ("nbf" not in claims):
        raise Refusal(Reason.POLICY_VIOLATION, "exp is too far ahead")

"""Signed authorization requests (RFC 9101) as OpenID Federation and FAPI 2.0 Message Signing want them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import client_jwt, jws, strict_json
from idp.protocol.client_jwt import MAX_LIFETIME, Announced
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

LIFETIME = 60  # seconds, of those that we make; MAX_LIFETIME is between nbf and exp (FAPI 2.0 Message Signing §5.3.1)
REQUEST_OBJECT = jws.TokenType(
    "oauth-authz-req+jwt",
    algorithms=jws.WITH_RS256,  # the client's profile narrows them
    required=("iss", "aud", "exp", "client_id"),
    headers=client_jwt.HEADERS,
    any_typ=True,
)
_ENVELOPE = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})  # of the document; the rest is the request


@dataclass(frozen=True)
class RequestObject(client_jwt.UsedOnce):
    """A verified request."""

    parameters: Mapping[str, Any]  # of the authorization request, ``client_id`` among them


def announce(text: str, *, issuer: str, now: int, require_nbf: bool, of_anybody: bool = False) -> Announced:
    """Take a request object apart and check all that needs no key. Raises `Refusal`.

    ``iss`` and ``client_id`` are the client, ``aud`` is the server. Who does not know the client yet says
    ``of_anybody`` and asks `check_nbf` or `check_federation` later; ``aud`` may then have other members too (RFC 9101
    §4), and ``jti`` be absent.
    """
    announced = client_jwt.read(
        text, REQUEST_OBJECT, client="client_id", issuer=issuer, now=now, among_others=of_anybody
    )
    claims = announced.parsed.claims
    if not of_anybody:
        check_federation(announced, issuer=issuer)
    if "sub" in claims:  # the same section: otherwise it would pass as a client assertion
        raise Refusal(Reason.MALFORMED, "sub in a request object")
    if "request" in claims or "request_uri" in claims:  # RFC 9101 §4
        raise Refusal(Reason.MALFORMED, "a request object within a request object")
    if require_nbf:
        check_nbf(announced)
    _check_lifetime(claims, now=now)
    return announced


def check_nbf(announced: Announced) -> None:
    """FAPI 2.0 Message Signing §5.3.1 asks for ``nbf``; raises `Refusal` (malformed)."""
    if "nbf" not in announced.parsed.claims:
        raise Refusal(Reason.MALFORMED, "nbf is missing")


def check_federation(announced: Announced, *, issuer: str) -> None:
    """OpenID Federation 1.0 §12.1.1.1: ``aud`` is the server alone, as a string, and there is a ``jti``."""
    jws.sole_audience(announced.parsed.claims, issuer)
    if "jti" not in announced.parsed.claims:
        raise Refusal(Reason.MALFORMED, "jti is missing")


def verify(
    announced: Announced,
    *,
    client_id: str,
    keys: KeySet,
    now: int,
    algorithms: tuple[str, ...] = jws.MODERN,
) -> RequestObject:
    """Verify the signature by the client's keys for this protocol, never its federation keys. Raises `Refusal`."""
    claims = client_jwt.verified_claims(
        announced, REQUEST_OBJECT, client_id=client_id, keys=keys, now=now, algorithms=algorithms
    )
    return RequestObject(
        client_id,
        _identifier(announced),
        claims["exp"],
        {name: value for name, value in claims.items() if name not in _ENVELOPE},
    )


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


def _identifier(announced: Announced) -> str:
    """``jti``; where there is none, the text itself is what may be seen once."""
    claims = announced.parsed.claims
    if "jti" in claims:
        return strict_json.string(claims, "jti", max_length=client_jwt.MAX_ID)
    return "sha-256 " + hashlib.sha256(announced.parsed.text.encode()).hexdigest()


def _check_lifetime(claims: Mapping[str, Any], *, now: int) -> None:
    if claims["exp"] - claims.get("nbf", now - jws.LEEWAY) > MAX_LIFETIME + jws.LEEWAY * ("nbf" not in claims):
        raise Refusal(Reason.POLICY_VIOLATION, "exp is too far ahead")

"""Trust marks: an issuer's word that a holder meets some criteria (Federation §7).

A mark is worth as much as its issuer: whoever calls `verify_trust_mark` has the issuer's keys from a chain or a pin,
and has asked `check_issuer` whether the anchor lets that issuer give marks of that type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.jws import Parsed, Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.statement_claims import TrustMarkOwner, identifier

_REQUIRED = ("iss", "sub", "iat", "trust_mark_type")  # exp is optional: without it a mark does not expire (§7.1)
TRUST_MARK = TokenType("trust-mark+jwt", algorithms=jws.WITH_RS256, required=_REQUIRED)
DELEGATION = TokenType("trust-mark-delegation+jwt", algorithms=jws.WITH_RS256, required=_REQUIRED)

_NO_OWNERS: Mapping[str, TrustMarkOwner] = MappingProxyType({})


@dataclass(frozen=True)
class TrustMark:
    """A verified trust mark. ``exp`` is None where the mark does not expire; times in seconds since 1970."""

    iss: str
    sub: str
    trust_mark_type: str
    iat: int
    exp: int | None
    claims: Mapping[str, Any]
    text: str


def verify_trust_mark(
    text: str,
    *,
    holder: str,
    mark_type: str,
    issuer_keys: KeySet,
    issuer: str,
    now: int,
    owners: Mapping[str, TrustMarkOwner] = _NO_OWNERS,
) -> TrustMark:
    """Verify that ``issuer`` gave ``holder`` a mark of ``mark_type`` (Federation §7.3).

    ``issuer_keys`` are the issuer's federation keys, ``owners`` the anchor's ``trust_mark_owners``: a type that has an
    owner needs the owner's delegation, and a delegation that is there is always verified. Raises `Refusal`: malformed,
    bad_signature, expired, not_yet_valid, untrusted_issuer (other issuer, no delegation) or policy_violation (other
    holder or type).
    """
    parsed = jws.parse_unverified(text, TRUST_MARK)
    claims = _verify(parsed, TRUST_MARK, issuer_keys, now=now)
    _expect(claims, issuer=issuer, holder=holder, mark_type=mark_type)
    if mark_type in owners or "delegation" in claims:
        _verify_delegation(claims, issuer=issuer, owner=owners.get(mark_type), now=now)
    exp = strict_json.integer(claims, "exp") if "exp" in claims else None
    return TrustMark(issuer, holder, mark_type, strict_json.integer(claims, "iat"), exp, claims, text)


def check_issuer(
    mark_type: str, issuer: str, *, anchor: str, trust_mark_issuers: Mapping[str, tuple[str, ...]]
) -> None:
    """Whether the anchor accepts marks of ``mark_type`` from ``issuer``; raises `Refusal` (untrusted_issuer).

    An empty list admits anybody in the federation (§3.1.2). A type that is not listed at all comes from the anchor
    itself or from nobody.
    """
    listed = trust_mark_issuers.get(mark_type, (anchor,))
    if listed and issuer not in listed:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the anchor does not list the issuer of a trust mark")


def sign_trust_mark(claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    """Sign a mark; raises `Refusal` instead of signing what verification would refuse.

    A ``delegation`` is carried as it is: its owner's keys are the anchor's to say.
    """
    return _sign(TRUST_MARK, claims, signer)


def sign_delegation(claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    """Sign an owner's delegation to a mark issuer (§7.2.1); raises `Refusal` like `sign_trust_mark`."""
    return _sign(DELEGATION, claims, signer)


def _sign(token_type: TokenType, claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    text = jws.sign(token_type, claims, signer)
    parsed = jws.parse_unverified(text, token_type)
    checked = _verify(parsed, token_type, KeySet([signer.public]), now=strict_json.integer(claims, "iat"))
    for name in ("iss", "sub"):
        identifier(checked[name])
    return text


def _verify(parsed: Parsed, token_type: TokenType, keys: KeySet, *, now: int) -> Mapping[str, Any]:
    if not parsed.kid:  # kid is mandatory here even for a set of one key (§7)
        raise Refusal(Reason.MALFORMED, "a trust mark without kid")
    claims = jws.verify(parsed, token_type, keys, now=now).claims
    strict_json.string(claims, "trust_mark_type")
    return claims


def _verify_delegation(mark: Mapping[str, Any], *, issuer: str, owner: TrustMarkOwner | None, now: int) -> None:
    if owner is None:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a delegation by an owner whom the anchor does not name")
    if "delegation" not in mark:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a trust mark that its type's owner did not delegate")
    text = strict_json.string(mark, "delegation", max_length=DELEGATION.max_bytes)
    claims = _verify(jws.parse_unverified(text, DELEGATION), DELEGATION, owner.keys, now=now)
    _expect(claims, issuer=owner.sub, holder=issuer, mark_type=str(mark["trust_mark_type"]))


def _expect(claims: Mapping[str, Any], *, issuer: str, holder: str, mark_type: str) -> None:
    if claims["iss"] != issuer:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a trust mark or delegation by another issuer")
    if claims.get("sub") != holder:
        raise Refusal(Reason.POLICY_VIOLATION, "a trust mark or delegation for another entity")
    if claims["trust_mark_type"] != mark_type:
        raise Refusal(Reason.POLICY_VIOLATION, "a trust mark or delegation of another type")

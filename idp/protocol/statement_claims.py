"""What each claim of an entity statement must look like (Federation §3.2): syntax only, no signature and no trust."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol.constraints import FEDERATION_ENTITY, Constraints, parse_constraints
from idp.protocol.entity_ids import check_entity_id
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.metadata_policy import combine_types
from idp.protocol.refusals import Reason, Refusal

CONFIGURATION_ONLY = frozenset(
    {"authority_hints", "trust_anchor_hints", "trust_marks", "trust_mark_issuers", "trust_mark_owners"}
)
STATEMENT_ONLY = frozenset({"constraints", "metadata_policy", "metadata_policy_crit", "source_endpoint"})
REGISTRATION_ONLY = frozenset({"aud", "trust_anchor"})  # explicit registration (Federation §12.2); types of their own

# Protocol keys have no place beside federation keys (Federation §5.1.1).
_PROTOCOL_KEYS = frozenset({"jwks", "jwks_uri", "signed_jwks_uri"})
_ANY_JWS = jws.TokenType(None, required=())

Metadata = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class TrustMarkOwner:
    """Whom an anchor names as owner of a trust mark type, and the owner's federation keys (Federation §3.1.2)."""

    sub: str
    keys: KeySet


def identifier(value: object) -> str:
    """An entity identifier inside a statement: syntax only; the scheme is asked for at fetch and at configuration."""
    return check_entity_id(value, allow_loopback_http=True)


def check_critical_claims(claims: Mapping[str, Any]) -> None:
    """``crit`` may name only extensions that are understood; none is, so any ``crit`` refuses (§3.1.1)."""
    if "crit" in claims:
        raise Refusal(Reason.MALFORMED, "crit, and no extension of entity statements is understood")


def metadata(claims: Mapping[str, Any]) -> Metadata:
    """``metadata``: entity type -> parameter -> value, nothing null; empty where the claim is absent (§3.1.1)."""
    value = claims.get("metadata", {})
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "metadata is not an object")
    for entity_type, parameters in value.items():
        if not entity_type or not isinstance(parameters, Mapping):
            raise Refusal(Reason.MALFORMED, "the metadata of an entity type is not an object")
        if None in parameters.values():
            raise Refusal(Reason.MALFORMED, "a metadata parameter is null")
    if _PROTOCOL_KEYS & value.get(FEDERATION_ENTITY, {}).keys():
        raise Refusal(Reason.MALFORMED, "protocol keys in federation_entity")
    return value


def hints(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """``authority_hints`` or ``trust_anchor_hints``: entity identifiers, never an empty array (§3.1.2)."""
    if name not in claims:
        return ()
    return tuple(identifier(item) for item in _distinct_strings(claims[name], name))


def trust_marks(claims: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """``trust_marks`` as they stand, each of the type that it says; whether a mark is to be believed comes later."""
    value = claims.get("trust_marks", [])
    if not isinstance(value, list):
        raise Refusal(Reason.MALFORMED, "trust_marks is not an array")
    for item in value:
        if not isinstance(item, Mapping):
            raise Refusal(Reason.MALFORMED, "a trust mark is not an object")
        mark_type = strict_json.string(item, "trust_mark_type")
        text = strict_json.string(item, "trust_mark", max_length=_ANY_JWS.max_bytes)
        if jws.parse_unverified(text, _ANY_JWS).claims.get("trust_mark_type") != mark_type:
            raise Refusal(Reason.MALFORMED, "a trust mark of another type than its entry says")
    return tuple({"trust_mark_type": item["trust_mark_type"], "trust_mark": item["trust_mark"]} for item in value)


def trust_mark_issuers(claims: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """``trust_mark_issuers``: mark type -> issuers; an empty tuple means anybody (§3.1.2)."""
    return {mark_type: _issuers(issuers) for mark_type, issuers in _object(claims, "trust_mark_issuers").items()}


def trust_mark_owners(claims: Mapping[str, Any]) -> Mapping[str, TrustMarkOwner]:
    """``trust_mark_owners``: mark type -> owner (§3.1.2)."""
    return {mark_type: _owner(owner) for mark_type, owner in _object(claims, "trust_mark_owners").items()}


def metadata_policy(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """``metadata_policy``, sound in itself; raises `PolicyRefused`. Merging with other policies is the chain's."""
    value: Mapping[str, Any] = claims.get("metadata_policy", {})
    combine_types([value], critical=critical_operators(claims))
    return value


def critical_operators(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """``metadata_policy_crit``, never an empty array (§3.1.3). That none of it is understood, combining says."""
    if "metadata_policy_crit" not in claims:
        return ()
    return tuple(_distinct_strings(claims["metadata_policy_crit"], "metadata_policy_crit"))


def constraints(claims: Mapping[str, Any]) -> Constraints | None:
    """``constraints``, or None where the claim is absent (§3.1.3)."""
    return parse_constraints(claims["constraints"]) if "constraints" in claims else None


def source_endpoint(claims: Mapping[str, Any]) -> str | None:
    """``source_endpoint``: an https URL without fragment, or None (§3.1.3). A query is allowed, as at any endpoint."""
    if "source_endpoint" not in claims:
        return None
    value = strict_json.string(claims, "source_endpoint")
    identifier(value.partition("?")[0])
    if "#" in value or not value.isascii() or not value.isprintable() or " " in value:
        raise Refusal(Reason.MALFORMED, "source_endpoint is not a URL")
    return value


def _object(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name, {})
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, f"{name} is not an object")
    return value


def _owner(value: object) -> TrustMarkOwner:
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "a trust mark owner is not an object")
    return TrustMarkOwner(identifier(value.get("sub")), parse_jwks(value.get("jwks")))


def _issuers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refusal(Reason.MALFORMED, "the issuers of a trust mark type are not an array")
    return tuple(identifier(item) for item in value)


def _distinct_strings(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise Refusal(Reason.MALFORMED, f"{name} is not an array of one or more strings")
    if len(set(value)) != len(value):
        raise Refusal(Reason.MALFORMED, f"{name} names something twice")
    return value

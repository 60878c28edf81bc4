"""Entity statements: what an entity says about itself, and what its superior says about it (Federation §3).

An `EntityConfiguration` proves only that whoever holds the keys inside it wrote it: that is no trust. Trust comes from
a chain to a pinned anchor: `idp.protocol.trust_chain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol import statement_claims as syntax
from idp.protocol.constraints import Constraints
from idp.protocol.entity_ids import check_entity_id, configuration_url
from idp.protocol.jws import Parsed, Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey, parse_jwks
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.statement_claims import TrustMarkOwner

__all__ = [
    "ENTITY_STATEMENT",
    "EntityConfiguration",
    "SubordinateStatement",
    "TrustMarkOwner",
    "check_entity_id",
    "configuration_url",
    "parse_entity_configuration",
    "parse_registration_request",
    "read_configuration_unverified",
    "sign_entity_configuration",
    "sign_subordinate_statement",
    "verify_subordinate_statement",
]

_REQUIRED = ("iss", "sub", "iat", "exp", "jwks")
MAX_BYTES = 262_144  # a configuration with many marks and keys; `idp.outbound` reads twice that at most

# RS256 is what Federation §3 asks implementations to support.
ENTITY_STATEMENT = TokenType("entity-statement+jwt", algorithms=jws.WITH_RS256, required=_REQUIRED, max_bytes=MAX_BYTES)
# The request of explicit registration alone may carry chains in its header (Federation §12.2.1).
REGISTRATION_REQUEST = TokenType(
    "entity-statement+jwt",
    algorithms=jws.WITH_RS256,
    required=(*_REQUIRED, "aud"),
    headers=frozenset({"trust_chain", "peer_trust_chain"}),
    max_bytes=MAX_BYTES,
)


@dataclass(frozen=True)
class _Statement:
    iss: str
    sub: str
    iat: int
    exp: int
    keys: KeySet  # the subject's federation keys
    metadata: Mapping[str, Mapping[str, Any]]  # as stated, before any policy
    claims: Mapping[str, Any]
    text: str


@dataclass(frozen=True)
class EntityConfiguration(_Statement):
    """A statement whose issuer is its subject, signed by one of its own keys. Not trusted yet."""

    authority_hints: tuple[str, ...]
    trust_marks: tuple[Mapping[str, str], ...]  # as stated: {"trust_mark_type", "trust_mark"}, unverified
    trust_mark_issuers: Mapping[str, tuple[str, ...]]  # to be ignored unless the entity is the anchor
    trust_mark_owners: Mapping[str, TrustMarkOwner]  # likewise


@dataclass(frozen=True)
class SubordinateStatement(_Statement):
    """A superior's statement, signed by a key of the superior's."""

    metadata_policy: Mapping[str, Any]
    critical: tuple[str, ...]  # metadata_policy_crit
    constraints: Constraints | None
    source_endpoint: str | None


def parse_entity_configuration(text: str, *, now: int, expect: str | None = None) -> EntityConfiguration:
    """Verify an entity configuration against its own keys; ``now`` in seconds since 1970 (Federation §3.2).

    ``expect`` is the entity that was asked for. Raises `Refusal`: malformed, bad_signature, expired, not_yet_valid,
    or untrusted_issuer when it is another entity's.
    """
    configuration = read_configuration_unverified(jws.parse_unverified(text, ENTITY_STATEMENT))
    if expect is not None and configuration.sub != expect:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "the configuration of another entity")
    jws.verify(text, ENTITY_STATEMENT, configuration.keys, now=now)
    return configuration


def parse_registration_request(text: str, *, audience: str, now: int) -> tuple[EntityConfiguration, Mapping[str, Any]]:
    """Verify the configuration that a relying party posts to register explicitly (Federation §12.2.1).

    ``audience`` is the provider's entity identifier. Returns it with its header, whose ``trust_chain`` and
    ``peer_trust_chain`` are *not* looked at here: see `trust_chain.chain_in_header`. Raises `Refusal`.
    """
    parsed = jws.parse_unverified(text, REGISTRATION_REQUEST)
    jws.check_claims(parsed.claims, REGISTRATION_REQUEST, now=now)
    jws.sole_audience(parsed.claims, audience)
    configuration = read_configuration_unverified(parsed, registration=True)
    jws.verify(parsed, REGISTRATION_REQUEST, configuration.keys, now=now)
    return configuration, parsed.header


def read_configuration_unverified(parsed: Parsed, *, registration: bool = False) -> EntityConfiguration:
    """Read the claims of an entity configuration with **no** look at signature or times. For this package only."""
    claims = parsed.claims
    common = _common(parsed)
    if common["iss"] != common["sub"]:
        raise Refusal(Reason.MALFORMED, "an entity configuration whose issuer is not its subject")
    _forbid(claims, syntax.STATEMENT_ONLY | {"trust_anchor"} | (set() if registration else {"aud"}))
    syntax.hints(claims, "trust_anchor_hints")
    return EntityConfiguration(
        **common,
        authority_hints=syntax.hints(claims, "authority_hints"),
        trust_marks=syntax.trust_marks(claims),
        trust_mark_issuers=syntax.trust_mark_issuers(claims),
        trust_mark_owners=syntax.trust_mark_owners(claims),
    )


def verify_subordinate_statement(
    text: str, *, superior_keys: KeySet, issuer: str, subject: str, now: int
) -> SubordinateStatement:
    """Verify what ``issuer`` says about ``subject``, with the issuer's keys as *its* superior or a pin gives them.

    Raises `Refusal`: malformed, bad_signature, expired, not_yet_valid, untrusted_issuer when issuer or subject is
    another, policy_violation for a policy that is wrong in itself. Federation §3.2.
    """
    parsed = jws.parse_unverified(text, ENTITY_STATEMENT)
    common = _common(parsed)
    if common["iss"] != issuer or common["sub"] != subject:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a statement by or about another entity")
    if issuer == subject:
        raise Refusal(Reason.MALFORMED, "a subordinate statement about its own issuer")
    jws.verify(parsed, ENTITY_STATEMENT, superior_keys, now=now)
    claims = parsed.claims
    _forbid(claims, syntax.CONFIGURATION_ONLY | syntax.REGISTRATION_ONLY)
    return SubordinateStatement(
        **common,
        metadata_policy=syntax.metadata_policy(claims),
        critical=syntax.critical_operators(claims),
        constraints=syntax.constraints(claims),
        source_endpoint=syntax.source_endpoint(claims),
    )


def sign_entity_configuration(claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    """Sign an entity configuration; raises `Refusal` instead of signing what verification would refuse."""
    text = jws.sign(ENTITY_STATEMENT, claims, signer)
    parse_entity_configuration(text, now=strict_json.integer(claims, "iat"))
    return text


def sign_subordinate_statement(claims: Mapping[str, Any], signer: Signer | PrivateKey) -> str:
    """Sign a subordinate statement; raises `Refusal` instead of signing what verification would refuse."""
    text = jws.sign(ENTITY_STATEMENT, claims, signer)
    verify_subordinate_statement(
        text,
        superior_keys=KeySet([signer.public]),
        issuer=strict_json.string(claims, "iss"),
        subject=strict_json.string(claims, "sub"),
        now=strict_json.integer(claims, "iat"),
    )
    return text


def _common(parsed: Parsed) -> dict[str, Any]:
    """The claims of both kinds. A statement without ``kid`` is refused here, even for a set of one key (§3)."""
    claims = parsed.claims
    if not parsed.kid:
        raise Refusal(Reason.MALFORMED, "an entity statement without kid")
    syntax.check_critical_claims(claims)
    return {
        "iss": syntax.identifier(claims.get("iss")),
        "sub": syntax.identifier(claims.get("sub")),
        "iat": strict_json.integer(claims, "iat"),
        "exp": strict_json.integer(claims, "exp"),
        "keys": parse_jwks(claims.get("jwks")),
        "metadata": syntax.metadata(claims),
        "claims": claims,
        "text": parsed.text,
    }


def _forbid(claims: Mapping[str, Any], names: frozenset[str] | set[str]) -> None:
    if found := sorted(names & claims.keys()):
        raise Refusal(Reason.MALFORMED, f"{found[0]} in a statement that must not carry it")

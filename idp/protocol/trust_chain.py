"""Trust chains: from an entity's own statement up to an anchor whose keys are pinned (Federation §4, §10.2).

`verify_chain` takes the steps below in this order; every one can only refuse.

1. The array has a sensible length, no entity twice, and ends at a configured anchor.
2. ES[i], the anchor's configuration, where it is there: signed by a *pinned* key.
3. From the anchor downwards, each ES[j] is signed by a key that the statement above gives to its issuer.
4. ES[0] is the subject's configuration, signed by a key that its superior states, and names that superior as one.
5. Each statement's constraints, on their own.
6. Metadata: the subject's, overlaid by its superior's, without the types not allowed, under the merged policy.

Keys in ES[0] or in the anchor's configuration are never used to verify a statement about somebody else (§10.2, §11.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, metadata_policy
from idp.protocol.constraints import keep_allowed_types
from idp.protocol.entity_statements import (
    ENTITY_STATEMENT,
    REGISTRATION_REQUEST,
    EntityConfiguration,
    SubordinateStatement,
    parse_entity_configuration,
    parse_registration_request,
    verify_subordinate_statement,
)
from idp.protocol.jws import Parsed, TokenType
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_marks import TRUST_MARK, TrustMark, check_issuer, verify_trust_mark

MAX_STATEMENTS = 10  # a path of depth 8, the usual bound of resolvers, with both configurations

Metadata = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class TrustChain:
    """A verified chain. Read only: the mappings are shared."""

    entity_id: str
    anchor: str
    path: tuple[str, ...]  # subject … anchor
    expires_at: int  # the first ``exp`` of all its statements, seconds since 1970
    metadata: Metadata  # resolved: entity type -> parameter -> value
    keys: KeySet  # the subject's federation keys, as its superior states them (an anchor's: as pinned)
    trust_marks: tuple[Mapping[str, str], ...]  # {"trust_mark_type", "trust_mark"} as stated, unverified
    statements: tuple[str, ...]
    anchor_keys: KeySet  # the pinned keys that the chain ends in

    def entity(self, entity_type: str) -> Mapping[str, Any]:
        """The resolved metadata of one entity type; `Refusal` (policy_violation) where the entity is not of it."""
        if entity_type not in self.metadata:
            raise Refusal(Reason.POLICY_VIOLATION, "the entity is not of the type that is needed")
        return self.metadata[entity_type]


def verify_chain(
    statements: Sequence[str],
    *,
    anchors: Mapping[str, KeySet],
    now: int,
    immediate: bool = False,
    subject: str | None = None,
    registration_audience: str | None = None,
) -> TrustChain:
    """Verify a chain ``[subject's configuration, statements…, (anchor's configuration)]`` at ``now`` (seconds).

    ``anchors``: pinned keys by entity identifier. A chain of one statement is an anchor's own. ``immediate`` refuses
    (untrusted_issuer) every chain with an intermediate: recognition is not transitive. ``subject``: whose chain it must
    be. ``registration_audience``: ES[0] is a request to register explicitly, made for this provider (§12.2.1).
    Raises `Refusal`: malformed, bad_signature, untrusted_issuer, policy_violation, expired, not_yet_valid.
    """
    kind = ENTITY_STATEMENT if registration_audience is None else REGISTRATION_REQUEST
    texts, parsed = _parse(statements, kind)
    if registration_audience is None:
        configuration = parse_entity_configuration(texts[0], now=now)
    else:
        configuration, _ = parse_registration_request(texts[0], audience=registration_audience, now=now)
    if subject is not None and configuration.sub != subject:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a chain of another entity")
    if len(texts) == 1:
        return _anchor_chain(configuration, anchors=anchors, now=now)
    anchor_text = texts[-1] if _is_configuration(parsed[-1]) else None
    middle = texts[1:-1] if anchor_text is not None else texts[1:]
    path = _path(configuration, parsed[1 : 1 + len(middle)])
    if immediate and len(middle) != 1:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "an intermediate where only the anchor itself may vouch")
    anchor_keys = _pinned(path[-1], anchors)
    expiries = [configuration.exp]
    if anchor_text is not None:
        expiries.append(_verify_anchor(anchor_text, path[-1], anchor_keys, now=now).exp)
    below = _verify_downwards(middle, path, anchor_keys, now=now)
    _check_subject(configuration, below[0], kind, now=now)
    expiries += [statement.exp for statement in below]
    return TrustChain(
        entity_id=configuration.sub,
        anchor=path[-1],
        path=path,
        expires_at=min(expiries),
        metadata=_resolve(configuration, below, path),
        keys=below[0].keys,
        trust_marks=configuration.trust_marks,
        statements=texts,
        anchor_keys=anchor_keys,
    )


def chain_in_header(
    header: Mapping[str, Any], *, subject: str, anchors: Mapping[str, KeySet], now: int, name: str = "trust_chain"
) -> TrustChain:
    """Verify the chain that a header carries as ``name``; it must be ``subject``'s (Federation §4.3, §4.4).

    Raises `Refusal` like `verify_chain`; malformed where there is none.
    """
    value = header.get(name)
    if not isinstance(value, list):
        raise Refusal(Reason.MALFORMED, f"no {name} in the header")
    return verify_chain(value, anchors=anchors, now=now, subject=subject)


def require_mark(
    chain: TrustChain,
    mark_type: str,
    *,
    anchor_configuration: EntityConfiguration,
    now: int,
    issuers: Sequence[TrustChain] = (),
) -> TrustMark:
    """The chain's subject's first good mark of ``mark_type`` (Federation §7.3).

    The mark is the anchor's own, or that of an entity in ``issuers`` (chains to the same anchor, valid at ``now``) that
    the anchor lists in ``trust_mark_issuers``. ``anchor_configuration`` is verified again, against the pinned keys.
    Raises `Refusal`: policy_violation where no such mark is there, else why the first one is not accepted.
    """
    anchor = _verify_anchor(anchor_configuration.text, chain.anchor, chain.anchor_keys, now=now)
    refused: Refusal | None = None
    for entry in chain.trust_marks:
        if entry["trust_mark_type"] != mark_type:
            continue
        try:
            return _accept_mark(entry["trust_mark"], mark_type, chain, anchor, issuers, now=now)
        except Refusal as refusal:
            refused = refused or refusal
    raise refused or Refusal(Reason.POLICY_VIOLATION, "a required trust mark is missing")


# --- 1: the array --------------------------------------------------------------------------------------------------


def _parse(statements: Sequence[str], first: TokenType) -> tuple[tuple[str, ...], list[Parsed]]:
    if isinstance(statements, str) or not 1 <= len(statements) <= MAX_STATEMENTS:
        raise Refusal(Reason.MALFORMED, f"a chain has 1 to {MAX_STATEMENTS} statements")
    if not all(isinstance(text, str) for text in statements):
        raise Refusal(Reason.MALFORMED, "a chain is an array of strings")
    kinds = [first, *[ENTITY_STATEMENT] * (len(statements) - 1)]
    return tuple(statements), [jws.parse_unverified(text, kind) for text, kind in zip(statements, kinds, strict=True)]


def _is_configuration(parsed: Parsed) -> bool:
    return parsed.claims.get("iss") == parsed.claims.get("sub")


def _path(configuration: EntityConfiguration, middle: Sequence[Parsed]) -> tuple[str, ...]:
    """Subject … anchor, by the issuers; that each statement is about the one before is verified with its signature."""
    path = [configuration.sub]
    for parsed in middle:
        path.append(str(parsed.claims.get("iss")))
    if len(path) == 1:
        raise Refusal(Reason.MALFORMED, "a chain without a subordinate statement")
    if len(set(path)) != len(path):
        raise Refusal(Reason.MALFORMED, "a chain that runs in a loop")
    return tuple(path)


def _pinned(anchor: str, anchors: Mapping[str, KeySet]) -> KeySet:
    if anchor not in anchors:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a chain that ends in no configured anchor")
    return anchors[anchor]


# --- 2 to 4: signatures --------------------------------------------------------------------------------------------


def _verify_anchor(text: str, anchor: str, anchor_keys: KeySet, *, now: int) -> EntityConfiguration:
    configuration = parse_entity_configuration(text, now=now, expect=anchor)
    jws.verify(text, ENTITY_STATEMENT, anchor_keys, now=now)
    return configuration


def _anchor_chain(configuration: EntityConfiguration, *, anchors: Mapping[str, KeySet], now: int) -> TrustChain:
    anchor_keys = _pinned(configuration.sub, anchors)
    _verify_anchor(configuration.text, configuration.sub, anchor_keys, now=now)
    _check_issuer_identifier(configuration.sub, configuration.metadata)
    return TrustChain(
        entity_id=configuration.sub,
        anchor=configuration.sub,
        path=(configuration.sub,),
        expires_at=configuration.exp,
        metadata=configuration.metadata,
        keys=anchor_keys,
        trust_marks=configuration.trust_marks,
        statements=(configuration.text,),
        anchor_keys=anchor_keys,
    )


def _verify_downwards(
    texts: Sequence[str], path: Sequence[str], anchor_keys: KeySet, *, now: int
) -> list[SubordinateStatement]:
    """The statements from the subject's superior up to the anchor's, verified from the anchor down."""
    verified: list[SubordinateStatement] = []
    keys = anchor_keys
    for position in reversed(range(len(texts))):
        statement = verify_subordinate_statement(
            texts[position], superior_keys=keys, issuer=path[position + 1], subject=path[position], now=now
        )
        keys = statement.keys
        verified.insert(0, statement)
    return verified


def _check_subject(
    configuration: EntityConfiguration, superior: SubordinateStatement, kind: TokenType, *, now: int
) -> None:
    jws.verify(configuration.text, kind, superior.keys, now=now)
    if superior.iss not in configuration.authority_hints:  # Federation §3.2: else the graph is not well-formed
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a superior that the subject does not name in authority_hints")


# --- 5 and 6: what the superiors demand ----------------------------------------------------------------------------


def _resolve(
    configuration: EntityConfiguration, statements: Sequence[SubordinateStatement], path: Sequence[str]
) -> Metadata:
    constraints = [statement.constraints for statement in statements]
    for position, constraint in enumerate(constraints):
        if constraint is not None:
            constraint.check(below=path[: position + 1])
    stated = _overlay(configuration.metadata, statements[0].metadata)
    kept = keep_allowed_types(stated, [constraint for constraint in constraints if constraint is not None])
    critical = [name for statement in statements for name in statement.critical]  # from all, before any merge
    policy = metadata_policy.combine_types(
        [statement.metadata_policy for statement in reversed(statements)], critical=critical
    )
    resolved = metadata_policy.apply_types(policy, kept)
    _check_issuer_identifier(configuration.sub, resolved)
    return resolved


def _overlay(own: Metadata, superior: Metadata) -> Metadata:
    """The immediate superior's ``metadata`` wins, for the types that the subject says it is (§3.1.1)."""
    return {kind: {**parameters, **superior.get(kind, {})} for kind, parameters in own.items()}


def _check_issuer_identifier(entity_id: str, metadata: Metadata) -> None:
    for kind in ("openid_provider", "oauth_authorization_server"):
        if metadata.get(kind, {}).get("issuer", entity_id) != entity_id:  # Federation §5.1.3: MUST equal
            raise Refusal(Reason.POLICY_VIOLATION, "an issuer that is not the entity identifier")


# --- marks ---------------------------------------------------------------------------------------------------------


def _accept_mark(
    text: str,
    mark_type: str,
    chain: TrustChain,
    anchor: EntityConfiguration,
    issuers: Sequence[TrustChain],
    *,
    now: int,
) -> TrustMark:
    issuer = str(jws.parse_unverified(text, TRUST_MARK).claims.get("iss"))
    check_issuer(mark_type, issuer, anchor=chain.anchor, trust_mark_issuers=anchor.trust_mark_issuers)
    return verify_trust_mark(
        text,
        holder=chain.entity_id,
        mark_type=mark_type,
        issuer_keys=_mark_keys(issuer, chain, issuers, now=now),
        issuer=issuer,
        now=now,
        owners=anchor.trust_mark_owners,
    )


def _mark_keys(issuer: str, chain: TrustChain, issuers: Sequence[TrustChain], *, now: int) -> KeySet:
    if issuer == chain.anchor:
        return chain.anchor_keys
    for candidate in issuers:
        if candidate.entity_id == issuer and candidate.anchor == chain.anchor and now < candidate.expires_at:
            return candidate.keys
    raise Refusal(Reason.UNTRUSTED_ISSUER, "the issuer of a trust mark has no chain to the anchor")

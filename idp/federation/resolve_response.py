"""The resolve endpoint's answer (Federation §8.3): what this node's policy makes of a subject, with the proof."""

from collections.abc import Sequence
from typing import Any

from idp import conf
from idp.federation import resolution, signing
from idp.federation.errors import FederationError
from idp.protocol import jws
from idp.protocol.jws import TokenType
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain, require_mark

RESOLVE_RESPONSE = TokenType(
    "resolve-response+jwt", required=("iss", "sub", "iat", "exp", "metadata"), max_bytes=1 << 20
)


def respond(*, subject: str, trust_anchors: Sequence[str], entity_types: Sequence[str], now: int) -> str:
    """The signed answer. Raises `FederationError`.

    Callers are not authenticated, so only what is at hand is answered: a stranger must not send this node searching
    (§18.1). `manage.py federation resolve` searches.
    """
    node = conf.authority().entity_id
    if not trust_anchors:
        raise FederationError("invalid_request", "trust_anchor is needed")
    if node not in trust_anchors:
        raise FederationError("invalid_trust_anchor", "this resolver knows one trust anchor, itself")
    chain = _chain(subject, now)
    metadata = {
        entity_type: dict(members)
        for entity_type, members in chain.metadata.items()
        if not entity_types or entity_type in entity_types
    }
    marks, marks_until = _verified_marks(chain, now)
    claims: dict[str, Any] = {
        "iss": node,
        "sub": subject,
        "iat": now,
        "exp": min(chain.expires_at, *marks_until),
        "metadata": metadata,
        "trust_chain": list(chain.statements),
    }
    if marks:
        claims["trust_marks"] = marks
    return jws.sign(RESOLVE_RESPONSE, claims, signing.signer("federation"))


def _chain(subject: str, now: int) -> TrustChain:
    try:
        chain = resolution.cached(subject, now=now)
    except Refusal as refusal:
        if refusal.reason is Reason.POLICY_VIOLATION:
            raise FederationError("invalid_metadata", "the metadata does not pass the policy") from refusal
        raise FederationError("invalid_trust_chain", "the trust chain does not hold") from refusal
    if chain is None:
        raise FederationError("not_found", "no trust chain of this subject is at hand")
    return chain


def _verified_marks(chain: TrustChain, now: int) -> tuple[list[dict[str, str]], list[int]]:
    """The subject's marks that verify, and when they end; a mark that does not is left out (§8.3.2)."""
    anchor = resolution.anchor_configuration(now)
    good, until = [], [chain.expires_at]
    for mark in chain.trust_marks:
        try:
            verified = require_mark(chain, mark["trust_mark_type"], anchor_configuration=anchor, now=now)
        except Refusal:
            continue
        good.append({"trust_mark_type": mark["trust_mark_type"], "trust_mark": verified.text})
        until.append(verified.exp or chain.expires_at)
    return good, until

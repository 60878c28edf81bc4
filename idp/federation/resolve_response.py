"""The resolve endpoint's answer (Federation §8.3): what this node's policy makes of a subject, with the proof."""

from collections.abc import Sequence
from typing import Any

from idp import conf
from idp.federation import marks, resolution, signing
from idp.federation.errors import FederationError
from idp.protocol import jws
from idp.protocol.jws import TokenType
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain

RESOLVE_RESPONSE = TokenType(
    "resolve-response+jwt", required=("iss", "sub", "iat", "exp", "metadata", "trust_chain"), max_bytes=1 << 20
)
MAX_MARKS = 16  # of one subject that are looked at


def respond(
    *, subject: str, trust_anchors: Sequence[str], entity_types: Sequence[str], now: int, caller: str | None = None
) -> str:
    """The signed answer. Raises `FederationError`, or `Unavailable` when the search met nobody.

    A stranger gets only what is at hand: it must not send this node searching (§18.1). For an authenticated ``caller``
    the node searches, within the bounds of any discovery, and addresses the answer to it.
    """
    node = conf.authority().entity_id
    if not trust_anchors:
        raise FederationError("invalid_request", "trust_anchor is needed")
    if node not in trust_anchors:
        raise FederationError("invalid_trust_anchor", "this resolver knows one trust anchor, itself")
    chain = _chain(subject, now, search=caller is not None)
    shown, marks_until = _verified_marks(chain, now)
    claims: dict[str, Any] = {
        "iss": node,
        "sub": subject,
        "iat": now,
        "exp": min(chain.expires_at, *marks_until),
        "metadata": {
            entity_type: dict(members)
            for entity_type, members in chain.metadata.items()
            if not entity_types or entity_type in entity_types
        },
        "trust_chain": list(chain.statements),
    }
    if caller is not None:
        claims["aud"] = caller
    if shown:
        claims["trust_marks"] = shown
    return jws.sign(RESOLVE_RESPONSE, claims, signing.signer("federation"))


def _chain(subject: str, now: int, *, search: bool) -> TrustChain:
    try:
        chain = resolution.resolve(subject, now=now) if search else resolution.cached(subject, now=now)
    except Refusal as refusal:
        raise _refused(refusal, search) from refusal
    if chain is None:
        raise FederationError("not_found", "no trust chain of this subject is at hand")
    return chain


def _refused(refusal: Refusal, search: bool) -> FederationError:
    """§8.9: invalid_subject for whom we cannot resolve at all, the others for a chain that is there and fails."""
    if refusal.reason is Reason.POLICY_VIOLATION:
        return FederationError("invalid_metadata", "the metadata does not pass the policy")
    if search and refusal.reason in (Reason.UNTRUSTED_ISSUER, Reason.MALFORMED):
        return FederationError("invalid_subject", "no trust chain leads from this subject to the trust anchor")
    return FederationError("invalid_trust_chain", "the trust chain does not hold")


def _verified_marks(chain: TrustChain, now: int) -> tuple[list[dict[str, str]], list[int]]:
    """The subject's marks that verify, and when they end; a mark that does not is left out (§8.3.2)."""
    good, until = [], [chain.expires_at]
    for mark_type in dict.fromkeys(mark["trust_mark_type"] for mark in chain.trust_marks[:MAX_MARKS]):
        try:
            verified = resolution.verified_mark(chain, mark_type, now=now)
            if verified.iss == chain.anchor and marks.state(verified.text, now) != "active":
                continue  # our own, taken back: the signature alone would not tell (§8.3)
        except (Refusal, marks.UnableToMark):
            continue
        good.append({"trust_mark_type": mark_type, "trust_mark": verified.text})
        until.append(verified.exp or chain.expires_at)
    return good, until

"""Effects as the policy editor shows them, and what a waiting proposal comes to."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from idp.federation import held, terms
from idp.federation.columns import shown
from idp.federation.models import Peer
from idp.federation.recognition import payloads, wording
from idp.federation.rehearsal import Verdict
from idp.federation.terms import Terms
from idp.office.trust.effects import Need, Touched
from idp.office.trust.entity import differences
from idp.office.trust.entity_page import as_text
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Unavailable

NEEDS = {
    Need.ISSUER: gettext_lazy("issuer of border tokens for our gates"),
    Need.PROVIDER: gettext_lazy("provider for logins across the border"),
    Need.CLIENT: gettext_lazy("client at this node"),
    Need.CHECKPOINT: gettext_lazy("checkpoint that our tokens are for"),
    Need.ENTITY: gettext_lazy("entity"),
}


@dataclass(frozen=True)
class Row:
    """One entity, before and after."""

    entity_id: str
    need: Any
    sign: str
    outcome: str
    before: str  # why it is refused; empty where it is not
    after: str
    changes: list[tuple[str, str, str, str]]  # entity type, parameter, before, after
    note: str


def row(item: Touched) -> Row:
    """What the change does to one entity, in words."""
    effect = item.effect
    sign, outcome = _outcome(item)
    both = effect.before.refused is None and effect.after.refused is None
    changes = differences(effect.before.metadata, effect.after.metadata) if both else iter(())
    note = ""
    if item.known.keeps_until is not None and effect.changed:
        note = _("It registered explicitly and keeps what it registered with until %s.") % shown(item.known.keeps_until)
    return Row(
        effect.subject.entity_id,
        NEEDS[item.known.need],
        sign,
        outcome,
        _why(effect.before),
        _why(effect.after),
        [(kind, name, as_text(old, short=True), as_text(new, short=True)) for kind, name, old, new in changes],
        note,
    )


def summary(touched: Sequence[Touched]) -> str:
    """How many of each sort, in one line."""
    effects = [item.effect for item in touched]
    return _("%(refused)d refused, %(accepted)d accepted, %(changed)d otherwise changed, %(same)d as before.") % {
        "refused": sum(effect.refused for effect in effects),
        "accepted": sum(effect.accepted for effect in effects),
        "changed": sum(effect.changed and not effect.refused and not effect.accepted for effect in effects),
        "same": sum(not effect.changed for effect in effects),
    }


def terms_after(peer: Peer, proposal: Proposal) -> Terms | None:
    """The terms that a proposal comes to; None where it cannot be read, or is about another peer of this name."""
    try:
        payload = payloads.read(proposal.kind, proposal.payload)
    except Unacceptable:
        return None
    if payload["since"] != peer.proposed_at:
        return None
    if proposal.kind == payloads.RENEW:
        return dataclasses.replace(terms.of(peer), valid_until=payload["valid_until"])
    after: Terms = payload["terms"]
    return after


def constraints(peer: Peer) -> list[tuple[str, str]]:
    """Label and text of the constraints that stand."""
    words = wording.of_terms(terms.of(peer))
    return [words[name] for name in ("max_path_length", "allowed_entity_types", "naming_constraints")]


def parameters(peer: Peer, *, now: int) -> list[str]:
    """Names of metadata parameters that the peer and the minimum speak of, for the officer to choose from."""
    text = held.configuration(peer.entity_id, now)
    metadata = {} if text is None else parse_unverified(text, ENTITY_STATEMENT).claims.get("metadata", {})
    parts = [*metadata.values(), *terms.minimum(peer.entity_id).values(), *peer.metadata_policy.values()]
    return sorted({str(name) for part in parts if isinstance(part, dict) for name in part})


def _outcome(item: Touched) -> tuple[str, str]:
    effect = item.effect
    if effect.refused and not isinstance(effect.after.refused, Unavailable):
        return "✕", _("would be refused")
    if effect.accepted:
        return "●", _("would be accepted")
    if isinstance(effect.after.refused, Unavailable):
        return "?", _("not known: nobody answered")
    if effect.after.refused is not None:
        return "○", _("refused before and after")
    return ("△", _("other metadata")) if effect.changed else ("●", _("as before"))


def _why(verdict: Verdict) -> str:
    return "" if verdict.refused is None else str(verdict.refused)

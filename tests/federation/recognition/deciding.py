"""Two officers, and a proposal about a peer as one writes and the other approves it."""

from typing import Any

from idp.federation import peering, terms
from idp.federation.models import Peer
from idp.federation.recognition import payloads
from idp.federation.terms import Terms
from idp.proposals import proposing
from idp.proposals.models import Proposal
from tests.conftest import NOW
from tests.proposals.officers import FIRST, SECOND, appoint
from tests.simulators.federation import AuthoritySimulator

__all__ = ["FIRST", "SECOND", "announce", "approved", "proposed", "recognition", "renewal"]


def recognition(authority: AuthoritySimulator, **changes: Any) -> dict[str, Any]:
    """What is proposed of an entity that is not known."""
    payload = {"entity_id": authority.entity_id, "since": None, "jwks": authority.keys.jwks(), "name": {"en": "CN"}}
    return {**payload, "accept": False, "terms": payloads.written(Terms()), **changes}


def renewal(peer: Peer, until: int, **changes: Any) -> dict[str, Any]:
    before = terms.of(peer)
    facts = {"valid_until": until, "legal_basis": before.legal_basis, "contract": "HK-CN-8"}
    return payloads.about(peer, before=terms.digest(before), **{**facts, **changes})


def proposed(kind: str, payload: dict[str, Any], *, now: int = NOW, officer: str = FIRST) -> Proposal:
    appoint(FIRST, SECOND)
    facts = {"subject": str(payload.get("entity_id"))[:255], "why": "the ministry asked for it"}
    return proposing.propose(kind=kind, payload=payload, officer=officer, now=now, **facts)


def approved(kind: str, payload: dict[str, Any], *, now: int = NOW) -> Peer:
    """Proposed by the first officer and approved by the second; the peer as it stands then."""
    proposing.approve(proposal=proposed(kind, payload, now=now), officer=SECOND, now=now)
    return Peer.objects.get(entity_id=payload["entity_id"])


def announce(peer: Peer, authority: AuthoritySimulator, *, now: int = NOW) -> None:
    """Have the peer's new keys seen in its configuration."""
    peering.observe(peer, peering.fetch_configuration(authority.entity_id, now=now), now=now)

"""One officer suspends at once; another reviews it, and two lift it."""

import pytest

from idp.audit.models import AuditEvent
from idp.federation import peering, statements
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.federation.recognition import suspending
from idp.proposals.models import Review
from tests.conftest import NOW
from tests.federation.recognition.deciding import FIRST


@pytest.fixture
def peer(cn: str) -> Peer:
    return Peer.objects.get(entity_id=cn)


def test_a_suspension_waits_for_anybody_or_goes_unreviewed(node: str, peer: Peer) -> None:
    suspending.suspend(peer=peer, why="its keys were stolen", officer=FIRST, now=NOW)
    assert Peer.objects.get().standing == "suspended"
    with pytest.raises(statements.UnableToState):
        statements.subordinate_statement(peer.entity_id, NOW)
    review = Review.objects.get()
    assert (review.kind, review.subject, review.acted_by) == ("federation.peer_suspended", peer.entity_id, FIRST)
    assert review.what == "suspended: its keys were stolen"
    event = AuditEvent.objects.get(kind="federation.peer.suspended")
    assert (event.actor, event.data) == (FIRST, {"why": "its keys were stolen"})


@pytest.mark.parametrize("why", ["", "  ", "x" * 401], ids=["none", "blank", "long"])
def test_nobody_says_why(node: str, peer: Peer, why: str) -> None:
    with pytest.raises(UnableToPeer, match="say why"):
        suspending.suspend(peer=peer, why=why, officer=FIRST, now=NOW)
    assert Peer.objects.get().standing == "one-sided" and not Review.objects.exists()


@pytest.mark.parametrize("act", ["suspend", "end"])
def test_a_review_is_asked_for_where_nothing_was_done(node: str, peer: Peer, act: str) -> None:
    getattr(peering, act)(peer, officer=FIRST)
    with pytest.raises(UnableToPeer):
        suspending.suspend(peer=peer, why="once more", officer=FIRST, now=NOW)
    assert not Review.objects.exists()

"""Suspending a peer at once: the one change of trust that one officer makes alone, to be reviewed by another."""

from django.db import transaction

from idp.federation import peering
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.proposals import reviews

SUSPENDED = "federation.peer_suspended"  # a review's kind
MAX_WHY = 400  # characters; the review's line has a little more


@transaction.atomic
def suspend(*, peer: Peer, why: str, officer: str, now: int) -> Peer:
    """Turn both switches off at once; to turn them on again takes two officers.

    Raises `UnableToPeer` without a reason, and for a peer that is suspended or ended.
    """
    why = why.strip()
    if not why or len(why) > MAX_WHY:
        raise UnableToPeer("invalid_request", f"say why, in at most {MAX_WHY} characters")
    standing = Peer.objects.select_for_update().get(pk=peer.pk)
    if standing.suspended_at is not None:
        raise UnableToPeer("conflict", "it is suspended")
    suspended = peering.suspend(standing, officer=officer, facts={"why": why})
    reviews.record(kind=SUSPENDED, subject=peer.entity_id, what=f"suspended: {why}", officer=officer, now=now)
    return suspended

"""What follows from an admission at a gate of ours: a receipt owed to the issuer of a peer's token."""

from collections.abc import Sequence

from django.db import transaction

from idp.border.admitted import Admitted
from idp.border.models import OutgoingReceipt, ReceiptQueue
from idp.conf import authority


def note(*, admitted: Sequence[Admitted], now: int) -> None:
    """Take note of what a batch of a lane's journal let through, in the transaction that records the batch.

    Idempotent: a token that comes again, from another lane for instance, owes no second receipt. ``now`` in seconds.
    Raises RuntimeError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("what follows from an admission belongs into the transaction that records it")
    own = authority().entity_id
    _owe([item for item in admitted if item.issuer != own and item.jti], now=now)  # no receipt can name an empty jti


def _owe(admitted: Sequence[Admitted], *, now: int) -> None:
    """Peers learn that their tokens were used: once each, however many lanes admitted one."""
    if not admitted:
        return
    queues = [ReceiptQueue(recipient=peer, next_attempt_at=now) for peer in sorted({item.issuer for item in admitted})]
    ReceiptQueue.objects.bulk_create(queues, ignore_conflicts=True)
    receipts = [
        OutgoingReceipt(
            recipient=item.issuer,
            token_jti=item.jti,
            checkpoint=item.checkpoint,
            direction=item.direction,
            at=item.at,
            lane=item.lane,
            seq=item.seq,
            subject=item.subject,
        )
        for item in admitted
    ]
    OutgoingReceipt.objects.bulk_create(receipts, ignore_conflicts=True)

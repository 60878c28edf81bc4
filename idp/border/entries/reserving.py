"""What follows from an admission at a gate of ours: a peer's token owes a receipt, our own goes into our books."""

from collections.abc import Sequence

from django.db import transaction

from idp.border.admitted import Admitted
from idp.border.entries.confirming import Confirmation, confirm
from idp.border.models import IssuedToken, OutgoingReceipt, ReceiptQueue
from idp.conf import authority
from idp.plain_rows import insert_new

_RECEIPT = ("recipient", "token_jti", "checkpoint", "direction", "at", "lane", "seq", "subject")


def note(*, admitted: Sequence[Admitted], now: int) -> None:
    """Take note of what a batch of a lane's journal let through, in the transaction that records the batch.

    Idempotent: a token that comes again, from another lane for instance, owes no second receipt. ``now`` in seconds.
    Raises RuntimeError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("what follows from an admission belongs into the transaction that records it")
    own = authority().entity_id
    _owe([item for item in admitted if item.issuer != own and item.jti], now=now)  # no receipt can name an empty jti
    _confirm([item for item in admitted if item.issuer == own], now=now)


def _confirm(admitted: Sequence[Admitted], *, now: int) -> None:
    """An exit on an endorsement for where it leads reserves an entry; the gate has checked what the token is for."""
    if not admitted:
        return
    tokens = IssuedToken.objects.filter(jti__in=[item.jti for item in admitted], authority=authority().entity_id)
    by_jti = {token.jti: token for token in tokens.select_related("endorsement")}
    known = [Confirmation(by_jti[item.jti], item.at) for item in admitted if item.jti in by_jti]
    if known:
        confirm(confirmations=known, actor=f"{admitted[0].checkpoint}#{admitted[0].lane}", now=now)


def _owe(admitted: Sequence[Admitted], *, now: int) -> None:
    """Peers learn that their tokens were used: once each, however many lanes admitted one."""
    if not admitted:
        return
    queues = [ReceiptQueue(recipient=peer, next_attempt_at=now) for peer in sorted({item.issuer for item in admitted})]
    ReceiptQueue.objects.bulk_create(queues, ignore_conflicts=True)
    rows = [
        (item.issuer, item.jti, item.checkpoint, item.direction, item.at, item.lane, item.seq, item.subject)
        for item in admitted
    ]
    insert_new(OutgoingReceipt, _RECEIPT, rows)

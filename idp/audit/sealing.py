"""Sealing: committed events become leaves of the Merkle tree, in the order in which they are found committed.

An event is inserted without a place in the tree, so that no two writers ever wait for one another; the sealer gives it
one within a second. Several sealers may run: the one row of `Sealer` moves on for one of them only.
"""

from django.db import transaction
from django.db.models import Min

from idp.audit import tree
from idp.audit.models import AuditEvent, SealedEvent, Sealer, TreeHead, TreeNode, UnsealedEvent
from idp.protocol import merkle, strict_json

BATCH = 1000  # events sealed in one transaction
ALARM_AFTER = 10  # seconds that an event may wait for its seal


def leaf_data(event: AuditEvent) -> bytes:
    """The bytes that are hashed for ``event``: a JSON array with sorted members, the same on every database."""
    return strict_json.dumps([event.pk, event.kind, event.actor, event.subject, _sorted(event.data), event.at])


def seal(now: int) -> int:
    """Append every committed event that has no place yet; a new tree head for each batch. Returns how many.

    ``now`` in seconds since 1970. Safe to run anywhere at any time: a sealer that loses the race appends nothing.
    """
    total = 0
    while appended := _seal_batch(now):
        total += appended
        if appended < BATCH:
            break
    return total


def overdue(now: int) -> int:
    """For how many seconds beyond `ALARM_AFTER` the oldest unsealed event waits; 0 when all is well."""
    oldest = UnsealedEvent.objects.aggregate(at=Min("event__at"))["at"]
    return 0 if oldest is None else max(0, now - oldest - ALARM_AFTER)


@transaction.atomic
def _seal_batch(now: int) -> int:
    sealer = Sealer.objects.get_or_create(pk=1)[0]
    waiting = list(AuditEvent.objects.filter(unsealed__isnull=False).order_by("pk")[:BATCH])
    if not waiting:
        return 0
    frontier = merkle.Frontier(sealer.size, [bytes.fromhex(item) for item in sealer.frontier])
    leaves, nodes = [], []
    for event in waiting:
        leaf, index = merkle.leaf_hash(leaf_data(event)), frontier.size
        leaves.append(SealedEvent(index=index, event=event, leaf_hash=leaf))
        nodes += tree.completed(index, frontier.append(leaf))
    moved = Sealer.objects.filter(pk=1, size=sealer.size).update(
        size=frontier.size, frontier=[item.hex() for item in frontier.hashes]
    )
    if moved != 1:  # another sealer was first: nothing was written yet
        return 0
    SealedEvent.objects.bulk_create(leaves)
    TreeNode.objects.bulk_create(nodes)
    UnsealedEvent.objects.filter(pk__in=[event.pk for event in waiting]).delete()
    TreeHead.objects.create(size=frontier.size, root=frontier.root(), at=now)
    return len(leaves)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value

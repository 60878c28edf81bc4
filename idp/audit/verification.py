"""Verification of the whole record: every event hashed again, every head computed again."""

from collections.abc import Iterator

from idp.audit import sealing
from idp.audit.models import SealedEvent, Sealer, TreeHead
from idp.protocol import merkle

CHUNK = 2000  # rows read at a time


def findings(now: int, *, expected: tuple[int, bytes] | None = None) -> Iterator[str]:
    """What is broken, one line each; nothing when all holds. ``now`` in seconds since 1970.

    ``expected`` is a tree head (size, root) that was noted elsewhere: without one, a record that was cut at its end and
    sealed again cannot be told from a shorter one.
    """
    heads = {head.size: bytes(head.root) for head in TreeHead.objects.all()}
    if expected is not None:
        size, root = expected
        if heads.setdefault(size, root) != root:
            yield f"tree head {size} is not the one that was noted elsewhere"
    frontier = merkle.Frontier()
    for leaf in SealedEvent.objects.select_related("event").order_by("index").iterator(chunk_size=CHUNK):
        if leaf.index != frontier.size:
            yield f"leaf {frontier.size} is missing"
            return  # every hash beyond would be wrong too and say nothing
        if merkle.leaf_hash(sealing.leaf_data(leaf.event)) != bytes(leaf.leaf_hash):
            yield f"event {leaf.event_id} (leaf {leaf.index}) was changed after it was sealed"
        frontier.append(bytes(leaf.leaf_hash))
        if heads.pop(frontier.size, None) not in (None, frontier.root()):
            yield f"tree head {frontier.size} does not match the leaves"
    yield from _end(frontier, heads)
    if late := sealing.overdue(now):
        yield f"unsealed events: the oldest is {late + sealing.ALARM_AFTER} seconds old"


def _end(frontier: merkle.Frontier, heads: dict[int, bytes]) -> Iterator[str]:
    for size in sorted(heads):
        yield f"tree head {size} covers leaves that are missing"
    if frontier.size and not TreeHead.objects.filter(size=frontier.size).exists():
        yield f"the last {frontier.size} leaves have no tree head"
    sealer = Sealer.objects.filter(pk=1).first()
    at = (sealer.size, [bytes.fromhex(item) for item in sealer.frontier]) if sealer else (0, [])
    if at != (frontier.size, list(frontier.hashes)):
        yield "the sealer stands at another place than the leaves"

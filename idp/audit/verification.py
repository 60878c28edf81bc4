"""Verification of the whole record: every event hashed again, every head and every stored subtree computed again."""

from collections.abc import Callable, Iterable, Iterator

from idp.audit import sealing, tree
from idp.audit.models import SealedEvent, Sealer, TreeHead, TreeNode
from idp.protocol import merkle

CHUNK = 2000  # rows read at a time
_TILE = 1 << tree.TILE  # leaves of the smallest subtree that is stored

Verifier = Callable[[int], Iterable[str]]
Progress = Callable[[int], None]  # is told how many leaves are done
_others: list[Verifier] = []  # filled by AppConfig.ready and by nobody later


def contribute(verifier: Verifier) -> None:
    """Have a higher room say what it knows to be broken of the record. Called from its ``AppConfig.ready``."""
    _others.append(verifier)


def _unheard(done: int) -> None:
    """Nobody listens."""


def findings(now: int, *, expected: tuple[int, bytes] | None = None, progress: Progress = _unheard) -> Iterator[str]:
    """What is broken, one line each; nothing when all holds. ``now`` in seconds since 1970.

    ``expected`` is a tree head (size, root) that was noted elsewhere: without one, a record that was cut at its end and
    sealed again cannot be told from a shorter one.
    """
    heads = {head.size: bytes(head.root) for head in TreeHead.objects.all()}
    if expected is not None:
        size, root = expected
        if heads.setdefault(size, root) != root:
            yield f"tree head {size} is not the one that was noted elsewhere"
    yield from _Walk(heads, progress).findings()
    for verifier in _others:
        yield from verifier(now)
    if late := sealing.overdue(now):
        yield f"unsealed events: the oldest is {late + sealing.ALARM_AFTER} seconds old"


def range_findings(first: int, last: int, *, progress: Progress = _unheard) -> Iterator[str]:
    """What is broken among the leaves ``first`` ≤ n < ``last``, one line each.

    Events are hashed again, the full subtrees that lie within computed again, and each head of a size within is held
    against the tree as it is stored.
    """
    expected, tile = first, list[bytes]()
    leaves = SealedEvent.objects.filter(index__gte=first, index__lt=last).select_related("event").order_by("index")
    for leaf in leaves.iterator(chunk_size=CHUNK):
        if leaf.index != expected:
            break
        yield from _changed(leaf)
        tile = [*(tile if leaf.index % _TILE else []), bytes(leaf.leaf_hash)]
        expected += 1
        if len(tile) == _TILE:
            yield from _tile(leaf.index >> tree.TILE, merkle.root(tile))
        if (expected - first) % CHUNK == 0:
            progress(expected - first)
    yield from _heads(first, last) if expected == last else [f"leaf {expected} is missing"]


def _changed(leaf: SealedEvent) -> Iterator[str]:
    if merkle.leaf_hash(sealing.leaf_data(leaf.event)) != bytes(leaf.leaf_hash):
        yield f"event {leaf.event_id} (leaf {leaf.index}) was changed after it was sealed"


def _heads(first: int, last: int) -> Iterator[str]:
    for head in TreeHead.objects.filter(size__gt=first, size__lte=last).order_by("size"):
        if tree.root_at(head.size) != bytes(head.root):
            yield f"tree head {head.size} does not match the leaves"


def _tile(number: int, root: bytes) -> Iterator[str]:
    stored = TreeNode.objects.filter(level=tree.TILE, index=number).values_list("hash", flat=True).first()
    if stored is None or bytes(stored) != root:
        yield f"the stored root of subtree {tree.TILE}/{number} does not match its leaves"


class _Walk:
    """Once through all leaves; what was promised of them and not met yet."""

    def __init__(self, heads: dict[int, bytes], progress: Progress) -> None:
        self._heads, self._progress = heads, progress
        self._nodes = {(node.level, node.index): bytes(node.hash) for node in TreeNode.objects.all()}
        self._frontier = merkle.Frontier()

    def findings(self) -> Iterator[str]:
        for leaf in SealedEvent.objects.select_related("event").order_by("index").iterator(chunk_size=CHUNK):
            if leaf.index != self._frontier.size:
                yield f"leaf {self._frontier.size} is missing"
                return  # every hash beyond would be wrong too and say nothing
            yield from self._leaf(leaf)
            if self._frontier.size % CHUNK == 0:
                self._progress(self._frontier.size)
        yield from self._end()

    def _leaf(self, leaf: SealedEvent) -> Iterator[str]:
        frontier, found = self._frontier, bytes(leaf.leaf_hash)
        yield from _changed(leaf)
        for node in tree.completed(leaf.index, frontier.append(found)):
            if self._nodes.pop((node.level, node.index), None) != node.hash:
                yield f"the stored root of subtree {node} does not match its leaves"
        if self._heads.pop(frontier.size, None) not in (None, frontier.root()):
            yield f"tree head {frontier.size} does not match the leaves"

    def _end(self) -> Iterator[str]:
        for size in sorted(self._heads):
            yield f"tree head {size} covers leaves that are missing"
        for level, index in sorted(self._nodes):
            yield f"the stored root of subtree {level}/{index} covers leaves that are missing"
        frontier = self._frontier
        if frontier.size and not TreeHead.objects.filter(size=frontier.size).exists():
            yield f"the last {frontier.size} leaves have no tree head"
        sealer = Sealer.objects.filter(pk=1).first()
        at = (sealer.size, [bytes.fromhex(item) for item in sealer.frontier]) if sealer else (0, [])
        if at != (frontier.size, list(frontier.hashes)):
            yield "the sealer stands at another place than the leaves"

"""The tree as it is stored: its leaves, and the root of every full subtree of 2^8, 2^16, … leaves.

What lies between is computed from at most 256 hashes below it, so that a proof reads a few thousand rows whatever the
size of the tree, and a sealed event costs one row more in 256.
"""

from collections.abc import Callable, Sequence

from idp.audit.models import SealedEvent, Sealer, TreeHead, TreeNode
from idp.protocol import merkle

TILE = 8  # levels between two that are stored
ROWS_KEPT = 1024  # of 256 hashes, by a prover: 8 MB

Prover = Callable[[int], list[bytes]]


def size() -> int:
    """How many leaves there are."""
    return int(Sealer.objects.filter(pk=1).values_list("size", flat=True).first() or 0)


def newest_head() -> TreeHead | None:
    """The head over all that is sealed; None for an empty tree."""
    head: TreeHead | None = TreeHead.objects.order_by("-size").first()
    return head


def completed(leaf: int, full: Sequence[bytes]) -> list[TreeNode]:
    """The rows to store for the subtrees ``full`` (by level) that are full with the leaf of this number."""
    levels = range(TILE, len(full), TILE)
    return [TreeNode(level=level, index=leaf >> level, hash=full[level]) for level in levels]


def root_at(size: int) -> bytes:
    """The root that the tree had with ``size`` leaves. Raises RuntimeError where there are not so many."""
    return merkle.root_at(size, _Stored())


def inclusion_proof(index: int, size: int) -> list[bytes]:
    """That the leaf ``index`` is in the tree of ``size`` leaves (RFC 9162 §2.1.3.1). Raises RuntimeError."""
    return merkle.inclusion_proof(index, size, _Stored())


def prover(size: int) -> Prover:
    """Inclusion proofs in the tree of ``size`` leaves, for many leaves in order: rows of hashes are read once."""
    stored = _Stored()

    def prove(index: int) -> list[bytes]:
        stored.forget(beyond=ROWS_KEPT)
        return merkle.inclusion_proof(index, size, stored)

    return prove


def consistency_proof(first: int, second: int) -> list[bytes]:
    """That the tree of ``first`` leaves began that of ``second`` (RFC 9162 §2.1.4.1). Raises RuntimeError."""
    return merkle.consistency_proof(first, second, _Stored())


class _Stored:
    """A `merkle.Node` over the database; a row of hashes is read once for each proof."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        base = level - level % TILE
        count = 1 << (level - base)
        first = index * count
        row = self._row(base, first >> TILE)[first % (1 << TILE) :][:count]
        if len(row) != count:
            raise RuntimeError("the tree has no such subtree")
        return merkle.root(row)

    def forget(self, *, beyond: int) -> None:
        """Let go of everything when more than so many rows are kept."""
        if len(self._rows) > beyond:
            self._rows.clear()

    def _row(self, base: int, number: int) -> list[bytes]:
        if (base, number) not in self._rows:
            first, last = number << TILE, (number + 1) << TILE
            if base == 0:
                found = SealedEvent.objects.filter(index__gte=first, index__lt=last).order_by("index")
                hashes = found.values_list("leaf_hash", flat=True)
            else:
                nodes = TreeNode.objects.filter(level=base, index__gte=first, index__lt=last).order_by("index")
                hashes = nodes.values_list("hash", flat=True)
            self._rows[base, number] = [bytes(item) for item in hashes]
        return self._rows[base, number]

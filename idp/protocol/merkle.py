"""The Merkle tree of RFC 9162 §2.1 over SHA-256: roots, proofs, and a frontier that appends without the whole tree.

All hashes are 32 bytes. A tree of ``n`` leaves is what §2.1.1 calls D_n.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from idp.protocol.refusals import Reason, Refusal

HASH_BYTES = 32
Node = Callable[[int, int], bytes]  # (level, index): the root of the full subtree of 2^level leaves with this number
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 9162 §2.1.1


def leaf_hash(data: bytes) -> bytes:
    """HASH(0x00 || data) (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """HASH(0x01 || left || right) (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the full subtrees of a tree, largest first: all that appending needs.

    Sizes of the subtrees are the powers of two in ``size``.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take up a tree of ``size`` leaves again. Raises RuntimeError when ``hashes`` cannot be its frontier."""
        if size < 0 or len(hashes) != size.bit_count() or any(len(item) != HASH_BYTES for item in hashes):
            raise RuntimeError("these hashes are not the frontier of a tree of this size")
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Append one leaf hash; the roots of the subtrees that are full with it, by level, the leaf itself first."""
        size, full = self._size, [leaf]
        while size & 1:
            full.append(node_hash(self._hashes.pop(), full[-1]))
            size >>= 1
        self._hashes.append(full[-1])
        self._size += 1
        return full

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self._hashes:
            return EMPTY_ROOT
        result = self._hashes[-1]
        for full in reversed(self._hashes[:-1]):
            result = node_hash(full, result)
        return result


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def of(leaves: Sequence[bytes]) -> Node:
    """The `Node` of a tree whose leaf hashes are all at hand."""
    return lambda level, index: root(leaves[index << level : (index + 1) << level])


def root_at(size: int, node: Node) -> bytes:
    """The root that the tree had with ``size`` leaves."""
    return _root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D_size) (RFC 9162 §2.1.3.1). Raises RuntimeError for a leaf outside the tree."""
    if not 0 <= index < size:
        raise RuntimeError("no such leaf")
    return _path(index, 0, size, node)


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf`` (a leaf hash) stands at ``index`` of the tree of ``size`` leaves with ``root``.

    RFC 9162 §2.1.3.2. Raises `Refusal` (malformed, bad_signature).
    """
    _check_proof(proof)
    if not 0 <= index < size:
        raise Refusal(Reason.MALFORMED, "the leaf lies outside the tree")
    first, last, result = index, size - 1, leaf
    for item in proof:
        if last == 0:
            raise Refusal(Reason.MALFORMED, "the inclusion proof is too long")
        if first & 1 or first == last:
            result = node_hash(item, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, item)
        first, last = first >> 1, last >> 1
    if last or result != root:
        raise Refusal(Reason.BAD_SIGNATURE, "the inclusion proof does not lead to the root")


def consistency_proof(first: int, second: int, node: Node) -> list[bytes]:
    """PROOF(first, D_second) (RFC 9162 §2.1.4.1): that the tree of ``first`` leaves is the beginning of the other.

    Raises RuntimeError for sizes out of order.
    """
    if not 0 < first <= second:
        raise RuntimeError("no such earlier tree")
    return _subproof(first, 0, second, node, whole=True)


def verify_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of ``first`` leaves is a beginning of the one of ``second`` leaves (RFC 9162 §2.1.4.2).

    Raises `Refusal` (malformed, bad_signature).
    """
    _check_proof(proof)
    if not 0 < first <= second:
        raise Refusal(Reason.MALFORMED, "sizes out of order")
    if first == second:
        if proof or first_root != second_root:
            raise Refusal(Reason.BAD_SIGNATURE, "two roots for one size")
        return
    path = list(proof)
    if first & (first - 1) == 0:  # step 2: a full tree is its own first element
        path.insert(0, first_root)
    if not path:
        raise Refusal(Reason.MALFORMED, "the consistency proof is empty")
    if _fold(path, first - 1, second - 1) != (first_root, second_root):
        raise Refusal(Reason.BAD_SIGNATURE, "the consistency proof does not lead to the roots")


def _fold(path: Sequence[bytes], first: int, last: int) -> tuple[bytes, bytes]:
    while first & 1:  # step 4
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for item in path[1:]:
        if last == 0:
            raise Refusal(Reason.MALFORMED, "the consistency proof is too long")
        if first & 1 or first == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, item)
        first, last = first >> 1, last >> 1
    if last:
        raise Refusal(Reason.MALFORMED, "the consistency proof is too short")
    return old, new


def _root(begin: int, end: int, node: Node) -> bytes:
    """The root over the leaves ``begin`` to ``end``, which the splits of §2.1.1 lead to."""
    size = end - begin
    if size & (size - 1) == 0:  # full, and so begun at a multiple of its size
        level = size.bit_length() - 1
        return node(level, begin >> level)
    split = begin + _split(size)
    return node_hash(_root(begin, split, node), _root(split, end, node))


def _path(index: int, begin: int, end: int, node: Node) -> list[bytes]:
    if end - begin == 1:
        return []
    split = begin + _split(end - begin)
    if index < split:
        return [*_path(index, begin, split, node), _root(split, end, node)]
    return [*_path(index, split, end, node), _root(begin, split, node)]


def _subproof(first: int, begin: int, end: int, node: Node, *, whole: bool) -> list[bytes]:
    if first == end:
        return [] if whole else [_root(begin, end, node)]
    split = begin + _split(end - begin)
    if first <= split:
        return [*_subproof(first, begin, split, node, whole=whole), _root(split, end, node)]
    return [*_subproof(first, split, end, node, whole=False), _root(begin, split, node)]


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_proof(proof: Sequence[bytes]) -> None:
    if len(proof) > 64 or any(len(item) != HASH_BYTES for item in proof):
        raise Refusal(Reason.MALFORMED, "a proof is at most 64 hashes of 32 bytes")

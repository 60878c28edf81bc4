"""The Merkle tree against the definition of RFC 9162 §2.1, known vectors, and its own proofs."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import merkle
from idp.protocol.refusals import Reason, Refusal

# The eight inputs and roots that certificate transparency implementations share (RFC 6962 reference tree).
INPUTS = [
    bytes.fromhex(item)
    for item in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SIZES = st.integers(min_value=1, max_value=70)


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def by_definition(items: list[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, word for word."""
    if not items:
        return hashlib.sha256(b"").digest()
    if len(items) == 1:
        return items[0]
    split = 1
    while split * 2 < len(items):
        split *= 2
    return hashlib.sha256(b"\x01" + by_definition(items[:split]) + by_definition(items[split:])).digest()


@pytest.mark.parametrize(("size", "expected"), ROOTS.items())
def test_the_roots_that_others_compute_too(size: int, expected: str) -> None:
    assert merkle.root(merkle.leaf_hash(item) for item in INPUTS[:size]).hex() == expected


@given(SIZES)
def test_the_frontier_is_the_definition(size: int) -> None:
    assert merkle.root(leaves(size)) == by_definition(leaves(size))


@given(SIZES, SIZES)
def test_a_frontier_taken_up_again_goes_on_where_it_stopped(first: int, more: int) -> None:
    frontier = merkle.Frontier()
    for leaf in leaves(first + more)[:first]:
        frontier.append(leaf)
    again = merkle.Frontier(frontier.size, frontier.hashes)
    for leaf in leaves(first + more)[first:]:
        again.append(leaf)
    assert again.root() == merkle.root(leaves(first + more))


@pytest.mark.parametrize(("size", "hashes"), [(3, [bytes(32)]), (1, [bytes(31)]), (-1, []), (0, [bytes(32)])])
def test_a_frontier_that_cannot_be_one_is_our_own_fault(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(RuntimeError):
        merkle.Frontier(size, hashes)


@given(st.data())
def test_every_leaf_has_a_proof_and_no_other_place_or_leaf_has_it(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    items = leaves(size)
    proof, root = merkle.inclusion_proof(index, len(items), merkle.of(items)), merkle.root(items)
    merkle.verify_inclusion(leaf=items[index], index=index, size=size, proof=proof, root=root)
    wrong = data.draw(st.integers(0, size))
    for leaf, place, steps in [
        (items[index], wrong, proof),
        (merkle.leaf_hash(b"another"), index, proof),
        (items[index], index, [*proof, bytes(32)]),
    ]:
        if (leaf, place, steps) != (items[index], index, proof):
            with pytest.raises(Refusal):
                merkle.verify_inclusion(leaf=leaf, index=place, size=size, proof=steps, root=root)


def test_a_proof_that_is_too_short_is_refused() -> None:
    """Invalid solely because the last hash of the proof is missing."""
    items = leaves(5)
    proof = merkle.inclusion_proof(2, len(items), merkle.of(items))[:-1]
    with pytest.raises(Refusal) as caught:
        merkle.verify_inclusion(leaf=items[2], index=2, size=5, proof=proof, root=merkle.root(items))
    assert caught.value.reason is Reason.BAD_SIGNATURE


@given(st.data())
def test_a_longer_tree_is_consistent_with_its_beginning_only(data: st.DataObject) -> None:
    second = data.draw(SIZES)
    first = data.draw(st.integers(1, second))
    items = leaves(second)
    old, new = merkle.root(items[:first]), merkle.root(items)
    proof = merkle.consistency_proof(first, len(items), merkle.of(items))
    merkle.verify_consistency(first=first, second=second, first_root=old, second_root=new, proof=proof)
    for wrong_old, wrong_new in [(bytes(32), new), (old, bytes(32))]:
        with pytest.raises(Refusal):
            merkle.verify_consistency(
                first=first, second=second, first_root=wrong_old, second_root=wrong_new, proof=proof
            )
    with pytest.raises(Refusal):
        merkle.verify_consistency(
            first=first, second=second, first_root=old, second_root=new, proof=[*proof, bytes(32)]
        )


def test_a_proof_for_four_leaves_says_nothing_of_eight() -> None:
    """Invalid solely because the proof ends before the size that is claimed."""
    items = leaves(4)
    with pytest.raises(Refusal):
        merkle.verify_consistency(
            first=2,
            second=8,
            first_root=merkle.root(items[:2]),
            second_root=merkle.root(items),
            proof=merkle.consistency_proof(2, len(items), merkle.of(items)),
        )


def test_a_changed_beginning_has_no_consistency_proof() -> None:
    """Invalid solely because one early leaf was replaced in the longer tree."""
    items = leaves(7)
    old = merkle.root(items[:4])
    changed = [merkle.leaf_hash(b"forged"), *items[1:]]
    with pytest.raises(Refusal):
        merkle.verify_consistency(
            first=4,
            second=7,
            first_root=old,
            second_root=merkle.root(changed),
            proof=merkle.consistency_proof(4, len(changed), merkle.of(changed)),
        )


@pytest.mark.parametrize(
    ("first", "second", "proof"), [(0, 3, []), (4, 3, []), (3, 5, []), (3, 5, [b"short"]), (3, 5, [bytes(32)] * 65)]
)
def test_a_consistency_proof_of_impossible_form_is_malformed(first: int, second: int, proof: list[bytes]) -> None:
    with pytest.raises(Refusal) as caught:
        merkle.verify_consistency(first=first, second=second, first_root=bytes(32), second_root=bytes(32), proof=proof)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("index", [-1, 5])
def test_a_proof_for_a_leaf_outside_the_tree_is_our_own_fault(index: int) -> None:
    with pytest.raises(RuntimeError):
        merkle.inclusion_proof(index, 5, merkle.of(leaves(5)))
    with pytest.raises(Refusal):
        merkle.verify_inclusion(leaf=bytes(32), index=index, size=5, proof=[], root=bytes(32))


@given(SIZES, SIZES)
def test_a_root_of_the_past_is_the_one_that_was_signed_then(size: int, more: int) -> None:
    items = leaves(size + more)
    assert merkle.root_at(size, merkle.of(items)) == merkle.root(items[:size])


@given(SIZES)
def test_the_subtrees_that_a_leaf_completes_are_those_of_the_tree(size: int) -> None:
    items, frontier = leaves(size), merkle.Frontier()
    for number, leaf in enumerate(items):
        for level, found in enumerate(frontier.append(leaf)):
            assert found == merkle.of(items)(level, number >> level)

"""The stored tree gives the same roots and proofs as the leaves themselves, and notices what does not match them."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from idp.audit import events, sealing, tree, verification
from idp.audit.models import AuditEvent, SealedEvent, TreeNode, UnsealedEvent
from idp.protocol import merkle
from idp.protocol.tree_head import parse_proof
from tests.audit.test_sealing import forge, record, unguarded

__all__ = ["unguarded"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def leaves(now: int) -> list[bytes]:
    """Three full subtrees of 256 leaves and some more."""
    record(3 * 256 + 77)
    sealing.seal(now)
    return [bytes(item) for item in SealedEvent.objects.order_by("index").values_list("leaf_hash", flat=True)]


def test_roots_and_proofs_are_those_of_the_leaves(leaves: list[bytes]) -> None:
    count, node = len(leaves), merkle.of(leaves)
    assert tree.size() == count
    for size in (1, 2, 255, 256, 257, 512, 700, count):
        assert tree.root_at(size) == merkle.root(leaves[:size])
        assert tree.consistency_proof(size, count) == merkle.consistency_proof(size, count, node)
    for index in (0, 1, 255, 256, 600, count - 1):
        assert tree.inclusion_proof(index, count) == merkle.inclusion_proof(index, count, node)


def test_a_proof_does_not_read_the_whole_tree(leaves: list[bytes], django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(4):  # type: ignore[operator]  # the leaf's 256, the last 77, the row above
        tree.inclusion_proof(300, len(leaves))


def test_nothing_is_proven_of_a_tree_that_is_not_there_yet(leaves: list[bytes]) -> None:
    for ask in (
        lambda: tree.root_at(len(leaves) + 1),
        lambda: tree.inclusion_proof(0, len(leaves) + 1),
        lambda: tree.inclusion_proof(len(leaves), len(leaves)),
        lambda: tree.consistency_proof(len(leaves), len(leaves) + 1),
    ):
        with pytest.raises(RuntimeError):
            ask()


def test_every_event_waits_until_it_is_sealed_and_no_longer(now: int) -> None:
    made = record(3)
    assert set(UnsealedEvent.objects.values_list("pk", flat=True)) == {event.pk for event in made}
    sealing.seal(now)
    assert UnsealedEvent.objects.count() == 0


@pytest.mark.usefixtures("unguarded")
def test_a_stored_subtree_that_was_changed_is_found(leaves: list[bytes], now: int) -> None:
    with connection.cursor() as cursor:
        on_sqlite = connection.vendor == "sqlite"
        for what in ("no_update", "no_delete") if on_sqlite else ("append_only",):
            cursor.execute(f"DROP TRIGGER audit_treenode_{what}" + ("" if on_sqlite else " ON audit_treenode"))
    forge("UPDATE audit_treenode SET hash = (SELECT root FROM audit_treehead LIMIT 1) WHERE level = 8")
    found = list(verification.findings(now))
    assert [line for line in found if "subtree 8/1" in line]
    forge("DELETE FROM audit_treenode")
    assert len([line for line in verification.findings(now) if "subtree" in line]) == 3


@pytest.mark.parametrize("statement", ["UPDATE audit_treenode SET level = 16", "DELETE FROM audit_treenode"])
def test_the_database_refuses_to_change_a_stored_subtree(leaves: list[bytes], statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("audit_node_once", TreeNode(level=8, index=0, hash=bytes(32))),
        ("audit_node_level", TreeNode(level=9, index=7, hash=bytes(32))),
        ("audit_node_hash_length", TreeNode(level=8, index=7, hash=bytes(31))),
    ],
)
def test_each_constraint_holds(leaves: list[bytes], name: str, row: TreeNode) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        row.save()
    assert name in str(refused.value) or "audit_treenode.level" in str(refused.value)  # SQLite names the columns


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_waits_for_no_seal() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        events.record(kind="test.done", actor="a")
        _ = 1 // 0
    assert UnsealedEvent.objects.count() == AuditEvent.objects.count() == 0


def test_a_proof_on_paper_is_verified_without_the_node(leaves: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    event = SealedEvent.objects.get(index=300).event_id
    call_command("audit", "prove", str(event))
    said = json.loads(capsys.readouterr().out)
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(said["event"].encode()),
        index=said["index"],
        size=said["size"],
        proof=parse_proof(said["proof"]),
        root=merkle.root(leaves),
    )
    with pytest.raises(CommandError):
        call_command("audit", "prove", "999999")

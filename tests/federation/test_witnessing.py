"""An authority that changes its past, shows each peer another one, or proves nothing: who notices, and what is kept.

The mainland's tree is simulated: leaves in memory behind a real HTTP server, with its own audit key.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from idp.audit import events, sealing
from idp.audit import tree as stored
from idp.audit.models import AuditEvent
from idp.federation import signing, tree_heads, witnessing
from idp.federation.models import HeldHead, SignedHead, WitnessedHead
from idp.federation.tasks import heads as heads_task
from idp.protocol import keys, merkle, tree_head
from idp.protocol.strict_json import b64encode
from tests.conftest import NOW
from tests.federation import peers as peers_module
from tests.federation.peers import Page, Peers

JSON = "application/json"


@dataclass
class Tree:
    """A peer's audit tree, honest or not."""

    authority: str
    key: keys.PrivateKey = field(default_factory=keys.generate)
    leaves: list[bytes] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    now: int = NOW
    broken: dict[str, Page] = field(default_factory=dict)  # by the last part of the path
    signed: dict[tuple[int, bytes, int], str] = field(default_factory=dict)

    def grow(self, count: int, word: str = "leaf") -> None:
        first = len(self.leaves)
        self.leaves += [merkle.leaf_hash(f"{word} {number}".encode()) for number in range(first, first + count)]

    def head(self) -> str:
        size, root, now = facts = len(self.leaves), merkle.root(self.leaves), self.now
        if facts not in self.signed:  # two signatures of the same differ
            self.signed[facts] = tree_head.sign_tree_head(
                issuer=self.authority, size=size, root=root, now=now, signer=self.key
            )
        return self.signed[facts]

    def answer(self, url: str) -> Page | None:
        parts = urlsplit(url)
        name, node = parts.path.rpartition("/")[2], merkle.of(self.leaves)
        numbers = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        if name in self.broken:
            return self.broken[name]
        if name == "head":
            return Page(tree_head.MEDIA_TYPE, self.head())
        if name == "witnessed":
            return Page(JSON, json.dumps({"heads": self.seen}))
        if name == "consistency":
            if numbers["second"] > len(self.leaves) or numbers["first"] > numbers["second"]:
                return Page(JSON, "{}", 404)
            proof = merkle.consistency_proof(numbers["first"], numbers["second"], node)
            return Page(JSON, json.dumps({"proof": [b64encode(item) for item in proof]}))
        proof = merkle.inclusion_proof(numbers["index"], numbers["size"], node)
        found = {"leaf": b64encode(self.leaves[numbers["index"]]), "proof": [b64encode(item) for item in proof]}
        return Page(JSON, json.dumps(found))


@pytest.fixture
def tree(peers: Peers, cn: str, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """The mainland's tree of twelve events; the mainland is recognised."""
    made = Tree(cn)
    made.grow(12)
    own = peers.cn.metadata["federation_entity"]
    peers.cn.metadata["federation_entity"] = {
        **own,
        "audit_endpoint": f"{cn}/audit/v1",
        "audit_jwks": {"keys": [made.key.public.jwk()]},
    }
    real = peers_module._statement
    monkeypatch.setattr(
        peers_module, "_statement", lambda world, url: made.answer(url) if "/audit/v1/" in url else real(world, url)
    )
    return made


def record(count: int, now: int = NOW) -> None:
    with transaction.atomic():
        for number in range(count):
            events.record(kind="test.done", actor="a", data={"n": number})
    sealing.seal(now)


def alarms() -> list[str]:
    return list(AuditEvent.objects.filter(kind="audit.head_contradicted").values_list("subject", flat=True))


def test_a_tree_that_grows_is_witnessed(tree: Tree) -> None:
    assert witnessing.witness(NOW) == 1
    tree.grow(30)
    assert witnessing.witness(NOW + 60) == 1
    assert list(WitnessedHead.objects.order_by("size").values_list("size", "contradicts")) == [(12, False), (42, False)]
    assert alarms() == []
    assert witnessing.shown()[0] == tree.head()
    assert list(witnessing.findings(NOW + 60)) == []


def _rewrite(tree: Tree) -> None:
    tree.leaves[3] = merkle.leaf_hash(b"another past")
    tree.grow(5)


def _cut(tree: Tree) -> None:
    del tree.leaves[7:]


def _replace(tree: Tree) -> None:
    tree.leaves[11] = merkle.leaf_hash(b"another past")


@pytest.mark.parametrize("forge", [_rewrite, _cut, _replace])
def test_an_authority_that_changes_its_past_is_found_and_the_evidence_kept(
    tree: Tree, forge: Callable[[Tree], None], caplog: pytest.LogCaptureFixture
) -> None:
    witnessing.witness(NOW)
    forge(tree)
    tree.now = NOW + 60
    assert witnessing.witness(NOW + 60) == 0
    evidence = WitnessedHead.objects.get(contradicts=True)
    assert evidence.text == tree.head()
    assert WitnessedHead.objects.get(contradicts=False).size == 12
    assert alarms() == [tree.authority]
    assert "contradicts itself" in caplog.text
    assert "contradicts an earlier one" in next(witnessing.findings(NOW + 60))
    assert witnessing.witness(NOW + 120) == 0  # the same lie a minute later is no other alarm
    assert len(alarms()) == 1


def test_after_an_officer_looked_the_next_contradiction_alarms_anew(tree: Tree) -> None:
    witnessing.witness(NOW)
    _rewrite(tree)
    witnessing.witness(NOW + 60)
    for _ in range(2):
        witnessing.resolve(WitnessedHead.objects.get(contradicts=True), officer="account:7", now=NOW + 70)
    assert list(witnessing.findings(NOW + 70)) == []
    tree.grow(1)
    witnessing.witness(NOW + 120)
    assert len(alarms()) == 2
    assert AuditEvent.objects.filter(kind="audit.contradiction_resolved").count() == 1


def test_an_older_copy_of_a_head_is_no_contradiction(tree: Tree) -> None:
    old = tree.head()
    tree.now, count = NOW + 60, len(tree.leaves)
    tree.grow(3)
    witnessing.witness(NOW + 60)
    tree.broken["head"] = Page(tree_head.MEDIA_TYPE, old)
    assert witnessing.witness(NOW + 120) == 1
    assert count < WitnessedHead.objects.get().size
    assert alarms() == []


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("head", Page(JSON, "{}", 503)),
        ("head", Page(JSON, "{}")),
        ("consistency", Page(JSON, "{}", 404)),
        ("consistency", Page(JSON, '{"proof": "none"}')),
        ("inclusion", Page(JSON, '{"leaf": "", "proof": []}')),
        ("inclusion", Page(JSON, json.dumps({"leaf": b64encode(bytes(32)), "proof": []}))),
        ("witnessed", Page(JSON, '{"heads": [7]}')),
    ],
)
def test_a_head_without_its_proofs_is_not_believed(tree: Tree, name: str, page: Page) -> None:
    witnessing.witness(NOW)
    tree.grow(30)
    tree.broken[name] = page
    assert witnessing.witness(NOW + 60) == 0
    assert WitnessedHead.objects.get().size == 12
    assert list(witnessing.findings(NOW + 60)) == []
    assert "proven no tree head" in next(witnessing.findings(NOW + witnessing.SILENT + 1))


def test_a_head_by_a_key_that_the_peer_does_not_publish_is_not_believed(tree: Tree) -> None:
    tree.key = keys.generate()
    assert witnessing.witness(NOW) == 0
    assert not WitnessedHead.objects.exists()


def test_a_peer_that_was_shown_another_past_tells_us(tree: Tree) -> None:
    """Split view: the mainland shows Hong Kong one tree and Macau another of the same size."""
    witnessing.witness(NOW)
    other = Tree(tree.authority, tree.key)
    other.grow(12, "other leaf")
    tree.seen = [other.head()]
    witnessing.witness(NOW + 60)
    assert alarms() == [tree.authority]
    assert WitnessedHead.objects.get(contradicts=True).text == other.head()


def test_our_own_past_is_held_against_what_we_signed(tree: Tree) -> None:
    record(5)
    assert tree_heads.sign(NOW) is not None
    own = signing.private_key("audit")
    node = "http://hk.localhost:8002"
    honest = SignedHead.objects.get().text
    forged = tree_head.sign_tree_head(issuer=node, size=3, root=bytes(32), now=NOW, signer=own)
    stranger = tree_head.sign_tree_head(issuer=node, size=3, root=bytes(32), now=NOW, signer=keys.generate())
    tree.seen = [honest, stranger, "nonsense"]
    witnessing.witness(NOW)
    assert alarms() == []
    held = HeldHead.objects.get()
    assert (held.holder, held.size, held.told_at) == (tree.authority, SignedHead.objects.get().size, NOW)
    tree.seen = [forged]
    witnessing.witness(NOW + 60)
    assert alarms() == [node]
    assert HeldHead.objects.get().told_at == NOW, "a forged head is nothing that a peer holds of ours"


def test_a_record_that_was_cut_and_sealed_again_does_not_match_the_heads_that_were_signed(node: str) -> None:
    record(5)
    tree_heads.sign(NOW)
    assert list(tree_heads.findings(NOW)) == []
    size = stored.size() + 4
    longer = {"issuer": node, "size": size, "root": bytes(32), "now": NOW, "signer": signing.private_key("audit")}
    SignedHead.objects.create(size=size, at=NOW, text=tree_head.sign_tree_head(**longer))  # type: ignore[arg-type]
    assert any("missing now" in line for line in tree_heads.findings(NOW))
    with pytest.raises(CommandError):
        call_command("audit", "verify")


def test_the_task_signs_every_minute_also_when_nothing_happened(node: str, now: int) -> None:
    heads_task()
    assert not SignedHead.objects.exists()  # nothing is sealed yet
    record(2)
    heads_task()
    heads_task()
    assert SignedHead.objects.get().size == stored.size()


def test_the_proofs_that_we_serve_are_those_that_peers_verify(node: str, http: Client) -> None:
    assert http.get("/audit/v1/head").status_code == 404
    record(300)
    tree_heads.sign(NOW)
    answer = http.get("/audit/v1/head")
    assert answer.headers["Content-Type"] == tree_head.MEDIA_TYPE
    head = tree_head.verify_tree_head(answer.content, keys=tree_heads.keys(NOW), issuer=node, now=NOW)
    assert http.get("/audit/v1/head", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    found = http.get("/audit/v1/inclusion", {"index": 290, "size": head.size}).json()
    proof = tree_head.parse_proof(found["proof"])
    leaf = tree_head.parse_hash(found["leaf"])
    merkle.verify_inclusion(leaf=leaf, index=290, size=head.size, proof=proof, root=head.root)
    found = http.get("/audit/v1/consistency", {"first": 257, "second": head.size}).json()
    proof, before = tree_head.parse_proof(found["proof"]), sealing_root(257)
    merkle.verify_consistency(first=257, second=head.size, first_root=before, second_root=head.root, proof=proof)
    assert http.get("/audit/v1/witnessed").json() == {"heads": []}


def sealing_root(size: int) -> bytes:
    leaves = [merkle.leaf_hash(sealing.leaf_data(event)) for event in AuditEvent.objects.order_by("pk")[:size]]
    return merkle.root(leaves)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("inclusion?index=SIZE&size=SIZE", 404),
        ("inclusion?index=0&size=MORE", 404),
        ("inclusion?index=-1&size=3", 400),
        ("inclusion?index=0", 400),
        ("inclusion?index=0&size=9999999999999999999", 400),
        ("inclusion?index=٣&size=3", 400),
        ("consistency?first=0&second=3", 404),
        ("consistency?first=3&second=2", 404),
        ("consistency?first=1&second=MORE", 404),
        ("consistency?first=1&first=2&second=3", 400),
    ],
)
def test_no_proof_of_what_is_not_there(node: str, http: Client, path: str, status: int) -> None:
    record(3)
    text = path.replace("SIZE", str(stored.size())).replace("MORE", str(stored.size() + 1))
    assert http.get(f"/audit/v1/{text}").status_code == status


def test_old_heads_are_thinned_out_to_one_a_day(tree: Tree) -> None:
    day, old = tree_heads.DAY, NOW - tree_heads.KEEP - 10 * tree_heads.DAY
    first = old - old % day
    for size, at in ((1, first), (2, first + 60), (3, first + day), (4, NOW)):
        SignedHead.objects.create(size=size, at=at, text="-")
        facts = {"authority": "a", "size": size, "root": bytes(32), "at": at, "seen_at": at, "text": "-"}
        WitnessedHead.objects.create(**facts)
        WitnessedHead.objects.create(**{**facts, "root": b"x" * 32, "contradicts": True, "why": "-"})
    assert tree_heads.thin_out(SignedHead.objects.all(), NOW) == 1
    assert witnessing.thin_out(NOW) == 1
    assert list(SignedHead.objects.order_by("size").values_list("size", flat=True)) == [2, 3, 4]
    assert WitnessedHead.objects.filter(contradicts=True).count() == 4


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("federation_witnessed_once", {"contradicts": True, "why": "-"}),
        ("federation_witnessed_one_root", {"root": b"x" * 32}),
        ("federation_witnessed_root_length", {"size": 2, "root": bytes(31)}),
        ("federation_witnessed_why", {"size": 2, "contradicts": True}),
        ("federation_witnessed_resolved", {"size": 2, "resolved_at": 1}),
    ],
)
def test_each_constraint_holds(db: None, name: str, changes: dict[str, object]) -> None:
    facts = {"authority": "a", "size": 1, "root": bytes(32), "at": 1, "seen_at": 1, "text": "-"}
    WitnessedHead.objects.create(**facts)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        WitnessedHead.objects.create(**{**facts, **changes})
    assert name in str(refused.value) or (connection.vendor == "sqlite" and "UNIQUE" in str(refused.value))


def test_a_peer_holds_one_newest_head_of_ours_and_none_over_nothing(db: None) -> None:
    HeldHead.objects.create(holder="a", size=1, at=1, told_at=1)
    for holder, size in (("a", 2), ("b", 0)):
        with pytest.raises(IntegrityError, match=r"federation_held_head_size|holder"), transaction.atomic():
            HeldHead.objects.create(holder=holder, size=size, at=1, told_at=1)


def test_a_head_over_nothing_cannot_be_kept(db: None) -> None:
    with pytest.raises(IntegrityError, match="federation_signed_head_size"):
        SignedHead.objects.create(size=0, at=1, text="-")

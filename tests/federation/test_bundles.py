import json
from typing import Any

import pytest

from idp.federation import bundles, marks, peering, signing, status_lists
from idp.protocol.refusals import Reason
from idp.protocol.trust_bundle import TrustBundle, load_bundle
from idp.protocol.watch_list import EMPTY
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers

CHECKPOINT = "http://hk.localhost:8002/checkpoints/lok-ma-chau"
FACTS = {
    "name": {"en": "Lok Ma Chau"},
    "directions": ["exit", "entry"],
    "jurisdiction": "HKG",
    "neighbour": "CHN",
    "modes": ["time"],
    "liveness": True,
}
POLICY = {
    "max_age": {"bundle": 86_400, "status": 120},
    "on_stale_status": "refer",
    "face": {"m": {"admit": 0.9, "refer": 0.5}},
    "max_attempts": 3,
}


def _build(now: int = NOW, **changes: Any) -> dict[str, str]:
    parts: dict[str, Any] = {
        "checkpoint": FACTS,
        "policy": POLICY,
        "rules": [],
        "watchlist": EMPTY.claim(),
        "opening": [],
        **changes,
    }
    return bundles.build(checkpoint_entity_id=CHECKPOINT, now=now, **parts)


def _load(bundle: dict[str, str], node: str, now: int = NOW, min_serial: int = 0) -> TrustBundle:
    pinned = signing.published("federation", now=now)
    return load_bundle(
        json.dumps(bundle), pinned=pinned, anchor=node, checkpoint=CHECKPOINT, now=now, min_serial=min_serial
    )


def _accept(node: str, peers: Peers) -> None:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=peers.cn.entity_id, now=NOW), mark_type)


def test_a_gate_believes_the_node_and_its_peers_and_finds_their_keys(node: str, peers: Peers) -> None:
    _accept(node, peers)
    loaded = _load(_build(watchlist=EMPTY.claim()), node)
    assert loaded.left_out == ()
    assert set(loaded.issuers) == {node, peers.cn.entity_id}
    assert loaded.issuer(peers.cn.entity_id, now=NOW).keys.find(peers.border_keys["cn"].kid) is not None
    assert loaded.issuer(node, now=NOW).keys.find(signing.signer("border").kid) is not None
    assert loaded.watch == EMPTY


def test_own_status_lists_come_along_with_what_was_revoked(node: str) -> None:
    uri, idx = status_lists.allocate(expires_at=NOW + 1800, now=NOW)
    status_lists.set_statuses(uri, [idx], 1, now=NOW)
    assert _load(_build(), node).issuer(node, now=NOW).status_lists[uri].get(idx) == 1


def test_an_ended_peer_is_out_of_the_next_bundle(node: str, peers: Peers) -> None:
    _accept(node, peers)
    before = _load(_build(), node)
    peering.end(peering.Peer.objects.get(), officer=OFFICER)
    after = _load(_build(), node, min_serial=before.serial)
    assert set(after.issuers) == {node}
    assert after.serial > before.serial


def test_one_peer_with_a_bad_chain_closes_no_gate(node: str, peers: Peers) -> None:
    """Invalid solely because the peer lacks the mark: it alone is missing."""
    peering.recognise(peering.propose(peers.mo.entity_id), officer=OFFICER)
    _accept(node, peers)
    assert set(_load(_build(), node).issuers) == {node, peers.cn.entity_id}


def test_the_serial_only_grows_and_stands_still_while_nothing_changes(node: str) -> None:
    first = _build()
    assert _build(NOW + bundles.RENEW_AFTER - 1) == first
    assert bundles.etag(_build()) == bundles.etag(first)
    serials = [_load(first, node).serial]
    later = NOW + bundles.RENEW_AFTER
    serials.append(_load(_build(later), node, later).serial)
    serials.append(_load(_build(NOW, rules=[]), node).serial)  # also when the clock goes back
    assert serials == [1, 2, 3]


def test_each_checkpoint_counts_for_itself(node: str) -> None:
    _build()
    other = bundles.build(
        checkpoint_entity_id=f"{CHECKPOINT}-2",
        checkpoint=FACTS,
        policy=POLICY,
        rules=[],
        watchlist=EMPTY.claim(),
        now=NOW,
    )
    with pytest.raises(Exception, match=Reason.WRONG_AUDIENCE.value):
        _load(other, node)
    pinned = signing.published("federation")
    loaded = load_bundle(json.dumps(other), pinned=pinned, anchor=node, checkpoint=f"{CHECKPOINT}-2", now=NOW)
    assert loaded.serial == 1


def test_a_killed_bundle_key_is_not_in_the_next_bundle(node: str) -> None:
    first = _build()
    signing.kill(kid=signing.signer("bundle").kid, now=NOW)
    second = _build(NOW)
    assert second["bundle"] != first["bundle"], "a bundle of a killed key must not be served on"
    _load(second, node)

"""What a process holds is worth no more than what the database says now."""

import json
from dataclasses import replace

import pytest
from django.db import transaction

from idp.federation import chain_cache, entities, peering, resolution, revision
from idp.federation.models import ChainCache, Peer
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal
from idp.protocol.trust_chain import TrustChain
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers


@pytest.fixture
def peer(transactional_db: None, node: str, peers: Peers) -> Peer:
    """A recognised peer whose chain this process holds."""
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    _resolve(peer)
    _resolve(peer)
    return peer


def _resolve(peer: Peer, now: int = NOW) -> TrustChain:
    return resolution.resolve(peer.entity_id, now=now)


def _signed_again(peer: Peer, peers: Peers) -> TrustChain:
    peers.federation.now = NOW + 1
    found = resolution.explain(peer.entity_id, now=NOW + 1).require()
    assert found.statements != resolution.resolve(peer.entity_id, now=NOW).statements
    return found


def _under_another_key(statement: str) -> str:
    head, _, rest = statement.partition(".")
    header = {**json.loads(strict_json.b64decode(head)), "kid": "another"}
    return f"{strict_json.b64encode(json.dumps(header).encode())}.{rest}"


def _verifications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    verify = resolution.verify_chain

    def counted(*args: object, now: int, **options: object) -> TrustChain:
        seen.append(now)
        return verify(*args, now=now, **options)

    monkeypatch.setattr(resolution, "verify_chain", counted)
    return seen


def test_a_chain_is_verified_once_and_again_when_it_is_to_be_refreshed(
    peer: Peer, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _verifications(monkeypatch)
    first = _resolve(peer)
    assert _resolve(peer, NOW + 1) is first
    assert not seen
    asked = len(peers.asked)
    peers.federation.now = NOW + chain_cache.REFRESH_AFTER
    assert _resolve(peer, NOW + chain_cache.REFRESH_AFTER) is not first
    assert len(peers.asked) == asked + 1


def test_a_clock_that_goes_back_finds_nothing_held(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _verifications(monkeypatch)
    _resolve(peer, NOW - 1)
    assert seen == [NOW - 1]


def test_a_held_chain_is_refused_as_soon_as_its_peer_is_suspended(peer: Peer) -> None:
    peering.suspend(peer, officer=OFFICER)
    with pytest.raises(Refusal):
        _resolve(peer)


def test_a_chain_that_another_worker_found_anew_replaces_the_one_held(peer: Peer, peers: Peers) -> None:
    """A mirror worker saw that the peer killed a key: a web worker that holds the old chain must not go on with it."""
    old = _resolve(peer)
    peers.cn.metadata["border_token_issuer"] = {**peers.cn.metadata["border_token_issuer"], "note": "changed"}
    found = resolution.explain(peer.entity_id, now=NOW).require()
    chain_cache.keep(found, immediate=False, now=NOW)
    assert _resolve(peer).metadata != old.metadata


def test_the_same_chain_found_again_disturbs_nobody(peer: Peer) -> None:
    before, chain = revision.current(), _resolve(peer)
    chain_cache.keep(chain, immediate=False, now=NOW)
    assert revision.current() == before
    assert _resolve(peer) is chain


def test_a_chain_that_was_only_signed_again_disturbs_nobody(peer: Peer, peers: Peers) -> None:
    """Every checkpoint's chain is found anew each hour: all that every process held was dropped each time."""
    before = revision.current()
    chain_cache.keep(_signed_again(peer, peers), immediate=False, now=NOW + 1)
    assert revision.current() == before


def test_who_takes_a_chain_at_hand_until_it_expires_hears_of_a_younger_one(peer: Peer, peers: Peers) -> None:
    """Invalid solely because the chain is an immediate one: bundles would go out with one that is about to expire."""
    chain = resolution.resolve(peer.entity_id, now=NOW, immediate=True)
    younger = _signed_again(peer, peers)
    assert younger.expires_at > chain.expires_at
    chain_cache.keep(younger, immediate=True, now=NOW + 1)
    assert resolution.resolve(peer.entity_id, now=NOW + 1, immediate=True, at_hand=True).expires_at > chain.expires_at


def test_the_same_words_under_another_key_are_news(peer: Peer, peers: Peers) -> None:
    """Invalid solely because another key signed: the old one may have been killed."""
    before, chain = revision.current(), _resolve(peer)
    statements = [_under_another_key(text) for text in chain.statements]
    chain_cache.keep(replace(chain, statements=tuple(statements)), immediate=False, now=NOW)
    assert revision.current() > before


def test_nothing_is_held_of_a_transaction_that_may_be_undone(peer: Peer) -> None:
    """Invalid solely because it was read within a transaction: its number may come again with another meaning."""
    with transaction.atomic():
        revision.grow()
        _resolve(peer)
        transaction.set_rollback(True)
    revision.grow()
    ChainCache.objects.update(statements=[], failure="untrusted_issuer")
    with pytest.raises(Refusal):
        _resolve(peer)


def test_the_memory_of_a_process_has_an_end(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_cache, "MAX_HELD", 2)
    chain = _resolve(peer)
    for place in range(5):
        other = replace(chain, entity_id=f"https://l{place}.example")
        chain_cache.hold(other, immediate=False, refresh_at=NOW + 60, number=1, now=NOW)
    assert len(chain_cache._held) == 2


def test_who_leaves_the_search_to_others_is_not_kept_verifying(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invalid solely because the chain was due to be looked for again: each bundle verified every chain anew."""
    later = ChainCache.objects.get(subject=peer.entity_id).refresh_at
    first = resolution.resolve(peer.entity_id, now=later, at_hand=True)
    seen = _verifications(monkeypatch)
    assert resolution.resolve(peer.entity_id, now=later + 1, at_hand=True) is first
    assert not seen
    with pytest.raises(Refusal):
        resolution.resolve(peer.entity_id, now=first.expires_at + 60, at_hand=True)


def test_a_chain_of_our_own_is_found_once_and_again_after_any_change(
    transactional_db: None, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = entities.host(path="checkpoints/a", metadata={"oauth_resource": {"resource": f"{node}/a"}}, now=NOW)
    first = resolution.resolve(hosted.entity_id, now=NOW)
    assert resolution.resolve(hosted.entity_id, now=NOW + resolution.OWN_HELD - 1) is first
    assert resolution.resolve(hosted.entity_id, now=NOW + resolution.OWN_HELD) is not first
    entities.host(path="checkpoints/a", metadata={"oauth_resource": {"resource": f"{node}/b"}}, now=NOW)
    assert resolution.resolve(hosted.entity_id, now=NOW).entity("oauth_resource")["resource"] == f"{node}/b"
    entities.end_subordinate(entity_id=hosted.entity_id, now=NOW, actor=OFFICER)
    with pytest.raises(Refusal):
        resolution.resolve(hosted.entity_id, now=NOW)

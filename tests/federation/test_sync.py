import json

import pytest

from idp.federation import marks, peering, resolution, statements, sync, tasks
from idp.federation.models import HeldMark, Peer
from idp.federation.schedule import BEAT
from idp.protocol.entity_statements import parse_entity_configuration
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Page, Peers


@pytest.fixture
def mutual(node: str, peers: Peers) -> Peer:
    """The mainland and this node recognise each other; neither has collected anything."""
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    peering.accept_recognition(peer, officer=OFFICER)
    _serve_mark(peers, peers.cn.mark(node, marks.border_issuer(peers.cn.entity_id)))
    peers.pages[peers.url("cn", "/status/aggregation")] = Page("application/json", json.dumps({"status_lists": []}))
    return peer


def _serve_mark(peers: Peers, text: str, content_type: str = "application/trust-mark+jwt") -> None:
    query = (
        f"trust_mark_type=http%3A%2F%2Fcn.localhost%3A{peers.port}%2Ftrust-marks%2Fborder-issuer"
        "&sub=http%3A%2F%2Fhk.localhost%3A8002"
    )
    peers.pages[peers.url("cn", f"/federation/trust-mark?{query}")] = Page(content_type, text)


def test_a_round_puts_the_peers_mark_into_our_configuration(node: str, mutual: Peer) -> None:
    report = sync.sync(NOW)
    assert f"{mutual}: its mark for us is in our configuration" in report
    configuration = parse_entity_configuration(statements.entity_configuration(NOW), now=NOW)
    assert configuration.trust_marks[0]["trust_mark_type"] == marks.border_issuer(mutual.entity_id)


def test_a_round_finds_the_issuer_once_it_shows_our_mark(node: str, mutual: Peer, peers: Peers) -> None:
    assert any("mark is missing" in line for line in sync.sync(NOW))
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=mutual.entity_id, now=NOW), mark_type)
    assert f"{mutual}: an issuer of border tokens for our gates" in sync.sync(NOW)
    assert [entity_id for entity_id, _ in resolution.accepted_issuers(NOW)] == [node, mutual.entity_id]


@pytest.mark.parametrize("wrong", ["for another", "of another type", "by another key", "a web page"])
def test_a_mark_that_is_not_ours_from_that_peer_is_not_kept(node: str, mutual: Peer, peers: Peers, wrong: str) -> None:
    """Negative case 19: invalid solely because of the mark."""
    mark_type = marks.border_issuer(mutual.entity_id)
    text, content_type = peers.cn.mark(node, mark_type), "application/trust-mark+jwt"
    if wrong == "for another":
        text = peers.cn.mark(peers.mo.entity_id, mark_type)
    elif wrong == "of another type":
        text = peers.cn.mark(node, "https://x.example/m")
    elif wrong == "by another key":
        text = peers.cn.mark(node, mark_type, signer=peers.mo.key)
    else:
        content_type = "text/html"
    _serve_mark(peers, text, content_type)
    sync.sync(NOW)
    assert not HeldMark.objects.exists()


def test_a_peer_that_is_down_does_not_keep_the_others_waiting(node: str, mutual: Peer, peers: Peers) -> None:
    peering.propose(peers.mo.entity_id)
    peers.federation.down.add(mutual.entity_id.removeprefix("http://"))
    report = sync.sync(NOW)
    assert f"{mutual}: not now: status 503" in report
    assert f"{peers.mo.entity_id}: its keys are those pinned" in report


def test_a_suspended_or_ended_peer_is_not_asked(node: str, mutual: Peer, peers: Peers) -> None:
    peering.suspend(mutual, officer=OFFICER)
    peers.asked.clear()
    sync.sync(NOW)
    peering.end(mutual, officer=OFFICER)
    sync.sync(NOW)
    assert peers.asked == []


def test_a_peer_whose_period_is_over_is_not_asked_and_one_that_has_not_begun_neither(
    node: str, mutual: Peer, peers: Peers
) -> None:
    for period in ({"valid_until": NOW}, {"valid_until": None, "valid_from": NOW + 1}):
        Peer.objects.update(**period)
        peers.asked.clear()
        sync.sync(NOW)
        assert peers.asked == []


def test_the_tasks_run_twice_without_harm_and_are_the_scheduled_ones(node: str, mutual: Peer) -> None:
    for _ in range(2):
        tasks.sync()
        tasks.mirror()
        tasks.renew()
        tasks.heads()
        tasks.take_over()
    assert HeldMark.objects.count() == 1
    scheduled = {tasks.renew.name, tasks.mirror.name, tasks.sync.name, tasks.heads.name, tasks.take_over.name}
    assert {entry["task"] for entry in BEAT.values()} == scheduled

"""Trust changes when a second officer approves, says so in words before, and names both officers afterwards."""

import dataclasses
from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.federation import peering, statements, terms
from idp.federation.models import Peer
from idp.federation.recognition import executing, payloads
from idp.federation.recognition.payloads import ACCEPT, END, KEYS, RECOGNISE, RENEW, RESUME, TERMS
from idp.federation.terms import Terms
from idp.proposals import executors, proposing
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.protocol import keys
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.federation.recognition.deciding import FIRST, SECOND, announce, approved, proposed, recognition, renewal

DAY = 86_400


@pytest.fixture
def peer(peers: Peers) -> Peer:
    """The mainland, recognised until tomorrow."""
    agreed = Terms(valid_until=NOW + DAY)
    return peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER, terms=agreed)


def _lines(kind: str, payload: dict[str, Any]) -> str:
    return "\n".join(executors.of(kind).changes(proposed(kind, payload), now=NOW))


def _again(peer: Peer) -> Peer:
    peer.refresh_from_db()
    return peer


def test_a_peer_is_recognised_before_a_second_officer_approves(node: str, peers: Peers) -> None:
    agreed = payloads.written(Terms(valid_until=NOW + DAY, contract="HK-CN-7"))
    made = proposed(RECOGNISE, recognition(peers.cn, accept=True, terms=agreed))
    assert not Peer.objects.exists()
    with pytest.raises(UnableToDecide, match="another officer"):
        proposing.approve(proposal=made, officer=FIRST, now=NOW)
    proposing.approve(proposal=made, officer=SECOND, now=NOW)
    peer = Peer.objects.get()
    assert (peer.standing, peer.contract, peer.valid_until) == ("mutual", "HK-CN-7", NOW + DAY)
    assert peer.jwks == peers.cn.keys.jwks()
    assert statements.subordinate_statement(peer.entity_id, NOW)
    events = AuditEvent.objects.filter(kind__startswith="federation.peer.").order_by("pk")
    assert [event.kind.rpartition(".")[2] for event in events] == [
        "proposed",
        "terms_changed",
        "recognised",
        "accepted",
    ]
    assert {event.actor for event in events} == {SECOND}
    assert all(event.data["officers"] == [FIRST, SECOND] and event.data["proposal"] == made.pk for event in events)


def test_an_officer_approves_keys_that_are_not_shown(node: str, peers: Peers) -> None:
    lines = _lines(RECOGNISE, recognition(peers.cn, terms=payloads.written(Terms(max_path_length=0))))
    for line in (peers.cn.entity_id, *peering.fingerprints(peers.cn.keys).values(), "nobody: the peer alone"):
        assert line in lines


def test_one_officer_makes_an_ended_peer_known_again(node: str, peer: Peer, peers: Peers) -> None:
    """A peer that is ended breaks every chain through it, whoever else recognises it: a proposal mends none."""
    peering.end(peer, officer=OFFICER)
    fresh = peers.cn.key = keys.generate()
    made = proposed(RECOGNISE, recognition(peers.cn))
    assert _again(peer).standing == "ended"
    proposing.approve(proposal=made, officer=SECOND, now=NOW)
    assert _again(peer).standing == "one-sided"
    assert peer.jwks["keys"][0]["kid"] == fresh.kid


def test_keys_of_the_console_stand_where_others_were_compared(node: str, peers: Peers) -> None:
    """Nobody's trust rests on keys that were pinned with both switches off: the compared ones take their place."""
    known = peering.propose(peers.cn.entity_id)
    peers.cn.key = keys.generate()
    peer = approved(RECOGNISE, recognition(peers.cn, since=known.proposed_at))
    assert payloads.thumbprints(peer.jwks) == [peers.cn.key.public.thumbprint]


def test_compared_keys_replace_those_that_a_hint_rests_on(node: str, peers: Peers) -> None:
    known = peering.accept_recognition(peering.propose(peers.cn.entity_id), officer=OFFICER)
    peers.cn.key = keys.generate()
    with pytest.raises(UnableToPropose, match="Other keys are pinned"):
        proposed(RECOGNISE, recognition(peers.cn, since=known.proposed_at))


@pytest.mark.parametrize("entity_id", ["http://hk.localhost:8002", "https://x.example/?a", "no url"])
def test_who_can_be_no_peer_is_proposed(node: str, peers: Peers, entity_id: str) -> None:
    with pytest.raises(UnableToPropose):
        proposed(RECOGNISE, recognition(peers.cn, entity_id=entity_id))


def test_a_recognised_peer_is_recognised_again(node: str, peer: Peer, peers: Peers) -> None:
    with pytest.raises(UnableToPropose, match="is recognised"):
        proposed(RECOGNISE, recognition(peers.cn, since=peer.proposed_at))


def test_recognition_is_accepted_by_two(node: str, peer: Peer) -> None:
    assert "authority hints" in _lines(ACCEPT, payloads.about(peer))
    assert approved(ACCEPT, payloads.about(peer)).standing == "mutual"
    with pytest.raises(UnableToPropose, match="is accepted"):
        proposed(ACCEPT, payloads.about(peer))


def test_terms_are_changed_over_a_change_that_the_proposer_did_not_see(node: str, peer: Peer) -> None:
    before = terms.of(peer)
    after = payloads.written(dataclasses.replace(before, max_path_length=0))
    payload = payloads.about(peer, before=terms.digest(before), terms=after)
    assert "its own entities → nobody" in _lines(TERMS, payload)
    late = proposed(TERMS, {**payload, "terms": payloads.written(dataclasses.replace(before, contract="x"))})
    assert approved(TERMS, payload).max_path_length == 0
    with pytest.raises(UnableToDecide, match="changed since"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    assert _again(peer).contract == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, "Nothing would change"),
        ({"valid_until": NOW}, "over already"),
        ({"max_path_length": 2}, "at most 1"),
        ({"naming_constraints": {"x": []}}, "naming"),
    ],
    ids=["nothing", "over", "transitive", "naming"],
)
def test_terms_that_no_statement_could_carry_are_proposed(
    node: str, peer: Peer, changed: dict[str, Any], why: str
) -> None:
    before = terms.of(peer)
    after = {**payloads.written(before), **changed}
    with pytest.raises(UnableToPropose, match=why):
        proposed(TERMS, payloads.about(peer, before=terms.digest(before), terms=after))


def test_a_lapsed_peer_comes_back_by_a_renewal_of_two(node: str, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    later = NOW + 2 * DAY
    monkeypatch.setattr("idp.clock.now", lambda: later)
    assert peer.standing == "lapsed"
    for until in (NOW, NOW + DAY, later):
        with pytest.raises(UnableToPropose, match=r"ends later|over already"):
            proposed(RENEW, renewal(peer, until), now=later)
    assert "Stands until" in _lines(RENEW, renewal(peer, later + DAY))
    renewed = approved(RENEW, renewal(peer, later + DAY), now=later)
    assert (renewed.standing, renewed.contract) == ("one-sided", "HK-CN-8")


@pytest.mark.parametrize("until", [NOW + 1, NOW + DAY], ids=["earlier", "the-same"])
def test_a_renewal_shortens_what_was_agreed(node: str, peer: Peer, until: int) -> None:
    with pytest.raises(UnableToPropose, match="ends later"):
        proposed(RENEW, renewal(peer, until))


def test_a_renewal_gives_an_end_to_what_has_none(node: str, cn: str) -> None:
    with pytest.raises(UnableToPropose, match="ends later"):
        proposed(RENEW, renewal(Peer.objects.get(), NOW + DAY))


def test_an_approval_lifts_a_later_suspension(node: str, peer: Peer, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two proposals to resume: the second is about the suspension that the first lifted, not about the next one."""
    peering.suspend(peer, officer=OFFICER)
    payload = payloads.about(peer, suspended_at=NOW)
    assert "not suspended" in _lines(RESUME, payload)
    late = proposed(RESUME, payload)
    assert approved(RESUME, payload).standing == "one-sided"
    monkeypatch.setattr("idp.clock.now", lambda: NOW + 1)
    peering.suspend(peer, officer=OFFICER)
    with pytest.raises(UnableToDecide, match="suspended again"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    assert _again(peer).standing == "suspended"


def test_a_proposal_outlives_the_recognition_that_it_was_about(
    node: str, peer: Peer, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = proposed(ACCEPT, payloads.about(peer))
    assert "no longer pinned" in _lines(END, payloads.about(peer))
    assert approved(END, payloads.about(peer)).standing == "ended"
    with pytest.raises(UnableToDecide, match="not the one"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    monkeypatch.setattr("idp.clock.now", lambda: NOW + 1)
    approved(RECOGNISE, recognition(peers.cn))
    with pytest.raises(UnableToDecide, match="not the one"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    assert _again(peer).standing == "one-sided"


def test_keys_are_pinned_that_nobody_compared(node: str, peer: Peer, peers: Peers) -> None:
    with pytest.raises(UnableToPropose, match="no other keys"):
        proposed(KEYS, payloads.about(peer, keys=["x"]))
    old, first, second = peers.cn.key, keys.generate(), keys.generate()
    offered = [old.public, first.public]
    peers.cn.configuration_claims["jwks"] = keys.KeySet(offered).jwks()
    announce(peer, peers.cn)
    payload = payloads.about(peer, keys=sorted(key.thumbprint for key in offered))
    assert all(print_ in _lines(KEYS, payload) for print_ in peering.fingerprints(keys.KeySet(offered)).values())
    late = proposed(KEYS, payload)
    peers.cn.configuration_claims["jwks"] = keys.KeySet([*offered, second.public]).jwks()
    announce(peer, peers.cn)
    with pytest.raises(UnableToDecide, match="other keys than"):
        proposing.approve(proposal=late, officer=SECOND, now=NOW)
    everything = payloads.about(peer, keys=sorted(key.thumbprint for key in [*offered, second.public]))
    assert len(approved(KEYS, everything).jwks["keys"]) == 3


def test_a_kind_is_registered_that_border_officers_could_decide() -> None:
    for kind in executing.KINDS:
        assert executors.of(kind).permission == "federation.change_peer"

import pytest
from django.db import IntegrityError, transaction

from idp.audit.models import AuditEvent
from idp.federation import entities, peering, resolution, statements
from idp.federation.models import IssuedMark, Peer
from idp.federation.peering import UnableToPeer
from idp.protocol import keys
from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Refusal, Unavailable
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Page, Peers


def test_a_proposal_pins_keys_and_trusts_nothing(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id, officer=OFFICER)
    assert peer.jwks == peers.cn.keys.jwks()
    assert peer.name == {"en": "CN"}
    assert peer.standing == "proposed"
    with pytest.raises(Refusal):
        resolution.resolve(peer.entity_id, now=NOW)


def test_the_two_switches_make_one_sided_and_mutual(node: str, peers: Peers) -> None:
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert peer.standing == "one-sided"
    assert peering.accept_recognition(peer, officer=OFFICER).standing == "mutual"
    assert peering.suspend(peer, officer=OFFICER).standing == "suspended"
    assert peering.resume(peer, officer=OFFICER).standing == "mutual"
    assert peering.end(peer, officer=OFFICER).standing == "ended"


def test_each_act_is_recorded_with_the_officer(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id, officer=OFFICER)
    for act in (peering.recognise, peering.accept_recognition, peering.suspend, peering.resume, peering.end):
        act(peer, officer=OFFICER)
    events = AuditEvent.objects.filter(kind__startswith="federation.peer.", actor=OFFICER).order_by("pk")
    kinds = [event.kind.removeprefix("federation.peer.") for event in events]
    assert kinds == ["proposed", "recognised", "accepted", "suspended", "resumed", "ended"]
    assert {event.subject for event in events} == {peers.cn.entity_id}


def test_a_second_press_of_a_switch_records_nothing(node: str, peers: Peers) -> None:
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    peering.recognise(peer, officer=OFFICER)
    assert AuditEvent.objects.filter(kind="federation.peer.recognised").count() == 1
    assert IssuedMark.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("act", ["recognise", "accept_recognition", "suspend", "resume", "approve_successor"])
def test_an_ended_peer_moves_only_by_a_new_proposal(node: str, peers: Peers, act: str) -> None:
    """Invalid solely because recognition has ended."""
    peer = peering.end(peering.propose(peers.cn.entity_id), officer=OFFICER)
    with pytest.raises(UnableToPeer):
        getattr(peering, act)(peer, officer=OFFICER)
    assert peering.propose(peers.cn.entity_id).standing == "proposed"


def test_keys_of_the_second_channel_win_over_those_on_the_wire(node: str, peers: Peers) -> None:
    """Invalid solely because the configuration is signed by another key than the one that was brought."""
    other = KeySet([keys.generate().public]).jwks()
    with pytest.raises(UnableToPeer):
        peering.propose(peers.cn.entity_id, jwks=other)
    assert not Peer.objects.exists()
    assert peering.propose(peers.cn.entity_id, jwks=peers.cn.keys.jwks()).jwks == peers.cn.keys.jwks()


def test_a_key_with_the_pinned_name_and_another_value_is_not_the_pinned_key(node: str, peers: Peers) -> None:
    """Invalid solely because the kid is copied: the thumbprint differs (negative case 8: right id, wrong key)."""
    impostor = keys.parse_private({**keys.generate().jwk(), "kid": peers.cn.key.kid})
    text = peers.cn.configuration(signer=impostor, jwks=KeySet([impostor.public]).jwks())
    configuration = parse_entity_configuration(text, now=NOW)
    assert not peering.signed_by(configuration, peers.cn.keys)


@pytest.mark.parametrize(
    "entity_id", ["http://idp.example", "https://idp.example?x", "nonsense", "https://u@idp.example"]
)
def test_what_is_no_entity_identifier_is_not_proposed(node: str, entity_id: str) -> None:
    """Invalid solely because of the identifier."""
    with pytest.raises(Refusal):
        peering.propose(entity_id)


def test_the_node_itself_and_its_subordinates_are_no_peers(node: str, peers: Peers) -> None:
    """Invalid solely because the entity has another standing."""
    hosted = entities.host(path="checkpoints/a", metadata={"oauth_resource": {}}, now=NOW)
    for taken in (node, hosted.entity_id):
        with pytest.raises(UnableToPeer):
            peering.propose(taken)


def test_a_peer_that_does_not_answer_is_unavailable_and_one_that_lies_is_refused(node: str, peers: Peers) -> None:
    url = f"{peers.cn.entity_id}/.well-known/openid-federation"
    peers.federation.down.add(peers.cn.entity_id.removeprefix("http://"))
    with pytest.raises(Unavailable):
        peering.propose(peers.cn.entity_id)
    for page in (Page("text/html", "<p>"), Page("application/entity-statement+jwt", peers.mo.configuration())):
        peers.pages[url] = page
        with pytest.raises(Refusal):
            peering.propose(peers.cn.entity_id)


def test_the_fingerprint_does_not_depend_on_order_or_names(node: str) -> None:
    one, two = keys.generate().public.jwk(), keys.generate().public.jwk()
    forth = peering.fingerprint({"keys": [one, two]})
    assert forth == peering.fingerprint({"keys": [{**two, "kid": "x"}, one]})
    assert len(forth.split()) == 16
    assert forth != peering.fingerprint({"keys": [one]})


def _announce(peers: Peers, *, signer: str = "pinned") -> keys.PrivateKey:
    """The mainland shows a second key; its configuration is signed by the pinned or by the new one."""
    fresh = keys.generate()
    peers.cn.configuration_claims["jwks"] = KeySet([peers.cn.key.public, fresh.public]).jwks()
    if signer == "new":
        peers.cn.configuration_claims["jwks"] = KeySet([fresh.public]).jwks()
        peers.cn.key = fresh
    return fresh


def _observe(peers: Peers, peer: Peer, now: int) -> Peer:
    peers.federation.now = now
    peering.observe(peer, peering.fetch_configuration(peer.entity_id, now=now), now=now)
    peer.refresh_from_db()
    return peer


def test_a_successor_under_the_pinned_key_is_pinned_after_a_week(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id)
    fresh = _announce(peers)
    assert _observe(peers, peer, NOW).successor_seen_at == NOW
    assert fresh.kid not in str(_observe(peers, peer, NOW + peering.PIN_AFTER - 1).jwks)
    pinned = _observe(peers, peer, NOW + peering.PIN_AFTER)
    assert fresh.kid in str(pinned.jwks)
    assert pinned.successor_jwks is None


def test_a_successor_that_changes_meanwhile_waits_anew(node: str, peers: Peers) -> None:
    """Invalid solely because another key was announced six days later."""
    peer = peering.propose(peers.cn.entity_id)
    _announce(peers)
    _observe(peers, peer, NOW)
    _announce(peers)
    later = NOW + peering.PIN_AFTER - 1
    assert _observe(peers, peer, later).successor_seen_at == later
    assert _observe(peers, peer, NOW + peering.PIN_AFTER).successor_jwks is not None


def test_an_officer_may_approve_a_successor_at_once(node: str, peers: Peers) -> None:
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    fresh = _announce(peers)
    _observe(peers, peer, NOW)
    peering.approve_successor(peer, officer=OFFICER)
    assert fresh.kid in statements.Peer.objects.get().jwks["keys"][1]["kid"]
    assert AuditEvent.objects.get(kind="federation.peer.successor_pinned").actor == OFFICER


def test_keys_that_no_pinned_key_announced_are_never_pinned(node: str, peers: Peers) -> None:
    """Invalid solely because the configuration is signed by the new key: whoever took over the host could do that."""
    peer = peering.propose(peers.cn.entity_id)
    before = peer.jwks
    _announce(peers, signer="new")
    _observe(peers, peer, NOW)
    assert _observe(peers, peer, NOW + peering.PIN_AFTER).jwks == before
    assert peer.successor_jwks is None
    assert AuditEvent.objects.filter(kind="federation.peer.keys_unknown").exists()


def test_a_withdrawn_successor_is_forgotten(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id)
    _announce(peers)
    _observe(peers, peer, NOW)
    del peers.cn.configuration_claims["jwks"]
    assert _observe(peers, peer, NOW + peering.PIN_AFTER).successor_jwks is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("federation_peer_ended_is_off", {"ended_at": NOW, "recognised_at": NOW}),
        ("federation_peer_ended_is_off", {"ended_at": NOW, "accepted_at": NOW}),
        ("federation_peer_ended_is_off", {"ended_at": NOW, "suspended_at": NOW}),
        ("federation_peer_successor_dated", {"successor_seen_at": NOW}),
        ("federation_peer_successor_dated", {"successor_jwks": {"keys": []}}),
    ],
)
def test_a_peer_in_an_impossible_state_is_refused_by_the_database(
    db: None, name: str, values: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Peer.objects.create(entity_id="https://x.example", jwks={}, proposed_at=NOW, **values)

from collections.abc import Mapping

import pytest

from idp.federation import chain_cache, marks, peering, resolution, signing
from idp.federation.models import ChainCache, Peer
from idp.protocol.entity_statements import EntityConfiguration, parse_entity_configuration
from idp.protocol.keys import KeySet, generate
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import require_mark, verify_chain
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.simulators.federation import AuthoritySimulator

LEAF = {"openid_relying_party": {"redirect_uris": ["https://x.example/cb"]}}


def _recognise(peers: Peers, authority: AuthoritySimulator) -> Peer:
    """Recognise, and let the peer collect and show its mark."""
    peer = peering.recognise(peering.propose(authority.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer("http://hk.localhost:8002")
    authority.carry(marks.issued(mark_type=mark_type, subject=authority.entity_id, now=NOW), mark_type)
    return peer


def _issuers(now: int = NOW) -> list[str]:
    return [entity_id for entity_id, _ in resolution.accepted_issuers(now)]


def test_recognition_is_not_transitive(node: str, peers: Peers) -> None:
    """Hong Kong ends the mainland while Macau still recognises it: Hong Kong refuses, Macau accepts."""
    del peers.cn.metadata["openid_provider"]  # our policy about Macau would refuse another provider below it anyway
    cn, _ = _recognise(peers, peers.cn), _recognise(peers, peers.mo)
    macau = peers.mo.entity_id
    peers.mo.recognise(peers.cn)
    macau_mark = marks.border_issuer(macau)
    peers.cn.carry(peers.mo.mark(peers.cn.entity_id, macau_mark), macau_mark)
    assert _issuers() == [node, peers.cn.entity_id, macau]

    peering.end(cn, officer=OFFICER)

    assert _issuers() == [node, macau]
    for immediate in (True, False):
        with pytest.raises(Refusal) as caught:
            resolution.resolve(peers.cn.entity_id, now=NOW, immediate=immediate)
        assert caught.value.reason is Reason.UNTRUSTED_ISSUER
    found = resolution.explain(peers.cn.entity_id, now=NOW)
    assert found.chain is None, "not even by way of Macau, whom Hong Kong recognises"
    assert any(macau in attempt.path and "ended" in str(attempt) for attempt in found.attempts)

    texts = [peers.cn.configuration(), peers.mo.statement(peers.cn), peers.mo.configuration()]
    chain = verify_chain(texts, anchors={macau: peers.mo.keys}, now=NOW, immediate=True)
    require_mark(chain, macau_mark, anchor_configuration=_configuration(peers.mo), now=NOW)


def _configuration(authority: AuthoritySimulator) -> EntityConfiguration:
    return parse_entity_configuration(authority.configuration(), now=NOW)


def test_the_peers_peer_is_no_issuer_though_its_chain_would_verify(node: str, peers: Peers) -> None:
    """Invalid solely because Macau, and not Hong Kong, vouches for the mainland."""
    del peers.cn.metadata["openid_provider"]
    _recognise(peers, peers.mo)
    peers.mo.recognise(peers.cn)
    assert resolution.explain(peers.cn.entity_id, now=NOW).chain is not None
    with pytest.raises(Refusal):
        resolution.issuer(peers.cn.entity_id, now=NOW)
    assert _issuers() == [node, peers.mo.entity_id]


def test_an_entity_of_a_peers_peer_is_too_far(node: str, peers: Peers) -> None:
    """Invalid solely because of max_path_length (negative case 18)."""
    _recognise(peers, peers.mo)
    peers.mo.recognise(peers.cn)
    leaf = peers.authority("leaf", **LEAF)
    peers.cn.recognise(leaf)
    with pytest.raises(Refusal) as caught:
        resolution.resolve(leaf.entity_id, now=NOW)
    assert "more intermediates than max_path_length" in caught.value.detail


def test_a_provider_below_a_peer_is_refused_by_our_policy_about_the_peer(node: str, peers: Peers) -> None:
    """Invalid solely because it is a provider: only the peer itself may be one (recognition is not transitive)."""
    _recognise(peers, peers.mo)
    leaf = peers.authority("leaf", openid_provider={"id_token_signing_alg_values_supported": ["ES256"]})
    peers.mo.recognise(leaf)
    with pytest.raises(Refusal) as caught:
        resolution.resolve(leaf.entity_id, now=NOW)
    assert caught.value.reason is Reason.POLICY_VIOLATION


def test_an_entity_of_a_peer_resolves_and_breaks_with_its_peer(node: str, peers: Peers) -> None:
    """Invalid solely because the intermediate was suspended; right again when it is resumed."""
    cn = _recognise(peers, peers.cn)
    leaf = peers.authority("leaf", **LEAF)
    peers.cn.recognise(leaf)
    assert resolution.resolve(leaf.entity_id, now=NOW).path == (leaf.entity_id, cn.entity_id, node)
    peering.suspend(cn, officer=OFFICER)
    assert not ChainCache.objects.filter(subject=leaf.entity_id).exists()
    with pytest.raises(Refusal):
        resolution.resolve(leaf.entity_id, now=NOW)
    peering.resume(cn, officer=OFFICER)
    assert resolution.resolve(leaf.entity_id, now=NOW + chain_cache.RETRY_AFTER).path[1] == cn.entity_id


def test_a_suspended_peer_is_refused_without_asking_it(node: str, peers: Peers) -> None:
    """Invalid solely because the peer is suspended."""
    cn = peering.suspend(_recognise(peers, peers.cn), officer=OFFICER)
    peers.asked.clear()
    with pytest.raises(Refusal):
        resolution.resolve(cn.entity_id, now=NOW)
    assert peers.asked == []


def test_a_chain_that_lands_in_the_cache_after_the_suspension_is_refused_all_the_same(node: str, peers: Peers) -> None:
    """Invalid solely because the peer was suspended while somebody was still looking the chain up."""
    cn = _recognise(peers, peers.cn)
    leaf = peers.authority("leaf", **LEAF)
    peers.cn.recognise(leaf)
    resolution.resolve(leaf.entity_id, now=NOW)
    late = ChainCache.objects.get(subject=leaf.entity_id)
    peering.suspend(cn, officer=OFFICER)
    late.pk = None
    late.save(force_insert=True)
    with pytest.raises(Refusal):
        resolution.resolve(leaf.entity_id, now=NOW)


def test_a_chain_is_asked_for_once_and_again_when_it_ages(node: str, peers: Peers) -> None:
    _recognise(peers, peers.cn)
    resolution.resolve(peers.cn.entity_id, now=NOW, immediate=True)
    count = len(peers.asked)
    earliest = NOW + int(chain_cache.REFRESH_AFTER * (1 - chain_cache.JITTER))
    resolution.resolve(peers.cn.entity_id, now=earliest - 1, immediate=True)
    assert len(peers.asked) == count
    peers.federation.now = NOW + chain_cache.REFRESH_AFTER
    resolution.resolve(peers.cn.entity_id, now=NOW + chain_cache.REFRESH_AFTER, immediate=True)
    assert len(peers.asked) == count + 1


def test_chains_found_together_are_not_asked_for_together(node: str, peers: Peers) -> None:
    """All nodes of a federation that started at one time would come back as one crowd each hour."""
    _recognise(peers, peers.cn)
    dates = set()
    for _ in range(20):
        resolution.resolve(peers.cn.entity_id, now=NOW, immediate=True, refresh=True)
        dates.add(ChainCache.objects.get(subject=peers.cn.entity_id, immediate=True).refresh_at)
    assert len(dates) > 5
    first, last = NOW + chain_cache.REFRESH_AFTER * (1 - chain_cache.JITTER), NOW + chain_cache.REFRESH_AFTER
    assert all(first <= date <= last for date in dates)


def test_a_made_up_key_starts_no_storm_of_searches(node: str, peers: Peers) -> None:
    _recognise(peers, peers.cn)
    resolution.resolve(peers.cn.entity_id, now=NOW)
    count, later = len(peers.asked), NOW + chain_cache.COOLDOWN
    assert resolution.look_again(peers.cn.entity_id, now=later - 1) is None, "too soon after the first search"
    found = resolution.look_again(peers.cn.entity_id, now=later)
    assert found is not None
    assert found.entity_id == peers.cn.entity_id
    for second in range(chain_cache.COOLDOWN):
        assert resolution.look_again(peers.cn.entity_id, now=later + second) is None
    assert len(peers.asked) == count + 1


def test_a_peer_that_is_down_is_believed_until_its_chain_expires(node: str, peers: Peers) -> None:
    peer = _recognise(peers, peers.cn)
    peers.federation.now = NOW + 1000  # the peer's configuration then lives until NOW + 4600
    resolution.resolve(peer.entity_id, now=NOW + 1000)
    peers.federation.down.add(peer.entity_id.removeprefix("http://"))
    later = NOW + 1000 + 3590
    ChainCache.objects.update(refresh_at=NOW + 1001)
    assert resolution.resolve(peer.entity_id, now=later).entity_id == peer.entity_id
    with pytest.raises(Unavailable):
        resolution.resolve(peer.entity_id, now=NOW + 4600)


def test_bundles_do_not_wait_for_a_peer_that_is_down(node: str, peers: Peers) -> None:
    """What was resolved ahead serves until it expires; what never was is asked for once in a while."""
    peer = _recognise(peers, peers.cn)
    _recognise(peers, peers.mo)
    peers.federation.now = NOW + 1000
    assert len(_issuers(NOW + 1000)) == 3
    ChainCache.objects.filter(subject=peers.mo.entity_id).delete()
    peers.federation.down |= {peer.entity_id.removeprefix("http://"), peers.mo.entity_id.removeprefix("http://")}
    peers.asked.clear()
    later = NOW + 1000 + 3590
    for _ in range(3):
        assert _issuers(later) == [node, peer.entity_id]
    assert len(peers.asked) == 1
    ChainCache.objects.filter(subject=peer.entity_id).update(refresh_at=NOW)
    for _ in range(3):
        resolution.resolve(peer.entity_id, now=later, immediate=True)
    assert len(peers.asked) == 2


def test_a_failure_is_remembered_so_that_a_stranger_starts_no_storm(node: str, peers: Peers) -> None:
    stranger = peers.authority("stranger", **LEAF)
    for _ in range(3):
        with pytest.raises(Refusal):
            resolution.resolve(stranger.entity_id, now=NOW)
    assert len(peers.asked) == 1
    with pytest.raises(Refusal):
        resolution.resolve(stranger.entity_id, now=NOW + chain_cache.RETRY_AFTER)
    assert len(peers.asked) == 2


def test_recognising_takes_effect_at_once_in_spite_of_a_remembered_failure(node: str, peers: Peers) -> None:
    peer = peering.propose(peers.cn.entity_id)
    with pytest.raises(Refusal):
        resolution.resolve(peer.entity_id, now=NOW)
    peering.recognise(peer, officer=OFFICER)
    assert resolution.resolve(peer.entity_id, now=NOW).entity_id == peer.entity_id


def test_a_killed_anchor_key_does_not_leave_dead_chains_behind(node: str, peers: Peers) -> None:
    peer = _recognise(peers, peers.cn)
    resolution.resolve(peer.entity_id, now=NOW)
    signing.kill(kid=signing.signer("federation").kid, now=NOW)
    assert resolution.resolve(peer.entity_id, now=NOW).entity_id == peer.entity_id


def test_a_recognised_peer_without_our_mark_is_no_issuer(node: str, peers: Peers) -> None:
    """Invalid solely because the peer's configuration does not show our mark (negative case 19)."""
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    assert resolution.resolve(peers.cn.entity_id, now=NOW, immediate=True).path[-1] == node
    assert _issuers() == [node]


@pytest.mark.parametrize("forged", ["by itself", "for another", "expired"])
def test_a_mark_that_is_not_ours_for_that_peer_makes_no_issuer(node: str, peers: Peers, forged: str) -> None:
    """Invalid solely because of the mark (negative case 19)."""
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    peering.recognise(peering.propose(peers.mo.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    text = {
        "by itself": lambda: peers.cn.mark(peers.cn.entity_id, mark_type),
        "for another": lambda: marks.issued(mark_type=mark_type, subject=peers.mo.entity_id, now=NOW),
        "expired": lambda: marks.issued(mark_type=mark_type, subject=peers.cn.entity_id, now=NOW - marks.LIFETIME - 60),
    }[forged]()
    peers.cn.carry(text, mark_type)
    assert _issuers() == [node]


def test_a_peer_that_does_not_name_us_is_no_issuer(node: str, peers: Peers) -> None:
    """Invalid solely because we are not in its authority_hints (negative case 6): both sides must want it."""
    _recognise(peers, peers.cn)
    peers.cn.hints.remove(node)
    assert _issuers() == [node]


@pytest.mark.parametrize(
    ("entity_type", "members"),
    [
        ("border_token_issuer", {"status_jwks": {"keys": []}, "border_token_endpoint": "x"}),
        ("openid_provider", {"id_token_signing_alg_values_supported": ["ES256"]}),
    ],
)
def test_a_peer_without_what_our_policy_demands_is_refused(
    node: str, peers: Peers, entity_type: str, members: Mapping[str, object]
) -> None:
    """Invalid solely because an essential parameter is missing."""
    _recognise(peers, peers.cn)
    peers.cn.metadata[entity_type] = dict(members)
    if entity_type == "openid_provider":  # `value` writes the issuer where none is stated: that is no loss
        chain = resolution.resolve(peers.cn.entity_id, now=NOW)
        assert chain.entity(entity_type)["issuer"] == peers.cn.entity_id
    else:
        with pytest.raises(Refusal) as caught:
            resolution.resolve(peers.cn.entity_id, now=NOW)
        assert caught.value.reason is Reason.POLICY_VIOLATION


def test_a_provider_with_another_issuer_has_ours_written_over_it(node: str, peers: Peers) -> None:
    _recognise(peers, peers.cn)
    peers.cn.metadata["openid_provider"]["issuer"] = "https://evil.example"
    assert resolution.resolve(peers.cn.entity_id, now=NOW).entity("openid_provider")["issuer"] == peers.cn.entity_id


def test_the_node_resolves_itself_without_asking_anybody(node: str, peers: Peers) -> None:
    chain = resolution.resolve(node, now=NOW, immediate=True)
    assert chain.path == (node,)
    assert chain.anchor_keys.jwks() == signing.published("federation").jwks()
    assert peers.asked == []


def test_a_name_below_the_node_that_is_not_hosted_is_refused_without_asking_ourselves(node: str, peers: Peers) -> None:
    """Invalid solely because nobody hosts it; a node that asked itself over HTTP could wait for itself for ever."""
    with pytest.raises(Refusal):
        resolution.resolve(f"{node}/checkpoints/nowhere", now=NOW)


def test_the_entity_type_that_is_asked_for_must_be_there(node: str, peers: Peers) -> None:
    """Invalid solely because the peer is not of that type."""
    peer = _recognise(peers, peers.cn)
    with pytest.raises(Refusal) as caught:
        resolution.resolve(peer.entity_id, now=NOW, entity_type="openid_relying_party")
    assert caught.value.reason is Reason.POLICY_VIOLATION


@pytest.mark.parametrize(
    "subject", ["http://10.0.0.1", "https://x.example#f", "file:///etc/passwd", "http://localhost"]
)
def test_a_subject_that_leads_inside_is_refused_before_any_connection(node: str, peers: Peers, subject: str) -> None:
    """Negative case 11: invalid solely because of where the identifier points."""
    with pytest.raises(Refusal):
        resolution.resolve(subject, now=NOW)


@pytest.mark.parametrize(
    "hint", ["https://127.0.0.1", "https://169.254.169.254", "https://2130706433", "https://10.0.0.8:8443/idp"]
)
def test_a_hint_that_leads_inside_is_a_dead_end_and_the_others_go_on(node: str, peers: Peers, hint: str) -> None:
    """Negative case 11: invalid solely because of the hint's address."""
    peer = _recognise(peers, peers.cn)
    leaf = peers.authority("leaf", hint, **LEAF)
    peers.cn.recognise(leaf)
    found = resolution.explain(leaf.entity_id, now=NOW)
    assert found.require().path == (leaf.entity_id, peer.entity_id, node)
    assert any(attempt.path[-1] == hint and isinstance(attempt.error, Refusal) for attempt in found.attempts)


def test_names_at_one_host_do_not_make_us_knock_there_for_ever(node: str, peers: Peers) -> None:
    """A stranger names path after path below somebody else's host: after ten misses nobody is asked for a while."""
    peer = _recognise(peers, peers.cn)
    victim = peers.url("victim")
    for place in range(chain_cache.MAX_FAILED_BELOW):
        with pytest.raises(Refusal):
            resolution.resolve(f"{victim}/{place}", now=NOW)
    asked = len(peers.asked)
    for name in (victim, f"{victim}/more", f"{victim}/0"):
        with pytest.raises((Refusal, Unavailable)):
            resolution.resolve(name, now=NOW)
    assert len(peers.asked) == asked
    assert resolution.resolve(peer.entity_id, now=NOW).entity_id == peer.entity_id, "others are found as before"
    with pytest.raises(Refusal):
        resolution.resolve(f"{victim}/more", now=NOW + chain_cache.RETRY_AFTER)
    assert len(peers.asked) > asked


def test_many_hosts_do_not_make_us_search_for_ever(node: str, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_cache, "MAX_FAILED", 3)
    for place in range(3):
        with pytest.raises(Refusal):
            resolution.resolve(peers.url(f"v{place}"), now=NOW)
    asked = len(peers.asked)
    with pytest.raises(Unavailable):
        resolution.resolve(peers.url("v9"), now=NOW)
    assert len(peers.asked) == asked


def test_the_cache_is_pruned_and_never_grows_without_end(
    node: str, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_cache, "MAX_REMEMBERED", 3)
    for place in range(6):
        with pytest.raises(Refusal):
            resolution.resolve(peers.authority(f"stranger{place}", **LEAF).entity_id, now=NOW)
    assert ChainCache.objects.count() <= 4


def test_pins_are_compared_and_not_learnt(node: str, peers: Peers) -> None:
    """Invalid solely because the peer's keys are others than those pinned (negative case 8)."""
    peer = _recognise(peers, peers.cn)
    peers.cn.key = generate()
    peers.cn.configuration_claims["jwks"] = KeySet([peers.cn.key.public]).jwks()
    with pytest.raises(Refusal) as caught:
        resolution.resolve(peer.entity_id, now=NOW)
    assert caught.value.reason is Reason.BAD_SIGNATURE

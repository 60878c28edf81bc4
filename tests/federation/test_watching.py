"""Whether a peer changed is asked often, cheaply, and of all at once."""

import threading
import time
from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.federation import chain_cache, fetching, marks, peering, resolution, watching
from idp.federation.models import Peer
from idp.outbound import Outbound
from idp.protocol import keys
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Unavailable
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import STATEMENT, Page, Peers


@pytest.fixture
def cn(node: str, peers: Peers) -> Peer:
    """The mainland as an accepted issuer, whose chain was found once."""
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=peer.entity_id, now=NOW), mark_type)
    resolution.issuer(peer.entity_id, now=NOW)
    return peer


def _serve(peers: Peers, etag: str = "", text: str | None = None) -> None:
    """The mainland's configuration as it is now, signed once, with an entity tag or without."""
    headers = {"ETag": etag} if etag else {}
    page = Page(STATEMENT, text or peers.cn.configuration(), headers=headers)
    peers.pages[peers.url("cn", WELL_KNOWN)] = page


def _roll_border(peers: Peers) -> str:
    fresh = keys.generate()
    peers.cn.metadata["border_token_issuer"]["jwks"] = KeySet([fresh.public]).jwks()
    return fresh.kid


def _border_kids(peer: Peer, now: int = NOW) -> list[str]:
    chain = resolution.issuer(peer.entity_id, now=now)
    return [jwk["kid"] for jwk in chain.entity("border_token_issuer")["jwks"]["keys"]]


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"', ""])
def test_a_peer_that_did_not_change_costs_one_request_and_nothing_else(cn: Peer, peers: Peers, etag: str) -> None:
    _serve(peers, etag)
    assert watching.watch(NOW) == 1, "the first look"
    peers.asked.clear()
    events = AuditEvent.objects.count()
    assert watching.watch(NOW + 15) == 0
    assert peers.asked == [peers.url("cn", WELL_KNOWN)]
    assert AuditEvent.objects.count() == events


def test_a_peer_whose_keys_changed_has_them_in_our_bundles_at_once(cn: Peer, peers: Peers) -> None:
    _serve(peers, '"one"')
    watching.watch(NOW)
    kid = _roll_border(peers)
    _serve(peers, '"two"')
    assert watching.watch(NOW + 15) == 1
    assert _border_kids(cn) == [kid]


def test_what_was_just_fetched_is_not_fetched_again(cn: Peer, peers: Peers) -> None:
    """A second answer may differ from the one whose tag is kept; and a peer is asked once, not twice."""
    _serve(peers, '"one"')
    peers.asked.clear()
    watching.watch(NOW)
    assert peers.asked == [peers.url("cn", WELL_KNOWN)]


def test_a_chain_that_is_gone_is_found_again_though_the_peer_did_not_change(cn: Peer, peers: Peers) -> None:
    """Resumed after a suspension, or its chain expired while it did not answer."""
    _serve(peers, '"one"')
    watching.watch(NOW)
    peering.resume(peering.suspend(cn, officer=OFFICER), officer=OFFICER)
    assert chain_cache.remembered(cn.entity_id, immediate=True, now=NOW) is None
    assert watching.watch(NOW + 15) == 1
    assert chain_cache.remembered(cn.entity_id, immediate=True, now=NOW) is not None


def test_a_peer_that_is_accepted_only_is_watched_but_makes_no_issuer(node: str, peers: Peers) -> None:
    peer = peering.accept_recognition(peering.propose(peers.mo.entity_id), officer=OFFICER)
    peers.asked.clear()
    assert watching.watch(NOW) == 1
    assert peers.asked == [peers.url("mo", WELL_KNOWN)]
    assert not resolution.ChainCache.objects.filter(subject=peer.entity_id).exists()


@pytest.mark.parametrize("how", ["proposed", "suspended", "ended", "lapsed"])
def test_a_peer_that_does_not_stand_is_not_asked(cn: Peer, peers: Peers, how: str) -> None:
    if how == "suspended":
        peering.suspend(cn, officer=OFFICER)
    elif how == "ended":
        peering.end(cn, officer=OFFICER)
    elif how == "lapsed":
        Peer.objects.update(valid_until=NOW)
    else:
        Peer.objects.update(recognised_at=None)
    peers.asked.clear()
    assert watching.watch(NOW) == 0
    assert peers.asked == []


@pytest.mark.parametrize("what", ["another's signature", "a web page", "nonsense", "expired", "of another"])
def test_a_configuration_that_does_not_hold_changes_nothing(cn: Peer, peers: Peers, what: str) -> None:
    """Invalid solely because of what is named: the chain that was found serves on."""
    before = _border_kids(cn)
    _roll_border(peers)
    if what == "another's signature":
        peers.cn.key = keys.generate()
        _serve(peers)
    elif what == "expired":
        _serve(peers, text=peers.cn.configuration(exp=NOW - 60))
    elif what == "of another":
        _serve(peers, text=peers.mo.configuration())
    else:
        _serve(peers, text="x.y.z")
        if what == "a web page":
            peers.pages[peers.url("cn", WELL_KNOWN)].content_type = "text/html"
    pinned = Peer.objects.get().jwks
    watching.watch(NOW)
    assert _border_kids(cn) == before
    assert Peer.objects.get().jwks == pinned


def test_a_peer_whose_clock_is_ahead_is_looked_at_again_when_ours_has_caught_up(cn: Peer, peers: Peers) -> None:
    """Its kill would otherwise wait for the next change, or for the round of five minutes."""
    kid = _roll_border(peers)
    _serve(peers, '"one"', peers.cn.configuration(iat=NOW + 20))
    assert watching.watch(NOW) == 0
    assert watching.watch(NOW + 15) == 1
    assert _border_kids(cn, NOW + 15) == [kid]


def test_a_signature_by_nobody_we_know_is_reported_once_and_not_every_few_seconds(cn: Peer, peers: Peers) -> None:
    peers.cn.key = keys.generate()
    _serve(peers, '"other"')
    for beat in range(4):
        watching.watch(NOW + 15 * beat)
    assert AuditEvent.objects.filter(kind="federation.peer.keys_unknown").count() == 1


@pytest.mark.parametrize("etag", ['"' + "x" * 200 + '"', "no quotes", '"caf\xe9"', '"a" "b"', '"\x01"'])
def test_an_entity_tag_that_cannot_be_sent_back_is_not_kept(etag: str) -> None:
    """Whatever a peer writes there goes into a header of ours."""
    assert fetching.entity_tag(fetching.Response(200, {"etag": etag}, b"")) == ""


def test_peers_that_hang_delay_no_other(cn: Peer, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hang for as long as they may; the mainland's new key is known when the first of them would be given up."""
    monkeypatch.setattr(watching, "TIMEOUT", 1.5)
    real, kid = Outbound.request, _roll_border(peers)

    def request(self: Outbound, method: str, url: str, *, timeout: float | None = None, **options: Any) -> Any:
        if "slow" in url:
            time.sleep(timeout or 10)
            raise Unavailable("too late")
        return real(self, method, url, timeout=timeout, **options)

    monkeypatch.setattr(Outbound, "request", request)
    for number in range(4):
        name = f"http://a{number}.slow.localhost"  # before the mainland in every order
        Peer.objects.create(entity_id=name, jwks=peers.mo.keys.jwks(), proposed_at=NOW, accepted_at=NOW)
    begun = time.monotonic()
    watching.watch(NOW)
    assert time.monotonic() - begun < 5, "one after the other they would take 6 s"
    assert _border_kids(cn) == [kid]


def test_jobs_run_together_and_each_has_its_own_outcome() -> None:
    meet = threading.Barrier(3, timeout=5)

    def fail() -> int:
        meet.wait()
        raise Unavailable("down")

    found = fetching.together({"a": lambda: meet.wait() * 0 + 1, "b": fail, "c": lambda: meet.wait() * 0 + 3})
    assert (found["a"], found["c"]) == (1, 3)
    assert isinstance(found["b"], Unavailable)
    assert fetching.together({}) == {}

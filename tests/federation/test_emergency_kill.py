"""The drill for a stolen key: from the officer's command to the gates, at the beats of the house, in the worst case.

Each timeline is played with the real code: the node builds bundles, the lane takes them and decides, the watch asks a
peer on loopback. Times are those of the schedule and of the lane; the clock of the house is moved by hand.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.checkpoint.sync import INTERVAL, JITTER
from idp.federation import (
    bundles,
    entities,
    key_changes,
    marks,
    peering,
    signing,
    status_lists,
    status_mirror,
    tasks,
    watching,
)
from idp.federation.models import Peer, SigningKey
from idp.federation.schedule import BEAT
from idp.protocol import keys, strict_json
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason
from idp.protocol.status_list import StatusList, sign_status_list
from idp.protocol.trust_bundle import sign_bundle, sign_bundle_keys
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.gates import ADMITTED, CHECKPOINT, LaneOfOurs, bundle, own_token, peer_token
from tests.federation.peers import Page, Peers

WITHIN = 60  # seconds from the kill to the refusal at every lane that is online
POLL = int(INTERVAL * (1 + JITTER))  # a lane asked just before, and chance gave it the longest wait
NOTICED = int(BEAT["federation-mirror"]["schedule"] + watching.TIMEOUT)  # the beat was just before, the answer is slow


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(node: str, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("idp.clock.now", clock)
    issuer = entities._providers["border_token_issuer"]
    monkeypatch.setitem(entities._providers, "border_token_issuer", lambda: {**issuer(), "jurisdiction": "HKG"})
    return clock


@pytest.fixture
def lane(clock: Clock, tmp_path: Path) -> LaneOfOurs:
    """A lane of ours that has just asked for its bundle."""
    lane = LaneOfOurs(tmp_path / "lane", clock)
    lane.poll()
    return lane


@pytest.fixture
def cn(peers: Peers, clock: Clock, node: str) -> Peers:
    """The mainland as a recognised issuer; the next keys of all its uses are published, as ours always are."""
    peers.cn.metadata["border_token_issuer"]["jurisdiction"] = "CHN"
    for kept in (peers.border_keys, peers.status_keys):
        kept["cn next"] = keys.generate()
    _offer(peers, "jwks", peers.border_keys, "cn", "cn next")
    _offer(peers, "status_jwks", peers.status_keys, "cn", "cn next")
    peers.cn.configuration_claims["jwks"] = KeySet([peers.cn.key.public, NEXT.public]).jwks()
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=peers.cn.entity_id, now=NOW), mark_type)
    _publish_list(peers, "cn", NOW)
    tasks.mirror()
    return peers


NEXT = keys.generate()  # the mainland's next federation key


def _offer(peers: Peers, name: str, of: dict[str, PrivateKey], *whose: str) -> None:
    peers.cn.metadata["border_token_issuer"][name] = KeySet([of[key].public for key in whose]).jwks()


def _publish_list(peers: Peers, signer: str, now: int) -> str:
    uri = peers.url("cn", "/status/1")
    statuses = StatusList.blank(size=1024)
    text = sign_status_list(statuses, uri=uri, signer=peers.status_keys[signer], now=now, lifetime=86_400, ttl=30)
    peers.pages[uri] = Page(status_mirror.MEDIA_TYPE, text)
    aggregation = peers.url("cn", "/status/aggregation")
    peers.pages[aggregation] = Page("application/json", json.dumps({"status_lists": [uri]}))
    return text


def _kill(use: str, clock: Clock) -> PrivateKey:
    """Kill the active key of ``use``, which a thief has a copy of: this."""
    stolen = signing.private_key(use)
    key_changes.kill(kid=stolen.kid, why="a laptop was stolen", officer=OFFICER, now=clock.now)
    return stolen


def test_the_worst_case_fits_into_the_promise() -> None:
    assert POLL <= WITHIN, "own lanes"
    assert NOTICED + POLL <= WITHIN, "lanes of a peer"
    assert BEAT["federation-mirror"]["schedule"] > watching.TIMEOUT + status_mirror.BUDGET, (
        "no round is late for a peer"
    )


# At our own gates


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_a_killed_border_key_opens_no_gate_of_ours(lane: LaneOfOurs, clock: Clock, form: str) -> None:
    """Negative case 75: invalid solely because the key was killed."""
    assert lane.tries(own_token(clock.now, form=form)) == ADMITTED
    stolen = _kill("border", clock)
    clock.now += POLL
    lane.poll()
    assert lane.tries(own_token(clock.now, form=form, key=stolen)) == Reason.BAD_SIGNATURE.value
    assert lane.tries(own_token(clock.now, form=form)) == ADMITTED, "the next key was published before"


def test_a_lane_that_has_not_polled_yet_admits_what_the_new_border_key_signed(lane: LaneOfOurs, clock: Clock) -> None:
    """The next key signs from the second of the kill; travellers must not wait for the lanes."""
    _kill("border", clock)
    clock.now += 1
    assert lane.tries(own_token(clock.now)) == ADMITTED


def test_a_killed_status_key_says_nothing_any_more(lane: LaneOfOurs, clock: Clock, node: str) -> None:
    """A thief would publish lists in which nothing is revoked."""
    uri, idx = status_lists.allocate(expires_at=NOW + 1_800, now=NOW)
    status_lists.set_statuses(uri, [idx], 1, now=NOW)
    stolen = _kill("status", clock)
    clock.now += POLL
    assert lane.poll().issuer(node, now=clock.now).status_lists[uri].get(idx) == 1, "signed anew by the next key"
    blank = sign_status_list(
        StatusList.blank(size=status_lists.SIZE), uri=uri, signer=stolen, now=clock.now + 1, lifetime=86_400, ttl=30
    )
    forged = _forged(clock, status_lists=[blank])
    loaded = lane.trust.take(forged, "")
    assert [part.reason for part in loaded.left_out] == [Reason.BAD_SIGNATURE]
    assert loaded.issuer(node, now=clock.now).status_lists == {}


def test_a_killed_bundle_key_feeds_no_lane(lane: LaneOfOurs, clock: Clock) -> None:
    """The key set in which it stood is still signed and not expired: the lane remembers that it was withdrawn."""
    old_set = json.loads(json.dumps(bundle(clock.now)))["keys"]
    stolen = _kill("bundle", clock)
    clock.now += POLL
    lane.poll()
    forged = json.loads(_forged(clock, signer=stolen))
    assert lane.refuses_bundle(json.dumps({**forged, "keys": old_set})) == Reason.BAD_SIGNATURE.value
    clock.now += POLL
    assert lane.poll().serial > 1
    assert lane.tries(own_token(clock.now)) == ADMITTED


def test_a_killed_federation_key_is_unpinned_at_the_lane_which_is_never_locked_out(
    lane: LaneOfOurs, clock: Clock, node: str
) -> None:
    """Three thefts in two hours: each time the key that signs next was pinned with the bundle before."""
    for _ in range(3):
        stolen = _kill("federation", clock)
        clock.now += POLL
        assert lane.poll().anchor_keys.find(stolen.kid) is None
        key_set = sign_bundle_keys(signing.published("bundle"), entity_id=node, signer=stolen, now=clock.now)
        forged = {**json.loads(_forged(clock)), "keys": key_set}
        assert lane.refuses_bundle(json.dumps(forged)) == Reason.BAD_SIGNATURE.value
        assert lane.tries(own_token(clock.now)) == ADMITTED
        clock.now += 2_400
        lane.poll()


def test_a_lane_that_slept_through_the_kill_of_a_federation_key_is_not_locked_out(
    lane: LaneOfOurs, clock: Clock
) -> None:
    _kill("federation", clock)
    clock.now += bundles.LIFETIME - 60
    lane.poll()
    assert lane.tries(own_token(clock.now)) == ADMITTED


@pytest.mark.parametrize("use", signing.NODE_USES)
def test_the_stolen_copy_on_our_own_disk_is_destroyed(
    clock: Clock, use: str, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        stolen = _kill(use, clock)
    row = SigningKey.objects.get(kid=stolen.kid)
    assert row.state == "killed"
    assert not signing.key_files.path_of(use, stolen.kid).exists()


def _forged(clock: Clock, *, signer: PrivateKey | None = None, **parts: object) -> str:
    """What whoever holds a bundle key, ours or ``signer``, can say: a higher serial, and ``parts`` of our issuer."""
    wire = bundle(clock.now)
    claims = strict_json.loads_object(strict_json.b64decode(wire["bundle"].split(".")[1]))
    (own,) = [issuer for issuer in claims["issuers"] if len(issuer["chain"]) == 1]
    claims = {**claims, "serial": claims["serial"] + 1, "issuers": [{**own, **parts}], "aud": CHECKPOINT}
    return json.dumps({**wire, "bundle": sign_bundle(claims, signer or signing.private_key("bundle"))})


# At the gates of a peer: we are the peer of the mainland here


@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_a_border_key_that_a_peer_killed_opens_no_gate_within_a_minute(
    cn: Peers, lane: LaneOfOurs, clock: Clock, form: str
) -> None:
    """Negative case 75, over the border. The timeline is the worst: everybody had just asked."""
    stolen, fresh, killed_at = cn.border_keys["cn"], cn.border_keys["cn next"], clock.now
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, stolen, form=form)) == ADMITTED
    _offer(cn, "jwks", cn.border_keys, "cn next")
    clock.now = cn.federation.now = killed_at + NOTICED
    lane.poll()  # a moment before the watch was done
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, stolen, form=form)) == ADMITTED, "nobody can know yet"
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, fresh, form=form)) == ADMITTED, "published before"
    tasks.mirror()
    clock.now += POLL
    lane.poll()
    assert clock.now - killed_at <= WITHIN
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, stolen, form=form)) == Reason.BAD_SIGNATURE.value
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, fresh, form=form)) == ADMITTED


def test_a_status_key_that_a_peer_killed_says_nothing_within_a_minute(
    cn: Peers, lane: LaneOfOurs, clock: Clock
) -> None:
    uri, killed_at = cn.url("cn", "/status/1"), clock.now
    clock.now = cn.federation.now = killed_at + NOTICED
    _offer(cn, "status_jwks", cn.status_keys, "cn next")
    tasks.mirror()  # the list by the killed key is still what the peer shows: it is not believed
    clock.now += POLL
    assert uri not in lane.poll().issuer(cn.cn.entity_id, now=clock.now).status_lists
    assert clock.now - killed_at <= WITHIN
    _publish_list(cn, "cn next", clock.now)
    tasks.mirror()
    assert uri in lane.poll().issuer(cn.cn.entity_id, now=clock.now).status_lists


def test_a_federation_key_that_a_peer_killed_is_unpinned_within_a_minute(
    cn: Peers, lane: LaneOfOurs, clock: Clock
) -> None:
    """Whoever stole it could name border keys of his own."""
    stolen, killed_at, own = cn.cn.key, clock.now, keys.generate()
    cn.cn.key = NEXT
    cn.cn.configuration_claims["jwks"] = KeySet([NEXT.public, keys.generate().public]).jwks()
    clock.now = cn.federation.now = killed_at + NOTICED
    tasks.mirror()
    clock.now += POLL
    lane.poll()
    assert clock.now - killed_at <= WITHIN
    assert KeySet.jwks(keys.parse_jwks(Peer.objects.get().jwks)) == KeySet([NEXT.public]).jwks(), "and the newest waits"
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, cn.border_keys["cn"])) == ADMITTED
    # The thief takes over the peer's address as well.
    cn.cn.key = stolen
    cn.cn.configuration_claims["jwks"] = KeySet([stolen.public]).jwks()
    _offer(cn, "jwks", {"own": own}, "own")
    clock.now = cn.federation.now = clock.now + NOTICED
    tasks.mirror()
    lane.poll()
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, own)) == Reason.BAD_SIGNATURE.value
    assert lane.tries(peer_token(clock.now, cn.cn.entity_id, cn.border_keys["cn"])) == ADMITTED


def test_the_watch_is_as_often_as_the_drill_counts_on() -> None:
    assert BEAT["federation-mirror"]["task"] == tasks.mirror.name

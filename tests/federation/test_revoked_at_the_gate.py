"""A token taken back, suspended, or of a suspended peer: at the gates with the next bundle, and within a minute."""

import json
from typing import Any

import pytest

from idp.border.schedule import BEAT as BORDER
from idp.federation import peering, signing, status_lists, status_mirror, tasks
from idp.federation.models import Peer
from idp.federation.schedule import BEAT
from idp.protocol.refusals import Reason
from idp.protocol.status_list import INVALID, SUSPENDED, VALID, StatusList, sign_status_list
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.gates import ADMITTED, CHECKPOINT, NODE, LaneOfOurs, peer_token
from tests.federation.peers import Page, Peers
from tests.federation.test_emergency_kill import POLL, Clock, clock, cn, lane  # noqa: F401  fixtures
from tests.simulators.gate import GateSimulator

WITHIN = 60  # seconds from the revocation to the refusal at every lane that is online
MIRROR = int(BEAT["federation-mirror"]["schedule"])
SWEEP = int(BORDER["border.revoke_orphans"]["schedule"])
IDX = 5


def test_the_worst_case_of_the_beats_fits_into_the_promise() -> None:
    """A phone was revoked just after the sweep, the peer copied just before, and the lane's wait is the longest."""
    assert SWEEP + POLL <= WITHIN, "at our own lanes"
    assert SWEEP + MIRROR + POLL <= WITHIN, "at a peer's"


@pytest.mark.parametrize(("value", "bits"), [(INVALID, 1), (INVALID, 2), (SUSPENDED, 2), (3, 2), (0x0C, 4), (255, 8)])
def test_no_status_but_valid_opens_a_gate_of_ours(
    lane: LaneOfOurs,  # noqa: F811
    clock: Clock,  # noqa: F811
    settings: Any,
    value: int,
    bits: int,
) -> None:
    """Whatever an application makes of a value that the draft leaves to it: at a border it is a token taken back."""
    settings.IDP_STATUS_BITS = bits
    uri, idx = status_lists.allocate(expires_at=NOW + 1_800, now=NOW)
    token = own_token(uri, idx)
    lane.poll()
    assert lane.tries(token) == ADMITTED
    for status, outcome in ((value, Reason.REVOKED.value), (VALID, ADMITTED)):
        status_lists.set_statuses(uri, [idx], status, now=clock.now, actor=OFFICER)
        clock.now += POLL
        lane.poll()
        assert lane.tries(own_token(uri, idx, now=clock.now)) == outcome


def test_a_peers_revocation_is_at_our_gates_within_a_minute(
    lane: LaneOfOurs,  # noqa: F811
    cn: Peers,  # noqa: F811
    clock: Clock,  # noqa: F811
) -> None:
    """The mainland takes a token back a second after we copied its list."""
    _publish(cn, clock.now, revoked=False)
    tasks.mirror()
    lane.poll()
    assert lane.tries(_foreign(cn, clock.now)) == ADMITTED
    clock.now += 1
    _publish(cn, clock.now, revoked=True)
    revoked_at = clock.now
    clock.now += MIRROR
    tasks.mirror()
    clock.now += POLL
    lane.poll()
    assert lane.tries(_foreign(cn, revoked_at)) == Reason.REVOKED.value
    assert clock.now - revoked_at <= WITHIN


@pytest.mark.parametrize("how", ["suspend", "end"])
def test_the_tokens_of_a_suspended_or_ended_peer_stop_with_the_next_bundle(
    lane: LaneOfOurs,  # noqa: F811
    cn: Peers,  # noqa: F811
    clock: Clock,  # noqa: F811
    how: str,
) -> None:
    lane.poll()
    token = _foreign(cn, clock.now)
    assert lane.tries(token) == ADMITTED
    getattr(peering, how)(Peer.objects.get(entity_id=cn.cn.entity_id), officer=OFFICER)
    clock.now += 1
    lane.poll()
    assert lane.tries(token) == Reason.UNTRUSTED_ISSUER.value


def test_a_peer_that_is_resumed_has_its_revocations_with_the_next_round(
    lane: LaneOfOurs,  # noqa: F811
    cn: Peers,  # noqa: F811
    clock: Clock,  # noqa: F811
) -> None:
    """A token taken back while the peer was suspended must not open a gate by the copy of before."""
    peering.suspend(Peer.objects.get(entity_id=cn.cn.entity_id), officer=OFFICER)
    clock.now += 300
    _publish(cn, clock.now, revoked=True)
    peering.resume(Peer.objects.get(entity_id=cn.cn.entity_id), officer=OFFICER)
    tasks.mirror()
    clock.now += POLL
    lane.poll()
    assert lane.tries(_foreign(cn, clock.now)) == Reason.REVOKED.value


def own_token(uri: str, idx: int, *, now: int = NOW) -> bytes | str:
    """A border token of this node, for a resident on the way home, whose status stands there."""
    token: bytes | str = GateSimulator(now=now).token(
        sealed={"endorsement": None},
        iss=NODE,
        aud=CHECKPOINT,
        document_type="hkid",
        signer=signing.private_key("border"),
        status_uri=uri,
        status_idx=idx,
    )
    return token


def _foreign(peers: Peers, now: int) -> bytes | str:
    return peer_token(now, peers.cn.entity_id, peers.border_keys["cn"])


def _publish(peers: Peers, now: int, *, revoked: bool) -> None:
    uri = peers.url("cn", "/status/1")
    statuses = StatusList.blank(size=131_072)
    if revoked:
        for idx in range(1024):
            statuses.set(idx, INVALID)
    text = sign_status_list(statuses, uri=uri, signer=peers.status_keys["cn"], now=now, lifetime=86_400, ttl=30)
    peers.pages[uri] = Page(status_mirror.MEDIA_TYPE, text)
    aggregation = peers.url("cn", "/status/aggregation")
    peers.pages[aggregation] = Page("application/json", json.dumps({"status_lists": [uri]}))

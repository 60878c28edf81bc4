"""The lane and its node over real HTTP: enrolment, bundles down, the journal up, keys announced; a node that fails."""

import threading
from collections.abc import Iterator

import pytest

from idp.checkpoint import config as configuration
from idp.checkpoint import sealing_keys
from idp.checkpoint.sealing_keys import ROTATION
from idp.checkpoint.store import Store
from idp.checkpoint.sync import Sync
from idp.inbound import Response, json_response
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import LaneSimulator, invitation
from tests.checkpoint.node import NodeSimulator, Rerouted
from tests.checkpoint.toy_engine import OTHER
from tests.simulators.gate import CN, HK, NOW, GateSimulator, federation_key, jwks, key


@pytest.fixture
def lane(make_lane: MakeLane) -> LaneSimulator:
    """A lane that was enrolled and has no bundle yet."""
    lane = make_lane(bundled=False)
    sealing_keys.confirm(lane.config.sealing_directory, current=lane.sealing.current.kid, now=NOW)
    return lane


@pytest.fixture
def node(lane: LaneSimulator) -> NodeSimulator:
    node = NodeSimulator(lane.gate, lane.clock)
    node.sealing = [lane.sealing.current.kid, lane.sealing.next.kid]
    return node


@pytest.fixture
def outbound(node: NodeSimulator) -> Iterator[Rerouted]:
    with node.serving() as outbound:
        yield outbound


@pytest.fixture
def sync(lane: LaneSimulator, outbound: Rerouted) -> Sync:
    return Sync(lane.lane, outbound)


def refusing(lane: LaneSimulator, *numbers: int) -> None:
    for number in numbers:
        assert lane.cross(lane.code(number), (OTHER,) * 3).word == "refuse"


# Bundles


def test_a_bundle_is_fetched_once_and_then_unchanged(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    assert sync.fetch_bundle() == "serial 7"
    assert lane.cross().word == "admit"
    assert sync.fetch_bundle() == "unchanged"
    node.renew(serial=8)
    assert sync.fetch_bundle() == "serial 8"


def test_a_lane_whose_bundle_does_not_hold_does_not_say_that_it_has_it(
    lane: LaneSimulator, sync: Sync, outbound: Rerouted
) -> None:
    sync.fetch_bundle()
    lane.store.keep("bundle", "{}")
    assert Sync(lane.restarted(), outbound).fetch_bundle() == "serial 7"


def test_a_bundle_with_a_lower_serial_is_refused(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    sync.fetch_bundle()
    node.renew(serial=6)
    with pytest.raises(Refusal) as refused:
        sync.fetch_bundle()
    assert refused.value.reason is Reason.TRUST_STALE
    assert lane.store.kept("serial") == "7"
    assert lane.cross().word == "admit"


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, body=b"not a bundle"),
        Response(200, body=b"\xff\xfe"),
        Response(200, body=b'{"keys": "a.b.c", "bundle": "a.b.c"}'),
        Response(301, headers={"Location": "http://hk.localhost/"}),
        Response(401),
    ],
)
def test_what_is_no_bundle_replaces_none(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, answer: Response
) -> None:
    sync.fetch_bundle()
    node.renew(serial=8)
    node.answers["bundle"] = answer
    with pytest.raises(Refusal):
        sync.fetch_bundle()
    assert lane.cross().word == "admit"


def test_a_bundle_of_another_checkpoint_is_refused(node: NodeSimulator, sync: Sync) -> None:
    node.renew(aud=f"{HK}/checkpoints/other")
    with pytest.raises(Refusal):
        sync.fetch_bundle()


def test_a_part_that_is_left_out_is_said(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    lane.gate.unmarked = frozenset({CN})
    node.renew(serial=8)
    sync.fetch_bundle()
    assert f"{CN} left out" in caplog.text
    assert lane.cross().reason is Reason.POLICY_VIOLATION


# The anchor's next federation key


def two_keys(gate: GateSimulator) -> str:
    """The authority's configuration, by its pinned key, which names a successor."""
    return gate.configuration(HK, jwks=jwks(federation_key(HK), key("successor")))


def successor_s_wire(gate: GateSimulator, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A bundle in which everything of the anchor is signed by the successor alone."""
    with monkeypatch.context() as patch:
        patch.setattr("tests.simulators.gate.federation_key", lambda who: key(f"successor{who.removeprefix(HK)}"))
        gate.issuers = (HK,)
        return gate.wire(serial=9)


def test_a_successor_named_by_a_pinned_key_is_pinned(
    lane: LaneSimulator,
    node: NodeSimulator,
    sync: Sync,
    outbound: Rerouted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node.renew(serial=8, anchor_configuration=two_keys(lane.gate))
    sync.fetch_bundle()
    node.wire = successor_s_wire(lane.gate, monkeypatch)
    assert sync.fetch_bundle() == "serial 9"
    assert Sync(lane.restarted(), outbound).fetch_bundle() == "unchanged"


def test_a_successor_that_nobody_named_is_refused(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync.fetch_bundle()
    node.wire = successor_s_wire(lane.gate, monkeypatch)
    with pytest.raises(Refusal):
        sync.fetch_bundle()


def test_a_key_that_the_anchor_names_no_more_is_not_pinned_any_more(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.renew(serial=8, anchor_configuration=two_keys(lane.gate))
    sync.fetch_bundle()
    node.wire = successor_s_wire(lane.gate, monkeypatch)
    sync.fetch_bundle()
    lane.gate.issuers = (HK,)
    node.renew(serial=10)  # all by the key that was pinned at enrolment and then dropped
    with pytest.raises(Refusal):
        sync.fetch_bundle()


def test_an_enrolment_anew_pins_what_its_officer_brought(lane: LaneSimulator, sync: Sync) -> None:
    sync.fetch_bundle()
    lane.config = configuration.parse(
        invitation(anchor_jwks=KeySet([key("successor").public]).jwks()), lane.config.directory
    )
    assert lane.restarted().bundle() is None


# The journal


def test_the_journal_is_uploaded_and_only_what_is_new(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    sync.fetch_bundle()
    refusing(lane, 1, 2)
    assert sync.upload() == "2 entries"
    assert sync.upload() == "0 entries"
    lane.cross(lane.code(3))
    assert sync.upload() == "1 entries"
    assert [entry.seq for entry in node.entries] == [1, 2, 3]
    assert node.batches == 2


def test_a_long_journal_goes_in_batches(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync.fetch_bundle()
    refusing(lane, 1, 2, 3, 4, 5)
    real = Store.pending
    monkeypatch.setattr(Store, "pending", lambda self: real(self, limit=2))
    assert sync.upload() == "5 entries"
    assert (node.batches, len(node.entries)) == (3, 5)


def test_a_batch_whose_answer_is_lost_is_sent_again_and_recorded_once(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    sync.fetch_bundle()
    refusing(lane, 1, 2)
    node.lost = {"journal"}
    with pytest.raises(Unavailable):
        sync.upload()
    refusing(lane, 3)
    node.lost = set()
    assert sync.upload() == "3 entries"
    assert [entry.seq for entry in node.entries] == [1, 2, 3]


@pytest.mark.parametrize(
    "answer", [{"last": 1}, {"last": 0}, {"last": -1}, {"last": "2"}, {"last": True}, {"last": 2.0}, {}, []]
)
def test_a_node_that_confirms_too_little_or_nothing_is_not_believed(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync, answer: object
) -> None:
    sync.fetch_bundle()
    refusing(lane, 1, 2)
    node.answers["journal"] = json_response(answer)
    with pytest.raises(Refusal):
        sync.upload()
    assert len(lane.store.pending()) == 2


def test_a_node_that_confirms_more_than_it_was_sent_does_not_silence_the_lane(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    sync.fetch_bundle()
    refusing(lane, 1)
    node.answers["journal"] = json_response({"last": 10**9})
    assert sync.upload() == "1 entries"
    refusing(lane, 2)
    assert [entry.seq for entry in lane.store.pending()] == [2]


def test_a_fork_that_the_node_reports_is_not_taken_for_success(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    sync.fetch_bundle()
    refusing(lane, 1)
    sync.upload()
    lane.store.connect().execute("DELETE FROM journal")
    lane.store.keep("uploaded", "0")
    lane.store.close()
    refusing(lane, 2)
    with pytest.raises(Refusal):
        sync.upload()


# Sealing keys


def test_keys_are_announced_daily_and_the_node_s_are_always_the_lane_s(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    assert sync.rotate_keys() == "unchanged"
    second = lane.sealing.next.kid
    lane.clock.now += ROTATION
    assert sync.rotate_keys() == "announced"
    assert node.sealing == [second, lane.sealing.next.kid]
    assert sync.rotate_keys() == "unchanged"


def test_an_announcement_whose_answer_is_lost_is_repeated(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    lane.clock.now += ROTATION
    node.lost = {"sealing-keys"}
    for _ in range(2):
        with pytest.raises(Unavailable):
            sync.rotate_keys()
    node.lost = set()
    assert sync.rotate_keys() == "announced"
    assert node.sealing == [lane.sealing.current.kid, lane.sealing.next.kid]


def test_a_token_sealed_while_the_node_was_away_at_rotation_still_opens_a_day_later(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    """The node seals to the key that it knows, for as long as it has not heard of another."""
    known = lane.sealing.current
    lane.clock.now += ROTATION
    node.lost = {"sealing-keys"}
    sync.once()
    lane.clock.now += ROTATION  # a day later the node is back, and its last token to the old key has a day to live
    node.lost = set()
    node.renew(serial=8)
    sync.once()
    assert lane.cross(lane.code(recipient=known)).word == "admit"
    lane.clock.now += ROTATION - 60
    node.renew(serial=9)
    sync.once()
    assert lane.cross(lane.code(1, recipient=known)).word == "admit"


# Face models


def test_models_are_announced_until_the_node_has_heard_and_then_no_more(
    lane: LaneSimulator, node: NodeSimulator, outbound: Rerouted
) -> None:
    sync = Sync(lane.lane, outbound, lambda: ["new-1", "toy-1"])
    node.lost = {"face-models"}
    with pytest.raises(Unavailable):
        sync.announce_models()
    node.lost = set()
    assert sync.announce_models() == "announced"
    assert sync.announce_models() == "unchanged"
    assert node.models == [["new-1", "toy-1"]] * 2
    assert Sync(lane.lane, outbound, lambda: ["new-1"]).announce_models() == "announced"
    assert node.models[-1] == ["new-1"]


def test_an_exchange_by_hand_announces_no_engine_that_does_not_run(node: NodeSimulator, sync: Sync) -> None:
    assert sync.announce_models() == "unchanged"
    assert node.models == []


# All of it, and a node that is down


def test_once_says_what_came_of_each_part(lane: LaneSimulator, sync: Sync) -> None:
    assert sync.once_or_fail() == {
        "bundle": "serial 7",
        "journal": "0 entries",
        "keys": "unchanged",
        "models": "unchanged",
        "store": "done",
    }


def test_a_part_that_fails_holds_up_none_of_the_others(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    sync.fetch_bundle()
    refusing(lane, 1)
    node.renew(serial=8)
    node.answers["bundle"] = Response(503)
    outcome = sync.once()
    assert outcome["bundle"] == "the node answered 503"
    assert outcome["journal"] == "1 entries"
    with pytest.raises(RuntimeError, match="503"):
        sync.once_or_fail()


def test_a_lane_whose_node_is_down_decides_on(lane: LaneSimulator, node: NodeSimulator) -> None:
    with node.serving() as outbound:
        exchange = Sync(lane.lane, outbound)
        exchange.once()
    outcome = exchange.once()
    assert "ConnectError" in outcome["bundle"]
    assert lane.cross().word == "admit"
    lane.clock.now += 1_000
    assert lane.cross(lane.code(1)).reason is Reason.STATUS_STALE  # the policy of this checkpoint
    with node.serving() as outbound:
        assert Sync(lane.lane, outbound).upload() == "2 entries"


def test_a_disk_that_is_gone_ends_no_exchange(
    lane: LaneSimulator, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    lane.directory.rename(lane.directory.with_name("gone"))
    outcome = sync.once()
    assert all(text.startswith(("storage", "FileNotFoundError")) for text in outcome.values()), outcome
    lane.directory.with_name("gone").rename(lane.directory)
    assert sync.once()["bundle"] == "serial 7"


def test_the_exchange_goes_on_until_it_is_stopped(lane: LaneSimulator, node: NodeSimulator, sync: Sync) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=sync.run, args=(stop, 0.01))
    thread.start()
    while len(node.spent) < 6:
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_lane_that_was_revoked_is_refused_and_decides_on(
    lane: LaneSimulator, node: NodeSimulator, sync: Sync
) -> None:
    sync.fetch_bundle()
    node.lane_key = None
    assert "403" in sync.once()["bundle"]
    assert lane.cross().word == "admit"

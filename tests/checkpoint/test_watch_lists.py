"""The watch list at a lane: sent once, stored with its bundle, and never another than the one that is signed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.checkpoint.sync import Sync
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.node import NodeSimulator, Rerouted


@pytest.fixture
def lane(tmp_path: Path) -> LaneSimulator:
    return LaneSimulator(tmp_path / "lane", bundled=False)


@pytest.fixture
def node(lane: LaneSimulator) -> NodeSimulator:
    return NodeSimulator(lane.gate, lane.clock)


@pytest.fixture
def outbound(node: NodeSimulator) -> Iterator[Rerouted]:
    with node.serving() as outbound:
        yield outbound


def watched(lane: LaneSimulator, number: int) -> bool:
    return lane.cross(lane.code(number)).reason is Reason.WATCHLIST


def test_list_is_sent_when_it_changed_and_not_with_every_bundle(
    lane: LaneSimulator, node: NodeSimulator, outbound: Rerouted
) -> None:
    """A million numbers to seven hundred lanes every half minute would be all that the node does."""
    sync = Sync(lane.lane, outbound)
    for serial in (7, 8, 9):
        node.renew(serial=serial)
        sync.fetch_bundle()
    assert node.lists_sent == 1
    lane.gate.watched = ("CA1234567",)
    node.renew(serial=10)
    sync.fetch_bundle()
    assert node.lists_sent == 2
    assert watched(lane, 1)
    lane.restarted()
    assert watched(lane, 2), "it is stored"
    node.renew(serial=11)
    assert Sync(lane.lane, outbound).fetch_bundle() == "serial 11"
    assert node.lists_sent == 2
    assert watched(lane, 3)


def test_another_process_that_took_a_new_list_is_followed(
    lane: LaneSimulator, node: NodeSimulator, outbound: Rerouted
) -> None:
    """`checkpoint sync` beside a running kiosk: the kiosk would find that its list is not the signed one, and refer."""
    kiosk = lane.lane
    Sync(kiosk, outbound).fetch_bundle()
    lane.gate.watched = ("CA1234567",)
    node.renew(serial=8)
    Sync(lane.restarted(), outbound).fetch_bundle()
    lane.lane = kiosk
    assert watched(lane, 1)


def test_list_that_is_damaged_on_the_disk_is_fetched_anew(
    lane: LaneSimulator, node: NodeSimulator, outbound: Rerouted
) -> None:
    """A lane that went on with an empty list would let everybody on it pass; one that never asked would stand still."""
    Sync(lane.lane, outbound).fetch_bundle()
    for damage in ("AAAA", "", strict_json.b64encode(bytes(12))):
        lane.store.keep("watchlist", damage)
        assert lane.restarted().bundle() is None
        lane.store.keep("watchlist_sha256", "")
        assert Sync(lane.lane, outbound).fetch_bundle() == "serial 7"
        assert lane.lane.bundle() is not None


def test_list_that_was_shortened_on_its_way_leaves_the_bundle_before(
    lane: LaneSimulator, node: NodeSimulator, outbound: Rerouted
) -> None:
    """invalid solely because the list is another than the one that the bundle signs."""
    sync = Sync(lane.lane, outbound)
    sync.fetch_bundle()
    lane.gate.watched = ("CA1234567", "CA7654321")
    node.renew(serial=8)
    wire = strict_json.loads_object(node.wire)
    wire["watchlist"] = wire["watchlist"][:8]
    node.wire = strict_json.dumps(wire)
    with pytest.raises(Refusal) as caught:
        sync.fetch_bundle()
    assert caught.value.reason is Reason.TRUST_STALE
    bundle = lane.lane.bundle()
    assert bundle is not None
    assert bundle.serial == 7

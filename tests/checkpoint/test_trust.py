"""What a lane believes from one bundle to the next: keys that its authority took away are gone for good."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from idp.checkpoint.config import DATABASE, parse
from idp.checkpoint.store import Store
from idp.checkpoint.trust import MAX_WITHDRAWN, Trust
from idp.protocol import strict_json
from idp.protocol.entity_statements import sign_entity_configuration
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_bundle import sign_bundle, sign_bundle_keys
from tests.checkpoint.lanes import Clock, invitation
from tests.simulators.gate import HK, GateSimulator, federation_key, jwks, key

ONE, TWO, THREE = (key(f"bundle key {number}") for number in (1, 2, 3))


class Lane:
    """A lane's trust in a directory, and what its authority could send it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.clock, self.gate = directory, Clock(), GateSimulator()
        self.store = Store(directory / DATABASE, self.clock)
        self.trust = self.restarted()

    def restarted(self, **changes: object) -> Trust:
        self.trust = Trust(parse(invitation(**changes), self.directory), self.store, self.clock)
        return self.trust

    def wire(self, serial: int, *, listed: Iterable[PrivateKey], signer: PrivateKey) -> str:
        """A bundle by ``signer``, with a set of the ``listed`` keys that the federation key signed."""
        key_set = sign_bundle_keys(
            KeySet(item.public for item in listed), entity_id=HK, signer=federation_key(HK), now=self.clock.now
        )
        bundle = sign_bundle({**self.gate.claims(), "serial": serial}, signer)
        listing = strict_json.b64encode(self.gate.watch.content)
        return strict_json.dumps({"keys": key_set, "bundle": bundle, "watchlist": listing}).decode()

    def take(self, serial: int, *, listed: Iterable[PrivateKey], signer: PrivateKey) -> int:
        return self.trust.take(self.wire(serial, listed=listed, signer=signer), "").serial


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    return Lane(tmp_path)


def _refused(lane: Lane, text: str) -> Reason:
    with pytest.raises(Refusal) as refused:
        lane.trust.take(text, "")
    return refused.value.reason


def test_a_bundle_key_that_was_withdrawn_is_not_believed_under_the_older_set(lane: Lane) -> None:
    """Invalid solely because the newest bundle lists the key no more: the older set has not expired."""
    older = json.loads(lane.wire(9, listed=[ONE, TWO], signer=ONE))
    lane.take(1, listed=[ONE, TWO], signer=ONE)
    lane.take(2, listed=[TWO, THREE], signer=TWO)
    assert _refused(lane, json.dumps(older)) is Reason.BAD_SIGNATURE
    assert lane.take(3, listed=[TWO, THREE], signer=TWO) == 3


def test_it_is_remembered_over_later_bundles_and_a_restart(lane: Lane) -> None:
    lane.take(1, listed=[ONE, TWO], signer=ONE)
    lane.take(2, listed=[TWO], signer=TWO)
    lane.take(3, listed=[TWO, THREE], signer=TWO)
    lane.restarted()
    assert _refused(lane, lane.wire(9, listed=[ONE, TWO], signer=ONE)) is Reason.BAD_SIGNATURE
    bundle = lane.trust.bundle()
    assert bundle is not None and bundle.serial == 3


def test_a_refused_bundle_withdraws_nothing(lane: Lane) -> None:
    """Whoever holds a killed key must not be able to take the good ones away."""
    lane.take(1, listed=[ONE, TWO], signer=ONE)
    assert _refused(lane, lane.wire(2, listed=[THREE], signer=ONE)) is Reason.BAD_SIGNATURE
    assert lane.take(2, listed=[ONE, TWO], signer=TWO) == 2


def test_the_next_key_signs_without_having_been_seen_before(lane: Lane) -> None:
    """Every bundle brings its set: a lane that slept through two roll-overs takes the third."""
    lane.take(1, listed=[ONE], signer=ONE)
    assert lane.take(2, listed=[THREE], signer=THREE) == 2


def test_only_so_many_are_remembered_the_newest(lane: Lane) -> None:
    many = [key(f"old bundle key {number}") for number in range(MAX_WITHDRAWN + 2)]
    for serial, one in enumerate(many, 1):
        lane.take(serial, listed=[one], signer=one)
    kept = json.loads(lane.store.kept("trust") or "{}")
    assert len(kept["withdrawn"]) == MAX_WITHDRAWN
    assert _refused(lane, lane.wire(999, listed=many[-3:], signer=many[-2])) is Reason.BAD_SIGNATURE


def test_what_an_earlier_version_kept_is_read(lane: Lane) -> None:
    """A lane that is updated has a bundle and pins, and knew nothing of bundle keys."""
    lane.take(1, listed=[ONE], signer=ONE)
    kept = json.loads(lane.store.kept("trust") or "{}")
    text = lane.store.kept("bundle") or ""
    del kept["listed"], kept["withdrawn"]
    lane.store.keep_bundle(text, "", 1, trust=json.dumps(kept), watch=lane.gate.watch)
    lane.restarted()
    assert lane.trust.bundle() is not None
    assert lane.take(2, listed=[ONE, TWO], signer=TWO) == 2


def test_a_killed_federation_key_is_unpinned_by_the_bundle_that_lists_it_no_more(lane: Lane) -> None:
    """The authority killed its federation key; its next one, in the configuration before, signs from now on."""
    killed, following = federation_key(HK), key("following federation key")
    lane.gate.bundle_claims = {"anchor_configuration": lane.gate.configuration(HK, jwks=jwks(killed, following))}
    lane.take(1, listed=[ONE], signer=ONE)
    key_set = sign_bundle_keys(KeySet([ONE.public]), entity_id=HK, signer=following, now=lane.clock.now)
    claims = {**lane.gate.claims(), "serial": 2, "issuers": []}
    own = strict_json.loads_object(strict_json.b64decode(claims["anchor_configuration"].split(".")[1]))
    claims["anchor_configuration"] = sign_entity_configuration({**own, "jwks": jwks(following)}, following)
    text = strict_json.dumps({"keys": key_set, "bundle": sign_bundle(claims, ONE)}).decode()
    assert lane.trust.take(text, "").anchor_keys.find(killed.kid) is None
    assert _refused(lane, lane.wire(3, listed=[ONE], signer=ONE)) is Reason.BAD_SIGNATURE

"""Whatever officers do in whatever order: trust changes by two different ones, but for a suspension at once."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from idp.audit.models import AuditEvent
from idp.federation import peering, terms
from idp.federation.models import Peer
from idp.federation.recognition import payloads, suspending
from idp.federation.terms import Terms
from idp.proposals import proposing
from idp.proposals.models import Proposal, Review
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.protocol import keys
from tests.conftest import NOW
from tests.federation.recognition.deciding import renewal
from tests.proposals.officers import FIRST, SECOND, THIRD, appoint

OFFICERS = st.sampled_from([FIRST, SECOND, THIRD])
ENTITY = "http://mo.localhost:9"
KEYS = [keys.KeySet([keys.generate().public]).jwks() for _ in range(2)]
TRUST = ("jwks", "recognised_at", "accepted_at", "suspended_at", "ended_at", "valid_until", "contract")


def _payload(kind: str, number: int) -> dict[str, Any]:
    """A proposal of this kind as an officer would write it now."""
    peer = Peer.objects.filter(entity_id=ENTITY).first()
    if kind == payloads.RECOGNISE or peer is None:
        since = None if peer is None or peer.ended_at is not None else peer.proposed_at
        facts = {"jwks": KEYS[number % 2], "name": {}, "accept": number > 1}
        agreed = payloads.written(Terms(valid_until=NOW + 1000 * (number + 1)))
        return {"entity_id": ENTITY, "since": since, "terms": agreed, **facts}
    if kind == payloads.RENEW:
        return renewal(peer, (peer.valid_until or NOW) + 1000)
    announced = {"keys": [] if peer.successor_jwks is None else payloads.thumbprints(peer.successor_jwks)}
    agreed = {"before": terms.digest(terms.of(peer)), "terms": payloads.written(Terms(contract=str(number)))}
    more = {payloads.TERMS: agreed, payloads.RESUME: {"suspended_at": peer.suspended_at}, payloads.KEYS: announced}
    return payloads.about(peer, **more.get(kind, {}))


class Officers(RuleBasedStateMachine):
    """Three officers and one peer. After every step the trust in it is held against the step before."""

    now = NOW

    @initialize()
    def begin(self) -> None:
        Officers.now = NOW
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        appoint()

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @rule(kind=st.sampled_from(sorted(payloads.MEMBERS)), number=st.integers(0, 3), officer=OFFICERS)
    def propose(self, kind: str, number: int, officer: str) -> None:
        with self.trust_stays(), contextlib.suppress(UnableToPropose):
            facts = {"subject": ENTITY, "payload": _payload(kind, number), "why": "it is agreed"}
            proposing.propose(kind=kind, officer=officer, now=Officers.now, **facts)

    @rule(place=st.integers(0, 9), officer=OFFICERS)
    def approve(self, place: int, officer: str) -> None:
        rows = list(Proposal.objects.order_by("-pk"))
        if place >= len(rows):
            return
        before = AuditEvent.objects.count()
        if officer == rows[place].proposed_by or rows[place].state != Proposal.State.PROPOSED:
            with self.trust_stays(), pytest.raises(UnableToDecide):
                proposing.approve(proposal=rows[place], officer=officer, now=Officers.now)
            return
        with contextlib.suppress(UnableToDecide):
            proposing.approve(proposal=rows[place], officer=officer, now=Officers.now)
        for event in AuditEvent.objects.order_by("pk")[before:]:
            if event.kind.startswith("federation.peer."):
                assert event.actor == officer and event.data["officers"] == [rows[place].proposed_by, officer]

    @rule(place=st.integers(0, 9), officer=OFFICERS, act=st.sampled_from([proposing.reject, proposing.withdraw]))
    def close(self, place: int, officer: str, act: Any) -> None:
        rows = list(Proposal.objects.order_by("-pk"))
        with self.trust_stays(), contextlib.suppress(UnableToDecide):
            if place < len(rows):
                act(proposal=rows[place], officer=officer, now=Officers.now)

    @rule(officer=OFFICERS)
    def suspend(self, officer: str) -> None:
        peer, before = Peer.objects.first(), Review.objects.count()
        with contextlib.suppress(peering.UnableToPeer), self.trust_stays("suspended_at"):
            if peer is not None:
                suspending.suspend(peer=peer, why="an emergency", officer=officer, now=Officers.now)
                assert Review.objects.count() == before + 1
                assert Peer.objects.get().standing == "suspended"

    @rule(seconds=st.sampled_from([1, 1000, proposing.LIFETIME]))
    def wait(self, seconds: int) -> None:
        Officers.now += seconds

    @rule(number=st.integers(0, 1))
    def announce(self, number: int) -> None:
        """The peer shows other keys; nobody has compared them."""
        with self.trust_stays():
            Peer.objects.update(successor_jwks=KEYS[number], successor_seen_at=Officers.now)

    @contextlib.contextmanager
    def trust_stays(self, *but: str) -> Iterator[None]:
        fields = [name for name in TRUST if name not in but]
        before = list(Peer.objects.values(*fields))
        yield
        assert list(Peer.objects.values(*fields)) == before


def test_one_officer_changes_trust_by_some_sequence(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.clock.now", lambda: Officers.now)
    run_state_machine_as_test(Officers, settings=settings(max_examples=30, stateful_step_count=25))


def test_the_sequences_reach_no_trust_at_all(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would hold of a node in which nothing can be done."""
    monkeypatch.setattr("idp.clock.now", lambda: Officers.now)
    machine = Officers()
    machine.begin()
    machine.propose(payloads.RECOGNISE, 2, FIRST)
    machine.approve(0, SECOND)
    assert Peer.objects.get().standing == "mutual"
    machine.wait(1)
    machine.suspend(THIRD)
    machine.propose(payloads.RESUME, 0, THIRD)
    machine.announce(1)
    machine.propose(payloads.KEYS, 0, FIRST)
    machine.approve(0, SECOND)
    assert Peer.objects.get().jwks == KEYS[1]
    machine.approve(1, SECOND)
    assert Peer.objects.get().standing == "mutual"
    for kind, officer in ((payloads.RENEW, FIRST), (payloads.TERMS, SECOND), (payloads.END, FIRST)):
        machine.propose(kind, 1, officer)
        machine.approve(0, THIRD)
    assert Peer.objects.get().standing == "ended"
    machine.teardown()

"""Receipts between authorities: sent until they are taken, taken once, and believed from peers only."""

from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from idp.accounts.models import Endorsement
from idp.audit.models import AuditEvent
from idp.border import confirmation, recording
from idp.border.entries import reserving
from idp.border.models import CrossingReceipt, Discrepancy, IssuedToken, JournalEntry, OutgoingReceipt, ReceiptQueue
from idp.border.tasks import deliver_receipts, deliver_receipts_to
from idp.conf import authority
from idp.federation import chain_cache, peering, signing
from idp.federation.models import Peer
from idp.protocol import jws, keys, receipts
from idp.protocol.receipts import verify_receipt
from idp.protocol.refusals import Reason, Refusal
from tests.border.world import NODE, OFFICER, Receiver, World, problem_of
from tests.federation.peers import Peers
from tests.simulators.federation import AuthoritySimulator


def admitted(world: World, issuer: str, jti: str = "token-of-a-peer") -> JournalEntry:
    """One admission of ``issuer``'s token, recorded."""
    world.gate.entry(world.now, iss=issuer, jti=jti)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(len(world.gate.entries)), now=world.now)
    return JournalEntry.objects.get(jti=jti)


def own_token(
    world: World, peers: Peers, jti: str = "own-token", *, direction: str = "entry", **endorsement: Any
) -> IssuedToken:
    """A token of this node for a mainland checkpoint, under an endorsement."""
    return IssuedToken.objects.create(
        jti=jti,
        traveller=world.traveller,
        document=world.document,
        endorsement=world.endorse(world.document, **endorsement),
        grant_id="g",
        device_jkt="d",
        holder_jkt="h",
        checkpoint=f"{peers.cn.entity_id}/checkpoints/luohu",
        authority=peers.cn.entity_id,
        direction=direction,
        territory="CHN",
        form="jwt",
        face_model="m",
        issued_at=world.now - 60,
        expires_at=world.now + 1800,
        status_uri="u",
        status_idx=IssuedToken.objects.count(),
    )


def receipt(
    peers: Peers,
    token: IssuedToken,
    *,
    sender: AuthoritySimulator | None = None,
    key: keys.PrivateKey | None = None,
    **changes: Any,
) -> str:
    """The mainland's receipt for ``token``."""
    issuer = (sender or peers.cn).entity_id
    facts = {
        "issuer": issuer,
        "audience": NODE,
        "jti": "receipt-1",
        "token_jti": token.jti,
        "checkpoint": token.checkpoint.replace(peers.cn.entity_id, issuer),
        "direction": token.direction,
        "at": token.issued_at,
        "now": token.issued_at + 60,
        "signer": key or peers.border_keys["cn"],
    }
    return receipts.sign_receipt(**{**facts, **changes})


def test_a_receipt_is_delivered_once_and_says_what_happened(world: World, peers: Peers, receiver: Receiver) -> None:
    entry = admitted(world, peers.cn.entity_id)
    (queue,) = confirmation.queues_due(now=world.now)
    assert deliver_receipts_to(queue) == 1
    assert deliver_receipts_to(queue) == 0
    (text,) = receiver.came
    said = verify_receipt(
        text, keys=signing.published("border"), issuer=NODE, audience=peers.cn.entity_id, now=world.now
    )
    assert (said.token_jti, said.checkpoint, said.at) == (entry.jti, world.checkpoint.entity_id, world.now)
    assert OutgoingReceipt.objects.get().delivered_at == world.now


@pytest.mark.parametrize("decision", ["refer", "refuse"])
def test_only_an_admission_is_told(world: World, peers: Peers, decision: str) -> None:
    """A peer must not learn whom we stop."""
    world.gate.entry(world.now, iss=peers.cn.entity_id, decision=decision, reason="watchlist")
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=world.now)
    assert not OutgoingReceipt.objects.exists()


def test_an_own_token_needs_no_receipt(world: World) -> None:
    admitted(world, authority().entity_id)
    assert not OutgoingReceipt.objects.exists()


def test_each_peer_is_told_in_a_task_of_its_own(world: World, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """One task for all would have the others wait for the slowest."""
    sent: list[int] = []
    monkeypatch.setattr(deliver_receipts_to, "delay", sent.append)
    admitted(world, peers.cn.entity_id)
    admitted(world, peers.mo.entity_id, "another")
    assert deliver_receipts() == 2
    assert sorted(sent) == sorted(ReceiptQueue.objects.values_list("pk", flat=True))


def test_a_peer_that_is_down_is_tried_again_later_and_later(world: World, peers: Peers, receiver: Receiver) -> None:
    """A receipt given up is an entry that is never consumed; one sent every five seconds is a flood."""
    admitted(world, peers.cn.entity_id)
    receiver.status = 503
    assert confirmation.deliver(now=world.now) == 0
    waits = []
    for _ in range(3):
        due = ReceiptQueue.objects.get().next_attempt_at
        assert confirmation.deliver(now=due - 1) == 0 and ReceiptQueue.objects.get().next_attempt_at == due
        assert confirmation.deliver(now=due) == 0
        waits.append(ReceiptQueue.objects.get().next_attempt_at - due)
    assert waits == [20, 40, 80]
    receiver.status = 204
    assert confirmation.deliver(now=ReceiptQueue.objects.get().next_attempt_at) == 1
    assert len(receiver.came) == 5 and ReceiptQueue.objects.get().failures == 0


def test_a_silent_peer_holds_up_nobody_and_is_asked_once_a_run(
    world: World, peers: Peers, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many receipts for a peer that is down: each would cost ten seconds, and their queue would fill every batch."""
    silent = peering.recognise(peering.propose(peers.mo.entity_id, officer=OFFICER), officer=OFFICER)
    peers.mo.metadata["border_token_issuer"]["crossing_receipt_endpoint"] = f"{silent.entity_id}/border/v1/receipts"
    for number in range(4):
        admitted(world, silent.entity_id, f"silent-{number}")
    admitted(world, peers.cn.entity_id)
    asked, send = [], confirmation._send

    def counted(receipt: OutgoingReceipt, url: str, *, now: int) -> bool:
        asked.append(receipt.recipient)
        return send(receipt, url, now=now)

    monkeypatch.setattr(confirmation, "_send", counted)
    assert confirmation.deliver(now=world.now) + confirmation.deliver(now=world.now) == 1
    assert asked.count(silent.entity_id) == 1
    assert OutgoingReceipt.objects.filter(recipient=silent.entity_id, attempts=0).count() == 4


def test_a_peers_receipts_go_out_in_order_and_a_batch_at_a_time(
    world: World, peers: Peers, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation, "BATCH", 2)
    for number in range(3):
        admitted(world, peers.cn.entity_id, f"token-{number}")
    assert [confirmation.deliver(now=world.now) for _ in range(3)] == [2, 1, 0]
    said = [jws.parse_unverified(text, receipts.CROSSING_RECEIPT).claims["token_jti"] for text in receiver.came]
    assert said == ["token-0", "token-1", "token-2"]


def test_two_workers_do_not_serve_one_peer_at_the_same_time(
    world: World, peers: Peers, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would send the same receipts."""
    admitted(world, peers.cn.entity_id)
    send, second = confirmation._send, []

    def while_the_first_sends(*args: Any, **kw: Any) -> bool:
        second.append(confirmation.deliver(now=world.now + confirmation.LEASE - 1))
        return send(*args, **kw)

    monkeypatch.setattr(confirmation, "_send", while_the_first_sends)
    assert confirmation.deliver(now=world.now) == 1
    assert second == [0]


def test_a_worker_that_died_gives_its_queue_back(
    world: World, peers: Peers, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted(world, peers.cn.entity_id)

    def dies(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(confirmation, "_send", dies)
        confirmation.deliver(now=world.now)
    assert confirmation.deliver(now=world.now + confirmation.LEASE - 1) == 0
    assert confirmation.deliver(now=world.now + confirmation.LEASE) == 1


def test_a_receipt_that_a_peer_does_not_take_stops_no_other(world: World, peers: Peers, receiver: Receiver) -> None:
    """The oldest is refused, and those after it would wait for good."""
    for number in range(2):
        admitted(world, peers.cn.entity_id, f"token-{number}")
    receiver.refused.append("token-0")
    assert confirmation.deliver(now=world.now) == 1
    stuck = OutgoingReceipt.objects.get(delivered_at=None)
    assert (stuck.token_jti, stuck.attempts, stuck.next_attempt_at) == ("token-0", 1, world.now + 10)
    receiver.refused.clear()
    assert confirmation.deliver(now=world.now + 9) == 0
    assert confirmation.deliver(now=world.now + 10) == 1


def test_an_admission_without_token_id_owes_no_receipt(world: World, peers: Peers, receiver: Receiver) -> None:
    """None could name it."""
    admitted(world, peers.cn.entity_id, "")
    admitted(world, peers.cn.entity_id)
    assert OutgoingReceipt.objects.count() == 1


def test_a_token_that_two_lanes_admitted_owes_one_receipt(world: World, peers: Peers) -> None:
    """Two would be two entries to an issuer that does not look."""
    other = world.enrol(world.checkpoint, "2", "exit", sealing=world.gate.sealing)
    for gate in (world.gate, other):
        gate.entry(world.now, iss=peers.cn.entity_id, jti="twice")
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    assert OutgoingReceipt.objects.get().lane == "1"


def test_nothing_is_noted_outside_the_transaction_that_records(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(transaction.get_connection(), "in_atomic_block", False)
        reserving.note(admitted=[], now=world.now)


def test_a_receipt_consumes_one_entry_however_often_it_comes(world: World, peers: Peers) -> None:
    token = own_token(world, peers, entries_left=2)
    other = world.endorse(world.document, entries_left=5)
    for text in (receipt(peers, token), receipt(peers, token), receipt(peers, token, jti="receipt-2")):
        answer = world.post("/border/v1/receipts", text)
        assert answer.status_code == 204, answer.content
    assert CrossingReceipt.objects.get().token == token
    assert Endorsement.objects.get(pk=token.endorsement_id).entries_left == 1
    assert Endorsement.objects.get(pk=other.pk).entries_left == 5
    assert AuditEvent.objects.filter(kind="endorsement.entry_consumed").count() == 1


@pytest.mark.parametrize("changes", [{"entries_left": 0}, {"entries_left": None}])
def test_what_has_no_entries_to_give_loses_none(world: World, peers: Peers, changes: dict[str, Any]) -> None:
    token = own_token(world, peers, **changes)
    confirmation.accept(receipt(peers, token).encode(), now=world.now)
    assert Endorsement.objects.get().entries_left == changes["entries_left"]


def test_an_exit_uses_no_entry(world: World, peers: Peers) -> None:
    confirmation.accept(receipt(peers, own_token(world, peers, direction="exit")).encode(), now=world.now)
    assert Endorsement.objects.get().entries_left == 2


@pytest.mark.parametrize("what", ["direction", "checkpoint"])
def test_a_receipt_that_contradicts_its_token_consumes_nothing(world: World, peers: Peers, what: str) -> None:
    """invalid solely because the token was for another direction or checkpoint of that peer."""
    token = own_token(world, peers)
    changes = {"direction": "exit", "checkpoint": f"{peers.cn.entity_id}/checkpoints/elsewhere"}
    confirmation.accept(receipt(peers, token, **{what: changes[what]}).encode(), now=world.now)
    assert Endorsement.objects.get().entries_left == 2
    assert AuditEvent.objects.get(kind="crossing.other_crossing").subject == token.jti
    found = Discrepancy.objects.get()
    assert (found.kind, found.jti, found.beside["jti"]) == ("other_crossing", token.jti, token.jti)


def test_a_second_receipt_that_says_something_else_is_kept_beside_the_first(world: World, peers: Peers) -> None:
    """It consumes nothing, but dropped in silence nobody would learn that a peer's books contradict themselves."""
    token = own_token(world, peers)
    for changes in ({}, {"at": token.issued_at + 1}, {"at": token.issued_at + 1, "jti": "again"}, {"jti": "same"}):
        confirmation.accept(receipt(peers, token, **changes).encode(), now=world.now)
    found = Discrepancy.objects.get()
    assert (found.kind, found.at, found.beside["at"]) == ("contradiction", token.issued_at + 1, token.issued_at)
    assert CrossingReceipt.objects.get().at == token.issued_at
    assert Endorsement.objects.get().entries_left == 1


def test_a_stranger_is_refused_without_a_search_for_its_keys(world: World, peers: Peers) -> None:
    """invalid solely because Macau is not recognised here."""
    text = receipt(peers, own_token(world, peers), sender=peers.mo, key=peers.border_keys["mo"])
    asked = len(peers.asked)
    assert problem_of(world.post("/border/v1/receipts", text)) == (400, "invalid_request")
    assert not CrossingReceipt.objects.exists() and len(peers.asked) == asked


@pytest.mark.parametrize("act", [peering.suspend, peering.end])
def test_a_peer_that_was_suspended_or_ended_is_refused(world: World, peers: Peers, act: Any) -> None:
    """invalid solely because recognition was suspended or has ended."""
    token = own_token(world, peers)
    act(Peer.objects.get(), officer=OFFICER)
    assert problem_of(world.post("/border/v1/receipts", receipt(peers, token)))[0] == 400
    with pytest.raises(ObjectDoesNotExist):
        CrossingReceipt.objects.get()


def test_a_receipt_of_one_peer_about_anothers_crossing_consumes_nothing(world: World, peers: Peers) -> None:
    """invalid solely because the token was for the mainland, and Macau, a peer too, says that it was used."""
    peering.recognise(peering.propose(peers.mo.entity_id, officer=OFFICER), officer=OFFICER)
    token = own_token(world, peers)
    confirmation.accept(receipt(peers, token, sender=peers.mo, key=peers.border_keys["mo"]).encode(), now=world.now)
    assert CrossingReceipt.objects.get().token is None
    assert Discrepancy.objects.get().kind == "unknown_token"
    assert Endorsement.objects.get().entries_left == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": keys.generate()}, Reason.BAD_SIGNATURE),
        ({"audience": "https://mo.example"}, Reason.WRONG_AUDIENCE),
    ],
)
def test_a_receipt_by_another_key_or_for_another_is_refused(
    world: World, peers: Peers, changes: dict[str, Any], reason: Reason
) -> None:
    """invalid solely because of its key, or its audience."""
    with pytest.raises(Refusal) as refused:
        confirmation.accept(receipt(peers, own_token(world, peers), **changes).encode(), now=world.now)
    assert refused.value.reason is reason


def test_a_receipt_by_a_border_key_that_is_newer_than_the_chain_is_taken(world: World, peers: Peers) -> None:
    """The mainland killed its border key a moment ago; its next receipt comes before the watch has asked."""
    old = receipt(peers, own_token(world, peers, "first"), now=world.now)
    confirmation.accept(old.encode(), now=world.now)
    fresh = keys.generate()
    peers.cn.metadata["border_token_issuer"]["jwks"] = keys.KeySet([fresh.public]).jwks()
    text = receipt(peers, own_token(world, peers, "second"), jti="receipt-2", key=fresh)
    later = world.now + chain_cache.COOLDOWN
    confirmation.accept(text.encode(), now=later)
    assert CrossingReceipt.objects.filter(token_jti="second").exists()
    killed = receipt(peers, own_token(world, peers, "third"), jti="receipt-3")
    with pytest.raises(Refusal):
        confirmation.accept(killed.encode(), now=later)


def test_made_up_keys_make_us_ask_the_peer_once_a_minute_and_no_more(world: World, peers: Peers) -> None:
    """invalid solely because of its key: whoever makes keys up must not make this node a hammer."""
    confirmation.accept(receipt(peers, own_token(world, peers, "first")).encode(), now=world.now)
    text = receipt(peers, own_token(world, peers, "second"), key=keys.generate()).encode()
    asked, later = len(peers.asked), world.now + chain_cache.COOLDOWN
    for second in range(5):
        with pytest.raises(Refusal):
            confirmation.accept(text, now=later + second)
    assert len(peers.asked) == asked + 1

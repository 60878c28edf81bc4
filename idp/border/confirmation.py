"""Crossing receipts between authorities: sent until the issuer has answered, taken once.

A receipt says that a token was used to cross, and nothing of why or how well (protocol.md, Records).
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from idp.audit import events
from idp.border import told_rows
from idp.border.entries import discrepancies
from idp.border.entries.confirming import Confirmation, confirm
from idp.border.models import CrossingReceipt, Discrepancy, IssuedToken, OutgoingReceipt, ReceiptQueue
from idp.conf import authority
from idp.federation import fetching, resolution, signing
from idp.federation.models import Peer
from idp.protocol import jws, keys, receipts
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

FIRST_RETRY = 10  # seconds; doubled each time
LONGEST_RETRY = 3600
BATCH = 1_000  # receipts to one peer in one go: some seconds of work
LEASE = 600  # seconds that one worker has a peer's queue to itself; longer than any batch but the slowest
CONTENT_TYPE = "application/crossing-receipt+jwt"


def deliver(*, now: int) -> int:
    """Send what is due to every peer in turn; how many receipts were delivered."""
    return sum(deliver_to(queue, now=now) for queue in queues_due(now=now))


def queues_due(*, now: int) -> list[int]:
    """The ids of the peers' queues that may be served; each waits for its own peer only."""
    due = ReceiptQueue.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    return list(due.values_list("pk", flat=True))


def deliver_to(queue: int, *, now: int) -> int:
    """Send a peer what is owed to it, the oldest first, a batch at most; how many were delivered.

    A peer that does not answer holds up its own queue only, for as long as it takes. A receipt that the peer answers
    and does not take steps back by itself, and the others go on.
    """
    held = ReceiptQueue.objects.filter(pk=queue, next_attempt_at__lte=now)
    if not held.update(next_attempt_at=now + LEASE):
        return 0  # another worker serves it
    peer = ReceiptQueue.objects.get(pk=queue)
    waiting = OutgoingReceipt.objects.filter(recipient=peer.recipient, delivered_at=None, next_attempt_at__lte=now)
    taken: list[int] = []
    failures, retry_at = 0, now
    try:
        batch = list(waiting.order_by("pk")[:BATCH])
        url = _endpoint(peer.recipient, now=now) if batch else ""
        for receipt in batch:
            if _deliver(receipt, url, now=now):
                taken.append(receipt.pk)
    except (Unavailable, Refusal, KeyError) as error:
        log.info("receipts for %s wait: %s", peer.recipient, error)
        failures = 1 if taken else peer.failures + 1
        retry_at = now + _wait(failures - 1)
    # In one go: whoever dies before sends them again, and the peer takes each once.
    OutgoingReceipt.objects.filter(pk__in=taken).update(delivered_at=now)
    ReceiptQueue.objects.filter(pk=queue).update(failures=failures, next_attempt_at=retry_at)
    return len(taken)


def accept(text: bytes, *, now: int) -> None:
    """Take a peer's receipt; raises `Refusal`. A second one for the same token changes nothing.

    Where it says something else than the first, both are kept for officers.
    """
    sender = receipts.unverified_issuer(text)
    if not Peer.objects.recognised(now).filter(entity_id=sender).exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a peer")  # a stranger's receipt starts no search for its keys
    issuer_keys = border_keys(sender, text, receipts.CROSSING_RECEIPT, now=now)
    receipt = receipts.verify_receipt(text, keys=issuer_keys, issuer=sender, audience=authority().entity_id, now=now)
    with transaction.atomic():
        token = told_rows.token(receipt.token_jti, authority=sender)
        if told_rows.keep(receipt, token, now=now):
            events.record(kind="crossing.confirmed", actor=sender[:255], subject=receipt.token_jti[:255])
            _take(receipt, token, now=now)
            return
        first = CrossingReceipt.objects.get(sender=sender, token_jti=receipt.token_jti)
        if _facts(first) != _facts(receipt):
            beside = {"jti": first.token_jti, **_facts(first)}
            _keep(Discrepancy.Kind.CONTRADICTION, receipt, beside, now=now)


def _take(receipt: receipts.Receipt, token: IssuedToken | None, *, now: int) -> None:
    """An entry of the endorsement is used when it is confirmed, not when the token is issued (domain.md §1.9).

    What the token was not for uses nothing, and officers look into it.
    """
    if token is None:
        _keep(Discrepancy.Kind.UNKNOWN_TOKEN, receipt, {}, now=now)
    elif (receipt.checkpoint, receipt.direction) != (token.checkpoint, token.direction):
        meant = {"jti": token.jti, "checkpoint": token.checkpoint, "direction": token.direction}
        _keep(Discrepancy.Kind.OTHER_CROSSING, receipt, meant, now=now)
    else:
        confirm(confirmations=[Confirmation(token, receipt.at)], actor=receipt.iss, now=now)


def _keep(kind: str, receipt: receipts.Receipt, beside: Mapping[str, Any], *, now: int) -> None:
    facts = {"jti": receipt.token_jti, **_facts(receipt)}
    discrepancies.keep(kind=kind, authority=receipt.iss, facts=facts, beside=beside, now=now)


def _facts(said: receipts.Receipt | CrossingReceipt) -> dict[str, Any]:
    return {"checkpoint": said.checkpoint, "direction": said.direction, "at": said.at}


def border_keys(sender: str, text: bytes | str, kind: jws.TokenType, *, now: int) -> keys.KeySet:
    """The peer's border keys; its chain is looked for again, once in a while, where they lack the document's."""
    chain = resolution.resolve(sender, now=now, entity_type="border_token_issuer", immediate=True)
    known = keys.parse_jwks(chain.entity("border_token_issuer")["jwks"])
    if known.find(jws.parse_unverified(text, kind).kid) is not None:
        return known
    newer = resolution.look_again(sender, now=now, immediate=True)
    return known if newer is None else keys.parse_jwks(newer.entity("border_token_issuer")["jwks"])


def _endpoint(peer: str, *, now: int) -> str:
    """Where the peer takes receipts; raises `Unavailable`, `Refusal` or KeyError (nowhere)."""
    chain = resolution.resolve(peer, now=now, entity_type="border_token_issuer", immediate=True)
    return str(chain.entity("border_token_issuer")["crossing_receipt_endpoint"])


def _deliver(receipt: OutgoingReceipt, url: str, *, now: int) -> bool:
    """Whether the peer took it; raises `Unavailable` where it does not answer."""
    try:
        taken = _send(receipt, url, now=now)
    except Refusal as error:
        log.warning("receipt %s cannot be sent: %s", receipt.pk, error)
        taken = False
    if not taken:
        retry_at = now + _wait(receipt.attempts)
        OutgoingReceipt.objects.filter(pk=receipt.pk).update(attempts=F("attempts") + 1, next_attempt_at=retry_at)
    return taken


def _wait(failures: int) -> int:
    return int(min(FIRST_RETRY * 2 ** min(failures, 12), LONGEST_RETRY))


def _send(receipt: OutgoingReceipt, url: str, *, now: int) -> bool:
    text = receipts.sign_receipt(
        issuer=authority().entity_id,
        audience=receipt.recipient,
        jti=secrets.token_urlsafe(16),
        token_jti=receipt.token_jti,
        checkpoint=receipt.checkpoint,
        direction=receipt.direction,
        at=receipt.at,
        now=now,
        signer=signing.signer("border"),
    )
    answer = fetching.client().request("POST", url, headers={"content-type": CONTENT_TYPE}, content=text.encode())
    if answer.status >= 500 or answer.status == 429:
        raise Unavailable(f"status {answer.status}")
    return answer.status in (200, 201, 204)

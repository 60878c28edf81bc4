"""Crossing receipts between authorities: sent until the issuer has answered, taken once.

A receipt says that a token was used to cross, and nothing of why or how well (protocol.md, Records).
"""

import logging
import secrets

from django.db import transaction
from django.db.models import F

from idp.accounts.models import Endorsement
from idp.audit import events
from idp.border.models import CrossingReceipt, IssuedToken, OutgoingReceipt
from idp.conf import authority
from idp.federation import fetching, resolution, signing
from idp.federation.models import Peer
from idp.protocol import jws, keys, receipts
from idp.protocol.refusals import Reason, Refusal, Unavailable

log = logging.getLogger(__name__)

FIRST_RETRY = 10  # seconds; doubled each time
LONGEST_RETRY = 3600
BATCH = 200  # receipts in one run of the task
CONTENT_TYPE = "application/crossing-receipt+jwt"


def deliver(*, now: int) -> int:
    """Send what is due; how many were delivered. A peer that is down is tried again, for as long as it takes."""
    due = OutgoingReceipt.objects.filter(delivered_at__isnull=True, next_attempt_at__lte=now)
    due = due.order_by("next_attempt_at")[:BATCH]
    silent: set[str] = set()  # peers that did not answer in this run: the others must not wait for them
    return sum(_deliver(receipt, silent, now=now) for receipt in due if receipt.recipient not in silent)


def accept(text: bytes, *, now: int) -> CrossingReceipt:
    """Take a peer's receipt; raises `Refusal`. A second one for the same token changes nothing."""
    sender = receipts.unverified_issuer(text)
    if not Peer.objects.recognised(now).filter(entity_id=sender).exists():
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a peer")  # a stranger's receipt starts no search for its keys
    issuer_keys = _issuer_keys(sender, text, now=now)
    receipt = receipts.verify_receipt(text, keys=issuer_keys, issuer=sender, audience=authority().entity_id, now=now)
    with transaction.atomic():
        token = IssuedToken.objects.filter(jti=receipt.token_jti, authority=sender).select_related("document").first()
        row, created = CrossingReceipt.objects.get_or_create(
            sender=sender,
            token_jti=receipt.token_jti,
            defaults={
                "receipt_jti": receipt.jti,
                "checkpoint": receipt.checkpoint,
                "direction": receipt.direction,
                "at": receipt.at,
                "received_at": now,
                "token": token,
            },
        )
        if created:
            events.record(kind="crossing.confirmed", actor=sender[:255], subject=receipt.token_jti[:255])
            if token is not None:
                _consume_entry(token, receipt)
    return row


def _issuer_keys(sender: str, text: bytes, *, now: int) -> keys.KeySet:
    """The peer's border keys; its chain is looked for again, once in a while, where they lack the receipt's."""
    chain = resolution.resolve(sender, now=now, entity_type="border_token_issuer", immediate=True)
    known = keys.parse_jwks(chain.entity("border_token_issuer")["jwks"])
    if known.find(jws.parse_unverified(text, receipts.CROSSING_RECEIPT).kid) is not None:
        return known
    newer = resolution.look_again(sender, now=now, immediate=True)
    return known if newer is None else keys.parse_jwks(newer.entity("border_token_issuer")["jwks"])


def _consume_entry(token: IssuedToken, receipt: receipts.Receipt) -> None:
    """An entry of the endorsement is used when it is confirmed, not when the token is issued (domain.md §1.9)."""
    if (receipt.checkpoint, receipt.direction) != (token.checkpoint, token.direction):
        # Not what the token was for: officers look into it, and nothing is used up.
        events.record(kind="crossing.contradicted", actor=receipt.iss[:255], subject=token.jti)
        return
    if token.direction != "entry":
        return
    held = Endorsement.objects.filter(pk=token.endorsement_id, entries_left__gt=0)
    if held.update(entries_left=F("entries_left") - 1):
        events.record(kind="endorsement.entry_consumed", actor=receipt.iss[:255], subject=token.jti)


def _deliver(receipt: OutgoingReceipt, silent: set[str], *, now: int) -> bool:
    delivered = False
    try:
        delivered = _send(receipt, now=now)
    except Unavailable as error:
        log.info("receipt %s not delivered: %s", receipt.pk, error)
        silent.add(receipt.recipient)
    except (Refusal, KeyError) as error:
        log.warning("receipt %s cannot be delivered: %s", receipt.pk, error)
    retry_at = now + min(FIRST_RETRY * 2 ** min(receipt.attempts, 12), LONGEST_RETRY)
    OutgoingReceipt.objects.filter(pk=receipt.pk).update(
        attempts=receipt.attempts + 1, next_attempt_at=retry_at, delivered_at=now if delivered else None
    )
    if receipt.recipient in silent:  # the whole queue for this peer steps back, or it would fill the next batches
        waiting = OutgoingReceipt.objects.filter(recipient=receipt.recipient, delivered_at__isnull=True)
        waiting.filter(next_attempt_at__lt=retry_at).update(next_attempt_at=retry_at)
    return delivered


def _send(receipt: OutgoingReceipt, *, now: int) -> bool:
    """Whether the peer took it; raises `Unavailable` (nobody answers), `Refusal` or KeyError (nowhere to send it)."""
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
    chain = resolution.resolve(receipt.recipient, now=now, entity_type="border_token_issuer", immediate=True)
    url = str(chain.entity("border_token_issuer")["crossing_receipt_endpoint"])
    answer = fetching.client().request("POST", url, headers={"content-type": CONTENT_TYPE}, content=text.encode())
    if answer.status >= 500 or answer.status == 429:
        raise Unavailable(f"status {answer.status}")
    return answer.status in (200, 201, 204)

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
from idp.protocol import keys, receipts
from idp.protocol.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)

FIRST_RETRY = 10  # seconds; doubled each time
LONGEST_RETRY = 3600
BATCH = 200  # receipts in one run of the task
CONTENT_TYPE = "application/crossing-receipt+jwt"


def deliver(*, now: int) -> int:
    """Send what is due; how many were delivered. A peer that is down is tried again, for as long as it takes."""
    due = OutgoingReceipt.objects.filter(delivered_at__isnull=True, next_attempt_at__lte=now)
    due = due.select_related("entry__lane__checkpoint__entity").order_by("next_attempt_at")[:BATCH]
    return sum(_deliver(receipt, now=now) for receipt in due)


def accept(text: bytes, *, now: int) -> CrossingReceipt:
    """Take a peer's receipt; raises `Refusal`. A second one for the same token changes nothing."""
    sender = receipts.unverified_issuer(text)
    chain = resolution.resolve(sender, now=now, entity_type="border_token_issuer", immediate=True)
    issuer_keys = keys.parse_jwks(chain.entity("border_token_issuer")["jwks"])
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
            events.record(kind="crossing.confirmed", actor=sender, subject=receipt.token_jti)
            if token is not None and receipt.direction == "entry":
                _consume_entry(token, sender)
    return row


def _consume_entry(token: IssuedToken, sender: str) -> None:
    """An entry of the endorsement is used when it is confirmed, not when the token is issued (domain.md §1.9)."""
    used = Endorsement.objects.filter(
        document=token.document, destination=token.territory, entries_left__gt=0
    ).order_by("-valid_to")[:1]
    if Endorsement.objects.filter(pk__in=used.values("pk")).update(entries_left=F("entries_left") - 1):
        events.record(kind="endorsement.entry_consumed", actor=sender, subject=token.jti)


def _deliver(receipt: OutgoingReceipt, *, now: int) -> bool:
    entry = receipt.entry
    text = receipts.sign_receipt(
        issuer=authority().entity_id,
        audience=receipt.recipient,
        jti=secrets.token_urlsafe(16),
        token_jti=entry.jti,
        checkpoint=entry.lane.checkpoint.entity_id,
        direction=entry.direction,
        at=entry.at,
        now=now,
        signer=signing.signer("border"),
    )
    try:
        chain = resolution.resolve(receipt.recipient, now=now, entity_type="border_token_issuer", immediate=True)
        url = str(chain.entity("border_token_issuer")["crossing_receipt_endpoint"])
        answer = fetching.client().request("POST", url, headers={"content-type": CONTENT_TYPE}, content=text.encode())
        delivered = answer.status in (200, 201, 204)
    except (Refusal, Unavailable, KeyError) as error:
        log.info("receipt %s not delivered: %s", receipt.pk, error)
        delivered = False
    wait = min(FIRST_RETRY * 2 ** min(receipt.attempts, 12), LONGEST_RETRY)
    OutgoingReceipt.objects.filter(pk=receipt.pk).update(
        attempts=receipt.attempts + 1,
        next_attempt_at=now + wait,
        delivered_at=now if delivered else None,
    )
    return delivered

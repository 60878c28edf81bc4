"""What authorities tell each other of confirmed crossings."""

from django.db import models
from django.db.models import Q

from idp.border.models.places import DIRECTIONS
from idp.border.models.tokens import IssuedToken


class OutgoingReceipt(models.Model):
    """A confirmed crossing on a peer's token, to be told to the peer until it has answered.

    The facts stand here themselves, not by reference: the journal is partitioned and has a retention of its own.
    """

    recipient = models.CharField(max_length=512, help_text="Whose token it was")
    token_jti = models.CharField(max_length=128)
    checkpoint = models.CharField(max_length=512)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    lane = models.CharField(max_length=64)
    seq = models.PositiveBigIntegerField()
    subject = models.CharField(max_length=128, blank=True, help_text="The issuer's name for the traveller here")
    waits = models.BooleanField(default=True, help_text="For the visit's other end, and is not listed for officers yet")
    attempts = models.PositiveIntegerField(default=0, help_text="How often it was sent and not taken")
    next_attempt_at = models.BigIntegerField(default=0, help_text="Where the peer did not take it: not before")
    delivered_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "token_jti"], name="border_receipt_owed_once"),
            models.CheckConstraint(condition=~Q(token_jti=""), name="border_receipt_names_a_token"),
        ]
        indexes = [
            models.Index(
                fields=["recipient", "id"], condition=Q(delivered_at__isnull=True), name="border_receipts_to_deliver"
            ),
            models.Index(fields=["recipient", "at"], name="border_receipts_by_time"),
            models.Index(fields=["subject"], condition=Q(waits=True), name="border_visits_not_ended"),
            models.Index(fields=["direction", "at"], condition=Q(waits=True), name="border_visits_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.token_jti} to {self.recipient}"


class ReceiptQueue(models.Model):
    """A peer that receipts are owed to. Its row is the one that steps back while the peer is down, not its receipts."""

    recipient = models.CharField(max_length=512, unique=True)
    failures = models.PositiveIntegerField(default=0, help_text="Runs in a row that the peer did not answer")
    next_attempt_at = models.BigIntegerField()

    def __str__(self) -> str:
        return self.recipient


class CrossingReceipt(models.Model):
    """What a peer told us: that a token of ours was used to cross."""

    sender = models.CharField(max_length=512)
    token_jti = models.CharField(max_length=512)
    receipt_jti = models.CharField(max_length=512)
    checkpoint = models.CharField(max_length=512)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    received_at = models.BigIntegerField()
    token = models.ForeignKey(IssuedToken, null=True, on_delete=models.PROTECT, related_name="receipts")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["sender", "token_jti"], name="border_receipt_once"),
        ]
        indexes = [models.Index(fields=["sender", "at"], name="border_received_by_time")]

    def __str__(self) -> str:
        return f"{self.token_jti} at {self.checkpoint}"

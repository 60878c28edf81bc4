"""What authorities tell each other of confirmed crossings."""

from django.db import models

from idp.border.models.places import DIRECTIONS
from idp.border.models.tokens import IssuedToken


class OutgoingReceipt(models.Model):
    """A confirmed crossing on a peer's token, to be told to the peer until it has answered."""

    recipient = models.CharField(max_length=512)
    token_jti = models.CharField(max_length=128)
    checkpoint = models.CharField(max_length=512)
    lane = models.CharField(max_length=64)
    seq = models.PositiveBigIntegerField(help_text="Of the entry in the lane's journal")
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.BigIntegerField()
    delivered_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "lane", "seq"], name="border_receipt_owed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.token_jti} to {self.recipient}"


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

    def __str__(self) -> str:
        return f"{self.token_jti} at {self.checkpoint}"

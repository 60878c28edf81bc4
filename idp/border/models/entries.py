"""How entries of endorsements are reserved and used up, and what does not add up.

A row of `ConfirmedCrossing` is a fact: somebody let through on a token of ours. ``use`` says what became of the
endorsement's entry, ``exit`` which exit an entry belongs to. What is left of an endorsement, the last and the first
entry made under it, the stay that it covers: all is read off these rows (`idp.border.entries.standing`).
"""

from django.db import models
from django.db.models import Q

from idp.accounts.models import Endorsement, Traveller
from idp.border.models.places import DIRECTIONS, JURISDICTIONS
from idp.border.models.tokens import IssuedToken

RESERVED, SETTLED, LAPSED = "reserved", "settled", "lapsed"
USED, OVERDRAWN = "used", "overdrawn"
_OF_AN_EXIT, _OF_AN_ENTRY = ("", RESERVED, SETTLED, LAPSED), ("", USED, OVERDRAWN)


class ConfirmedCrossing(models.Model):
    """An exit or an entry on a token of ours: recorded by a gate of ours, or confirmed by a peer's receipt."""

    token = models.ForeignKey(IssuedToken, on_delete=models.PROTECT, related_name="confirmed")
    traveller = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="+")
    endorsement = models.ForeignKey(
        Endorsement, null=True, blank=True, on_delete=models.PROTECT, related_name="crossings"
    )
    authority = models.CharField(max_length=255, help_text="Whose gate it was")
    territory = models.CharField(max_length=3, choices=JURISDICTIONS, help_text="Where the crossing leads to")
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    confirmed_at = models.BigIntegerField(help_text="When this node learnt of it")
    use = models.CharField(max_length=9, blank=True, help_text="What became of the endorsement's entry")
    exit = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="entries", help_text="Of an entry"
    )
    waits = models.BooleanField(default=True, help_text="For its other half, and is not listed for officers yet")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token"], name="border_crossing_confirmed_once"),
            models.UniqueConstraint(fields=["exit"], name="border_crossing_one_entry_for_an_exit"),
            models.CheckConstraint(
                condition=Q(direction="exit", use__in=_OF_AN_EXIT) | Q(direction="entry", use__in=_OF_AN_ENTRY),
                name="border_crossing_use_known",
            ),
            models.CheckConstraint(
                condition=Q(exit__isnull=True) | Q(direction="entry"), name="border_crossing_entry_has_the_exit"
            ),
        ]
        indexes = [
            models.Index(fields=["traveller", "territory", "at"], name="border_crossings_of_one"),
            models.Index(fields=["at"], condition=Q(use=RESERVED), name="border_reservations_held"),
            models.Index(fields=["confirmed_at"], condition=Q(waits=True), name="border_crossings_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.territory} {self.use}".strip()


class Discrepancy(models.Model):
    """Something that does not add up, for an officer to look into: a crossing, and ``beside`` it what it goes against.

    No personal data: token numbers, places and times.
    """

    class Kind(models.TextChoices):
        OVERDRAWN = "overdrawn", "more entries than the endorsement had"
        WEEKLY = "weekly", "two entries in a week under a weekly endorsement"
        CONTRADICTION = "contradiction", "two receipts for one token that say different things"
        OTHER_CROSSING = "other_crossing", "a receipt for another crossing than the token was for"
        UNKNOWN_TOKEN = "unknown_token", "a receipt for a token that was not issued here"
        EXIT_ALONE = "exit_alone", "an exit with no entry on the other side"
        ENTRY_ALONE = "entry_alone", "an entry with no exit on the other side"
        VISIT_OPEN = "visit_open", "a visitor's entry with no exit after it"
        VISIT_UNBEGUN = "visit_unbegun", "a visitor's exit with no entry before it"

    kind = models.CharField(max_length=14, choices=Kind.choices)
    authority = models.CharField(max_length=512, help_text="The peer whose token or receipt it is, or this authority")
    jti = models.CharField(max_length=512)
    checkpoint = models.CharField(max_length=512)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    at = models.BigIntegerField()
    beside = models.JSONField(default=dict, blank=True)
    raised_at = models.BigIntegerField()
    resolved_at = models.BigIntegerField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name_plural = "discrepancies"
        ordering = ["-raised_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "authority", "jti", "checkpoint", "direction", "at"], name="border_discrepancy_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "overdrawn",
                        "weekly",
                        "contradiction",
                        "other_crossing",
                        "unknown_token",
                        "exit_alone",
                        "entry_alone",
                        "visit_open",
                        "visit_unbegun",
                    ]
                ),
                name="border_discrepancy_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | (Q(resolved_at__isnull=False) & ~Q(resolved_by="")),
                name="border_discrepancy_resolved_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "at"], condition=Q(resolved_at__isnull=True), name="border_discrepancies_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.jti}"

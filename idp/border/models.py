"""What the border keeps: checkpoints and lanes, the tokens issued here, and what the lanes and the peers reported.

No row is edited by a later stage: a token's fate is read off the journal entries and receipts that name its ``jti``.
"""

from django.db import models
from django.db.models import Q

from idp.accounts.models import Endorsement, TravelDocument, Traveller
from idp.federation.models import HostedEntity

DIRECTIONS = (("entry", "entry"), ("exit", "exit"))
JURISDICTIONS = (("CHN", "mainland"), ("HKG", "Hong Kong"), ("MAC", "Macau"))


class Checkpoint(models.Model):
    """A place where travellers of two jurisdictions cross; an entity of the federation, hosted by this node."""

    code = models.SlugField(max_length=20, unique=True)
    name = models.JSONField(help_text="Name by language tag")
    hosted = models.OneToOneField(HostedEntity, on_delete=models.PROTECT, related_name="checkpoint")
    neighbour = models.CharField(max_length=3, choices=JURISDICTIONS, help_text="The jurisdiction on the other side")
    directions = models.JSONField(default=list)
    policy = models.JSONField(default=dict, blank=True, help_text="What differs from the authority's policy")
    opening = models.JSONField(default=list, blank=True, help_text='[["06:30", "24:00"]]; empty: always')
    sealing_jwks = models.JSONField(default=dict, blank=True, help_text="Public sealing keys, made in the gate")
    face_models = models.JSONField(default=list)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.code

    @property
    def entity_id(self) -> str:
        return str(self.hosted.entity_id)


class SurveyedCheckpoint(models.Model):
    """A peer's checkpoint as it was last seen: a copy, so that travellers are enrolled before they come to it."""

    entity_id = models.CharField(max_length=255, unique=True)
    authority = models.CharField(max_length=255)
    face_models = models.JSONField(default=list)
    seen_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.entity_id


class Lane(models.Model):
    """One gate at a checkpoint, known by its signing key."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="lanes")
    name = models.SlugField(max_length=20)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    code_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the enrolment code, until it is used")
    code_expires_at = models.BigIntegerField(default=0)
    jwk = models.JSONField(null=True, blank=True)
    face_models = models.JSONField(default=list, blank=True, help_text="What its engines can compare")
    enrolled_at = models.BigIntegerField(null=True, blank=True)
    revoked_at = models.BigIntegerField(null=True, blank=True)
    last_seen = models.BigIntegerField(null=True, blank=True)
    bundle_serial = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "name"], name="border_lane_once_per_checkpoint"),
            models.CheckConstraint(
                condition=Q(jwk__isnull=True, enrolled_at__isnull=True)
                | Q(jwk__isnull=False, enrolled_at__isnull=False),
                name="border_lane_key_with_enrolment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint.code}/{self.name}"

    @property
    def lane_id(self) -> str:
        return f"{self.checkpoint.entity_id}#{self.name}"


class IssuedToken(models.Model):
    """A border token issued here: stored before it was signed, and never with its content."""

    jti = models.CharField(max_length=32, unique=True)
    traveller = models.ForeignKey(Traveller, on_delete=models.PROTECT, related_name="border_tokens")
    document = models.ForeignKey(TravelDocument, on_delete=models.PROTECT, related_name="+")
    endorsement = models.ForeignKey(
        Endorsement, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Whose entry it uses"
    )
    grant_id = models.CharField(max_length=64, db_index=True)
    device_jkt = models.CharField(max_length=43, db_index=True)
    holder_jkt = models.CharField(max_length=43)
    checkpoint = models.CharField(max_length=255)
    authority = models.CharField(max_length=255, help_text="The receiving authority")
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    territory = models.CharField(max_length=3, choices=JURISDICTIONS, help_text="Where the crossing leads to")
    form = models.CharField(max_length=3)
    face_model = models.CharField(max_length=64)
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    status_uri = models.CharField(max_length=255)
    status_idx = models.PositiveIntegerField()
    revoked_at = models.BigIntegerField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("issued_at")), name="border_token_lives"),
            models.UniqueConstraint(fields=["status_uri", "status_idx"], name="border_token_own_status_entry"),
        ]

    def __str__(self) -> str:
        return self.jti


class JournalEntry(models.Model):
    """One decision of one lane, as the lane wrote it down. Texts are as long as `protocol.journal` lets them be."""

    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="entries")
    seq = models.PositiveBigIntegerField()
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.BigIntegerField(db_index=True)
    jti = models.CharField(max_length=128, db_index=True, blank=True)
    issuer = models.CharField(max_length=512, blank=True)
    subject = models.CharField(max_length=128, blank=True)
    direction = models.CharField(max_length=5, choices=DIRECTIONS)
    decision = models.CharField(max_length=6)
    reason = models.CharField(max_length=32, blank=True)
    score_band = models.CharField(max_length=16, blank=True)
    bundle_serial = models.BigIntegerField()
    received_at = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "journal entries"
        ordering = ["-at", "-seq"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "seq"], name="border_journal_entry_once"),
            models.CheckConstraint(
                condition=Q(decision__in=["admit", "refer", "refuse"]), name="border_journal_decision"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lane_id}:{self.seq} {self.decision}"


class DuplicateAlert(models.Model):
    """The same token admitted at two lanes that could not know of each other."""

    first = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="+")
    second = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, related_name="+")
    raised_at = models.BigIntegerField()
    resolved_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(first=models.F("second")), name="border_alert_two_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.first.jti} admitted twice"


class OutgoingReceipt(models.Model):
    """A confirmed crossing on a peer's token, to be told to the peer until it has answered."""

    entry = models.OneToOneField(JournalEntry, on_delete=models.PROTECT, related_name="receipt")
    recipient = models.CharField(max_length=512)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.BigIntegerField()
    delivered_at = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.entry_id} to {self.recipient}"


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


class WatchlistEntry(models.Model):
    """A document number that an officer must see, as a keyed hash only."""

    number_hash = models.CharField(max_length=64, unique=True)
    added_at = models.BigIntegerField()
    added_by = models.CharField(max_length=150)

    class Meta:
        verbose_name_plural = "watch list"

    def __str__(self) -> str:
        return self.number_hash[:8]

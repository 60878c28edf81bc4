"""Where travellers cross: checkpoints and their lanes, our own and, as a copy, the peers'."""

from django.db import models
from django.db.models import Q

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
    journal_seq = models.PositiveBigIntegerField(default=0, help_text="The last entry that is recorded")
    journal_hash = models.CharField(max_length=43, blank=True, help_text="Its hash; empty before the first")
    pseudonymous_seq = models.PositiveBigIntegerField(default=0, help_text="Entries up to this one have pseudonyms")

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

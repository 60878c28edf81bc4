"""What an authority keeps about itself and the entities around it. Times are whole seconds since 1970."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.federation.failure_models import Failure as Failure
from idp.federation.head_models import HeldHead as HeldHead
from idp.federation.head_models import SignedHead as SignedHead
from idp.federation.head_models import WitnessedHead as WitnessedHead
from idp.federation.mark_models import HeldMark as HeldMark
from idp.federation.mark_models import IssuedMark as IssuedMark
from idp.federation.mark_models import MarkType as MarkType
from idp.federation.revision import Revision as Revision
from idp.federation.revision import Stated, StatedQuerySet
from idp.federation.status_models import MirroredStatusList as MirroredStatusList
from idp.federation.status_models import StatusChange as StatusChange
from idp.federation.status_models import StatusEntry as StatusEntry
from idp.federation.status_models import StatusList as StatusList

ENTITY_ID = 1024  # characters, as in idp.protocol.entity_ids
MAX_PATH_LENGTH = 1  # below a peer: its entities, never another authority with its own


class SigningKey(Stated):
    """The public half and the life of one private key, which stands in a file of the key directory."""

    class Use(models.TextChoices):
        FEDERATION = "federation", _("federation statements")
        OIDC = "oidc", _("OpenID Connect tokens")
        BORDER = "border", _("border tokens and receipts")
        STATUS = "status", _("status lists")
        BUNDLE = "bundle", _("trust bundles")
        HOSTED = "hosted", _("statements of a hosted entity")
        REQUEST = "request", _("encrypted authorization requests")
        AUDIT = "audit", _("heads of the audit tree")

    class State(models.TextChoices):
        NEXT = "next", _("next")  # published, not yet signing
        ACTIVE = "active", _("active")
        OLD = "old", _("old")  # published until what it signed is dead
        KILLED = "killed", _("killed")  # compromised: published nowhere but in the historical keys

    use = models.CharField(max_length=16, choices=Use)
    owner = models.CharField(max_length=255, blank=True)  # path of the hosted entity; empty for the node itself
    algorithm = models.CharField(max_length=16)
    kid = models.CharField(max_length=64, unique=True)
    jwk = models.JSONField()  # public
    state = models.CharField(max_length=8, choices=State)
    made_at = models.BigIntegerField()
    takes_over_at = models.BigIntegerField(null=True, blank=True)  # of a next key: when two officers let it sign
    activated_at = models.BigIntegerField(null=True, blank=True)  # when it began to sign, if ever
    retired_at = models.BigIntegerField(null=True, blank=True)  # when it stopped signing
    withdrawn_at = models.BigIntegerField(null=True, blank=True)  # when it was taken back before its time was over

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.UniqueConstraint(
                name="federation_key_one_active", fields=["use", "owner", "algorithm"], condition=Q(state="active")
            ),
            models.UniqueConstraint(
                name="federation_key_one_next", fields=["use", "owner", "algorithm"], condition=Q(state="next")
            ),
            models.CheckConstraint(
                name="federation_key_retired_when_done",
                condition=Q(state__in=["next", "active"], retired_at=None)
                | Q(state__in=["old", "killed"], retired_at__isnull=False),
            ),
            models.CheckConstraint(
                name="federation_key_activated_before_it_signs",
                condition=Q(state="next", activated_at=None)
                | Q(state__in=["active", "old"], activated_at__isnull=False)
                | Q(state="killed"),
            ),
            models.CheckConstraint(
                name="federation_key_withdrawn_when_retired",
                condition=(Q(withdrawn_at=None) & ~Q(state="killed"))
                | Q(state__in=["old", "killed"], withdrawn_at__isnull=False, withdrawn_at__gte=F("retired_at")),
            ),
            models.CheckConstraint(
                name="federation_key_takes_over_once_published",
                condition=Q(takes_over_at=None) | Q(state="next", takes_over_at__gte=F("made_at")),
            ),
            models.CheckConstraint(
                name="federation_key_owner_of_hosted",
                condition=(Q(use="hosted") & ~Q(owner="")) | (~Q(use="hosted") & Q(owner="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use} {self.kid}"


class Peers(StatedQuerySet):
    """Peers by how they stand at a time."""

    def broken(self, now: int) -> "Peers":
        """No chain may lead through these: suspended, ended, or outside the period of their recognition."""
        return self.exclude(_stands(now))

    def standing(self, now: int) -> "Peers":
        """Neither suspended nor ended, and within the period; which switches are on is another question."""
        return self.filter(_stands(now))

    def recognised(self, now: int) -> "Peers":
        """We issue statements about these now."""
        return self.standing(now).exclude(recognised_at=None)

    def accepted(self, now: int) -> "Peers":
        """We name these in our authority hints now."""
        return self.standing(now).exclude(accepted_at=None)


def _stands(now: int) -> Q:
    begun = Q(valid_from=None) | Q(valid_from__lte=now)
    lasting = Q(valid_until=None) | Q(valid_until__gt=now)
    return begun & lasting & Q(suspended_at=None, ended_at=None)


class Peer(Stated):
    """Another authority: its pinned federation keys, our two switches about it, and the terms of recognition."""

    entity_id = models.CharField(max_length=ENTITY_ID, unique=True)
    name = models.JSONField(default=dict)  # by language tag, as the peer calls itself
    jwks = models.JSONField()  # pinned
    successor_jwks = models.JSONField(null=True, blank=True)  # announced in a configuration signed by a pinned key
    successor_seen_at = models.BigIntegerField(null=True, blank=True)
    configuration_etag = models.CharField(max_length=128, blank=True)  # of its configuration as last read
    proposed_at = models.BigIntegerField()
    recognised_at = models.BigIntegerField(null=True, blank=True)
    accepted_at = models.BigIntegerField(null=True, blank=True)
    suspended_at = models.BigIntegerField(null=True, blank=True)
    ended_at = models.BigIntegerField(null=True, blank=True)
    # The terms, moved by `idp.federation.terms` only. They narrow what every statement about a peer says.
    metadata_policy = models.JSONField(default=dict, blank=True)
    max_path_length = models.PositiveSmallIntegerField(default=MAX_PATH_LENGTH)
    naming_constraints = models.JSONField(default=dict, blank=True)  # permitted, excluded; as in a statement
    allowed_entity_types = models.JSONField(null=True, blank=True)  # None: every type that a peer may vouch for
    valid_from = models.BigIntegerField(null=True, blank=True)
    valid_until = models.BigIntegerField(null=True, blank=True)  # the first second after it
    legal_basis = models.TextField(blank=True)
    contract = models.TextField(blank=True)

    objects = Peers.as_manager()

    class Meta:
        verbose_name = _("peer")
        verbose_name_plural = _("peers")
        constraints = [
            models.CheckConstraint(
                name="federation_peer_ended_is_off",
                condition=Q(ended_at=None) | Q(recognised_at=None, accepted_at=None, suspended_at=None),
            ),
            models.CheckConstraint(
                name="federation_peer_successor_dated",
                condition=Q(successor_jwks__isnull=True, successor_seen_at=None)
                | Q(successor_jwks__isnull=False, successor_seen_at__isnull=False),
            ),
            models.CheckConstraint(
                name="federation_peer_not_transitive", condition=Q(max_path_length__lte=MAX_PATH_LENGTH)
            ),
            models.CheckConstraint(
                name="federation_peer_period",
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
            ),
        ]

    def __str__(self) -> str:
        return self.entity_id

    def in_period(self, now: int) -> bool:
        """Whether ``now`` lies within the period of recognition."""
        begun = self.valid_from is None or self.valid_from <= now
        return begun and (self.valid_until is None or now < self.valid_until)

    def is_recognised(self, now: int) -> bool:
        """Whether we issue a statement about it at ``now``."""
        return self.recognised_at is not None and self.suspended_at is None and self.in_period(now)

    def is_accepted(self, now: int) -> bool:
        """Whether we name it in our authority hints at ``now``."""
        return self.accepted_at is not None and self.suspended_at is None and self.in_period(now)

    @property
    def recognised(self) -> bool:
        """`is_recognised` now."""
        return self.is_recognised(clock.now())

    @property
    def accepted(self) -> bool:
        """`is_accepted` now."""
        return self.is_accepted(clock.now())

    @property
    def standing(self) -> str:
        """The switches, and the period where one is on, as one word.

        ``ended``, ``suspended``, ``awaited`` (its period has not begun), ``lapsed`` (its period is over), ``mutual``,
        ``one-sided`` or ``proposed``.
        """
        if self.ended_at is not None:
            return "ended"
        if self.suspended_at is not None:
            return "suspended"
        on = (self.recognised_at is not None) + (self.accepted_at is not None)
        if on and not self.in_period(clock.now()):
            return "lapsed" if self.valid_until is not None and self.valid_until <= clock.now() else "awaited"
        return ("proposed", "one-sided", "mutual")[on]


class HostedEntity(Stated):
    """An entity whose configuration this node serves: a checkpoint. It has a federation key of its own."""

    path = models.CharField(max_length=255, unique=True)  # below the node's own identifier, without slashes around it
    entity_id = models.CharField(max_length=ENTITY_ID, unique=True)
    metadata = models.JSONField()

    class Meta:
        verbose_name = _("hosted entity")
        verbose_name_plural = _("hosted entities")

    def __str__(self) -> str:
        return self.entity_id


class Subordinate(Stated):
    """An entity of this jurisdiction about which the node issues statements: a messenger, a checkpoint."""

    entity_id = models.CharField(max_length=ENTITY_ID, unique=True)
    jwks = models.JSONField()
    entity_types = models.JSONField()
    metadata = models.JSONField(default=dict)  # what we state over its own, by entity type (Federation §3.1.1)
    metadata_policy = models.JSONField(default=dict)
    registered_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("subordinate")
        verbose_name_plural = _("subordinates")

    def __str__(self) -> str:
        return self.entity_id


class Statement(models.Model):
    """The statement in force of one issuer of ours about one subject, and the claims that it was made from."""

    issuer = models.CharField(max_length=ENTITY_ID)
    subject = models.CharField(max_length=ENTITY_ID)
    claims = models.JSONField()
    digest = models.CharField(max_length=64)  # of what it says apart from its times
    kid = models.CharField(max_length=64)
    text = models.TextField(blank=True)
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="federation_statement_once", fields=["issuer", "subject"])]

    def __str__(self) -> str:
        return f"{self.issuer} about {self.subject}"


class ChainCache(models.Model):
    """The last trust chain found for a subject, or why none was; verified again at every use."""

    subject = models.CharField(max_length=ENTITY_ID)
    immediate = models.BooleanField()
    statements = models.JSONField(default=list)
    members = models.TextField(blank=True)  # entity identifiers on the way, each between line ends
    failure = models.CharField(max_length=32, blank=True)  # a refusal's reason or "unavailable", for a short while
    refresh_at = models.BigIntegerField()
    searched_at = models.BigIntegerField(default=0)  # when somebody was last asked: a cooldown counts from here
    expires_at = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="federation_chain_once", fields=["subject", "immediate"])]

    def __str__(self) -> str:
        return self.subject


class BundleSerial(models.Model):
    """The last trust bundle built for a checkpoint. The serial only ever grows."""

    checkpoint = models.CharField(max_length=ENTITY_ID, unique=True)
    serial = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)  # of what went into it apart from serial and times
    keys = models.TextField(blank=True)
    bundle = models.TextField(blank=True)
    built_at = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.checkpoint} {self.serial}"


class UsedAssertion(models.Model):
    """A client assertion that was used at a federation endpoint; its row is what makes it good for once."""

    key_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.key_hash

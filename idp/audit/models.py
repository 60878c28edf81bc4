"""The record of what was done: events, their place in the Merkle tree, and the tree's heads."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

HASH_BYTES = 32  # SHA-256


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that are added and read, and nothing else."""

    def update(self, **values: Any) -> NoReturn:
        raise RuntimeError("audit rows are never changed")

    def delete(self) -> NoReturn:
        raise RuntimeError("audit rows are never deleted")

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        raise RuntimeError("audit rows are never changed")


class AppendOnly(models.Model):
    """Saved once. The database refuses changes too, by triggers (migration 0002)."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise RuntimeError("audit rows are never changed")
        super().save(*args, **{**options, "force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise RuntimeError("audit rows are never deleted")


class AuditEvent(AppendOnly):
    """One thing that was done. ``data`` holds no personal data, ``subject`` an identifier of ours."""

    kind = models.CharField(max_length=64)  # room.what_happened
    actor = models.CharField(max_length=255)
    subject = models.CharField(max_length=255, blank=True)
    data = models.JSONField(default=dict)
    at = models.BigIntegerField()  # seconds since 1970

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [  # each gives a search's events in its order, the newest first (`idp.office.auditing.searching`)
            models.Index(name="audit_event_latest", fields=["at", "id"]),
            models.Index(name="audit_event_kind", fields=["kind", "at", "id"]),
            models.Index(name="audit_event_actor", fields=["actor", "at", "id"]),
            models.Index(name="audit_event_subject", fields=["subject", "at", "id"]),
        ]
        constraints = [
            models.CheckConstraint(name="audit_event_kind_present", condition=~Q(kind="")),
            models.CheckConstraint(name="audit_event_actor_present", condition=~Q(actor="")),
            models.CheckConstraint(name="audit_event_at_positive", condition=Q(at__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"


class SealedEvent(AppendOnly):
    """An event's place in the tree."""

    index = models.PositiveBigIntegerField(primary_key=True)  # from 0
    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="sealed")
    leaf_hash = models.BinaryField(max_length=HASH_BYTES)  # RFC 9162 §2.1.1

    class Meta:
        constraints = [
            models.CheckConstraint(name="audit_leaf_hash_length", condition=Exact(Length("leaf_hash"), HASH_BYTES)),
        ]

    def __str__(self) -> str:
        return str(self.index)


class UnsealedEvent(models.Model):
    """An event that waits for its place. A trigger of the database adds it with the event (migration 0003).

    So that a sealer looks at what waits, and not for it among all that ever happened.
    """

    event = models.OneToOneField(
        AuditEvent, primary_key=True, on_delete=models.CASCADE, related_name="unsealed", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.event_id)


class TreeNode(AppendOnly):
    """The root of a full subtree, of each eighth level (`idp.audit.tree`)."""

    level = models.PositiveSmallIntegerField()  # 8, 16, 24, …: 2^level leaves
    index = models.PositiveBigIntegerField()  # from 0
    hash = models.BinaryField(max_length=HASH_BYTES)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="audit_node_once", fields=["level", "index"]),
            models.CheckConstraint(name="audit_node_level", condition=Q(level__in=[8, 16, 24, 32, 40, 48, 56])),
            models.CheckConstraint(name="audit_node_hash_length", condition=Exact(Length("hash"), HASH_BYTES)),
        ]

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class TreeHead(AppendOnly):
    """The root over the first ``size`` events."""

    size = models.PositiveBigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=HASH_BYTES)
    at = models.BigIntegerField()  # seconds since 1970

    class Meta:
        constraints = [
            models.CheckConstraint(name="audit_head_root_length", condition=Exact(Length("root"), HASH_BYTES)),
            models.CheckConstraint(name="audit_head_size_positive", condition=Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.size} {bytes(self.root).hex()}"


class Sealer(models.Model):
    """The one row that a sealer must move on to append: its condition is the lock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.JSONField(default=list)  # hex hashes of the full subtrees, largest first

    class Meta:
        constraints = [models.CheckConstraint(name="audit_sealer_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.size)


class SeenPerson(models.Model):
    """Whose data an officer's look showed, so that the page of uses finds it by the person."""

    event = models.ForeignKey(AuditEvent, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    whose = models.CharField(max_length=64)  # "traveller:ID" or "document:ID"
    at = models.BigIntegerField()  # the event's

    class Meta:
        constraints = [models.UniqueConstraint(name="audit_seen_once", fields=["event", "whose"])]
        indexes = [models.Index(name="audit_seen_of_person", fields=["whose", "at"])]

    def __str__(self) -> str:
        return f"{self.whose} in {self.event_id}"


class LookWords(models.Model):
    """What an officer wrote to a look beyond its reason. Not in the event, so that it can be let go of."""

    event = models.OneToOneField(
        AuditEvent, primary_key=True, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    words = models.CharField(max_length=200)

    def __str__(self) -> str:
        return str(self.event_id)


class GivenReason(models.Model):
    """Why an officer looks at one thing, for one session and a short time (`idp.audit.looking`)."""

    officer = models.CharField(max_length=64)
    session = models.CharField(max_length=64)  # SHA-256 of its key, hex
    subject = models.CharField(max_length=255)
    reason = models.CharField(max_length=32)
    case = models.CharField(max_length=64, blank=True)
    words = models.CharField(max_length=200, blank=True)
    until = models.BigIntegerField(db_index=True)  # seconds since 1970

    class Meta:
        constraints = [
            models.UniqueConstraint(name="audit_reason_once", fields=["officer", "session", "subject"]),
            models.CheckConstraint(name="audit_reason_present", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.officer} {self.subject} {self.reason}"


class Verification(models.Model):
    """The record, or a range of its leaves, computed again: who asked, how far it is, what was found."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        WHOLE = "whole", _("nothing is broken")
        BROKEN = "broken", _("broken")

    asked_by = models.CharField(max_length=64)  # "account:7", or "node" every night
    asked_at = models.BigIntegerField(db_index=True)
    first = models.PositiveBigIntegerField(default=0)
    last = models.PositiveBigIntegerField(null=True, blank=True)  # the leaf after the range; none: everything there is
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(default=0)  # leaves
    total = models.PositiveBigIntegerField(default=0)
    moved_at = models.BigIntegerField()  # of the last sign of life
    finished_at = models.BigIntegerField(null=True, blank=True)
    found = models.JSONField(default=list)  # the first lines of what is broken
    broken = models.PositiveIntegerField(default=0)  # how many there are

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="audit_verification_one_at_a_time", fields=["state"], condition=Q(state="waiting")
            ),
            models.CheckConstraint(
                name="audit_verification_range", condition=Q(last=None) | Q(last__gt=models.F("first"))
            ),
            models.CheckConstraint(
                name="audit_verification_ended",
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state="whole", broken=0, finished_at__isnull=False)
                | Q(state="broken", broken__gt=0, finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"

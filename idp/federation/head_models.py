"""Heads of audit trees: ours as they were signed, the peers' as they were seen. Times are seconds since 1970."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from idp.protocol.entity_ids import MAX_LENGTH as ENTITY_ID
from idp.protocol.merkle import HASH_BYTES


class SignedHead(models.Model):
    """A head of our own tree. One that is signed again for the same size takes the place of the one before."""

    size = models.PositiveBigIntegerField(primary_key=True)
    at = models.BigIntegerField(db_index=True)
    text = models.TextField()

    class Meta:
        verbose_name = _("signed tree head")
        verbose_name_plural = _("signed tree heads")
        constraints = [models.CheckConstraint(name="federation_signed_head_size", condition=Q(size__gt=0))]

    def __str__(self) -> str:
        return str(self.size)


class WitnessedHead(models.Model):
    """A head that an authority signed and showed to us or to a peer of ours.

    ``contradicts``: it does not continue what the same authority signed before. Then both texts together prove it.
    """

    authority = models.CharField(max_length=ENTITY_ID)
    size = models.PositiveBigIntegerField()
    root = models.BinaryField(max_length=HASH_BYTES)
    at = models.BigIntegerField()  # as the head says
    seen_at = models.BigIntegerField()
    text = models.TextField()
    contradicts = models.BooleanField(default=False)
    why = models.CharField(max_length=200, blank=True)
    resolved_at = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("witnessed tree head")
        verbose_name_plural = _("witnessed tree heads")
        indexes = [models.Index(name="federation_witnessed_newest", fields=["authority", "contradicts", "-size"])]
        constraints = [
            models.UniqueConstraint(name="federation_witnessed_once", fields=["authority", "size", "root"]),
            # What continues what was seen before has one root for each size: whatever the code does, a second one
            # cannot be believed.
            models.UniqueConstraint(
                name="federation_witnessed_one_root", fields=["authority", "size"], condition=Q(contradicts=False)
            ),
            models.CheckConstraint(
                name="federation_witnessed_root_length", condition=Exact(Length("root"), HASH_BYTES)
            ),
            models.CheckConstraint(
                name="federation_witnessed_why",
                condition=Q(contradicts=False, why="") | (Q(contradicts=True) & ~Q(why="")),
            ),
            models.CheckConstraint(
                name="federation_witnessed_resolved", condition=Q(contradicts=True) | Q(resolved_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.authority} {self.size}"


class HeldHead(models.Model):
    """The newest head of ours that a peer has seen and shows again, held against the tree as it is."""

    holder = models.CharField(max_length=ENTITY_ID, unique=True)
    size = models.PositiveBigIntegerField()
    at = models.BigIntegerField()  # as the head says
    told_at = models.BigIntegerField()

    class Meta:
        verbose_name = _("head of ours that a peer holds")
        verbose_name_plural = _("heads of ours that peers hold")
        constraints = [models.CheckConstraint(name="federation_held_head_size", condition=Q(size__gt=0))]

    def __str__(self) -> str:
        return f"{self.holder} {self.size}"

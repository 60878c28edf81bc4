"""Trust marks as they are kept: their types, those that we give, those that we hold. Times are seconds since 1970."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp.federation.revision import Stated
from idp.protocol.entity_ids import MAX_LENGTH as ENTITY_ID


class MarkType(Stated):
    """A type of trust mark that this anchor knows: who may give it, and whose it is (Federation §3.1.2, §7.2).

    The border issuer's type is built in and has no row.
    """

    mark_type = models.CharField(max_length=ENTITY_ID, unique=True)
    description = models.TextField(blank=True)
    owner_entity_id = models.CharField(max_length=ENTITY_ID, blank=True)  # empty: nobody but the issuers
    owner_jwks = models.JSONField(null=True, blank=True)  # the owner's federation keys
    delegation = models.TextField(blank=True)  # the owner's word that we may give it
    issuers = models.JSONField(default=list, blank=True)  # empty: anybody in the federation
    lifetime = models.PositiveIntegerField(default=3 * 86_400)  # seconds, of the marks that we give

    class Meta:
        verbose_name = _("trust mark type")
        verbose_name_plural = _("trust mark types")
        constraints = [
            models.CheckConstraint(name="federation_mark_type_lives", condition=Q(lifetime__gt=0)),
            models.CheckConstraint(
                name="federation_mark_type_owned",
                condition=Q(owner_entity_id="", owner_jwks__isnull=True, delegation="")
                | (~Q(owner_entity_id="") & Q(owner_jwks__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.mark_type


class IssuedMark(Stated):
    """A trust mark that we give to a peer or a subordinate; ``text`` is re-signed while the mark stands."""

    subject = models.CharField(max_length=ENTITY_ID)
    peer = models.ForeignKey(
        "federation.Peer", on_delete=models.CASCADE, related_name="marks_issued", null=True, blank=True
    )
    mark_type = models.CharField(max_length=ENTITY_ID)
    issued_at = models.BigIntegerField()
    revoked_at = models.BigIntegerField(null=True, blank=True)
    text = models.TextField(blank=True)
    signed_at = models.BigIntegerField(default=0)
    kid = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("trust mark given")
        verbose_name_plural = _("trust marks given")
        constraints = [
            models.UniqueConstraint(
                name="federation_mark_standing_once", fields=["subject", "mark_type"], condition=Q(revoked_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.mark_type} {self.subject}"


class HeldMark(Stated):
    """A trust mark that a peer gave to us and that our configuration shows."""

    peer = models.ForeignKey("federation.Peer", on_delete=models.CASCADE, related_name="marks_held")
    mark_type = models.CharField(max_length=ENTITY_ID)
    text = models.TextField()
    expires_at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="federation_held_mark_once", fields=["peer", "mark_type"])]

    def __str__(self) -> str:
        return f"{self.mark_type}"

"""What did not succeed when another entity was asked, until it does. Times are whole seconds since 1970."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from idp.protocol.entity_ids import MAX_LENGTH as ENTITY_ID

DETAIL = 300  # characters of why, in the words of the log


class Failure(models.Model):
    """The last attempt of one kind at one entity failed. The row goes when an attempt succeeds.

    No statement is made from it and it grants nothing, so that it is not audited.
    """

    class Act(models.TextChoices):
        CONFIGURATION = "configuration", _("read and use its configuration")
        CHAIN = "chain", _("find its trust chain")
        ISSUER = "issuer", _("accept it as an issuer of border tokens")
        MARK = "mark", _("collect its trust mark for us")
        STATUS = "status", _("copy its status lists")

    entity_id = models.CharField(max_length=ENTITY_ID)
    act = models.CharField(max_length=16, choices=Act)
    reason = models.CharField(max_length=32)  # a refusal's reason, or "unavailable"
    detail = models.CharField(max_length=DETAIL, blank=True)
    since = models.BigIntegerField()  # the first of those without a success in between
    last_at = models.BigIntegerField(db_index=True)
    times = models.PositiveBigIntegerField(default=1)

    class Meta:
        app_label = "federation"
        constraints = [
            models.UniqueConstraint(name="federation_failure_once", fields=["entity_id", "act"]),
            models.CheckConstraint(name="federation_failure_since_before_last", condition=Q(since__lte=F("last_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.entity_id}"

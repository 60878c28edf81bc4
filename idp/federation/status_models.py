"""Status lists: ours with what was given out and changed in them, and copies of the peers'. Times in seconds."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

URI = 1024  # characters, as an entity identifier


class StatusList(models.Model):
    """One status list of ours: the tokens of one hour, or a part of them."""

    name = models.CharField(max_length=32, unique=True)  # the last segment of its address
    hour = models.BigIntegerField()  # when the hour of issue began
    part = models.PositiveIntegerField()  # from 0; a new part opens when the last is crowded
    size = models.PositiveIntegerField()
    bits = models.PositiveSmallIntegerField(default=1)  # of one status
    last_expiry = models.BigIntegerField(db_index=True)  # no token in it lives longer
    version = models.PositiveIntegerField(default=1)  # counts changes
    text = models.TextField(blank=True)
    cwt = models.BinaryField(default=bytes)  # the same as CWT
    signed_at = models.BigIntegerField(default=0)
    signed_version = models.PositiveIntegerField(default=0)
    kid = models.CharField(max_length=64, blank=True)

    class Meta:
        app_label = "federation"
        verbose_name = _("status list")
        verbose_name_plural = _("status lists")
        constraints = [
            models.UniqueConstraint(name="federation_status_list_part", fields=["hour", "part"]),
            models.CheckConstraint(name="federation_status_list_size", condition=Q(size__gt=0)),
            models.CheckConstraint(name="federation_status_list_bits", condition=Q(bits__in=[1, 2, 4, 8])),
            models.CheckConstraint(
                name="federation_status_list_version", condition=Q(signed_version__lte=F("version"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StatusEntry(models.Model):
    """One index given out; its row is what makes it given out once. It goes when the list's last token is dead."""

    status_list = models.ForeignKey(StatusList, on_delete=models.CASCADE, related_name="entries")
    idx = models.PositiveIntegerField()
    value = models.PositiveSmallIntegerField(default=0)

    class Meta:
        app_label = "federation"
        constraints = [
            models.UniqueConstraint(name="federation_status_index_once", fields=["status_list", "idx"]),
            models.CheckConstraint(name="federation_status_one_byte", condition=Q(value__lt=256)),
        ]
        indexes = [models.Index(name="federation_status_set", fields=["status_list"], condition=Q(value__gt=0))]

    def __str__(self) -> str:
        return f"{self.idx}"


class StatusChange(models.Model):
    """A status that was set, and when: what the list was like at any time can be made again (§8.4)."""

    status_list = models.ForeignKey(StatusList, on_delete=models.CASCADE, related_name="changes", db_index=False)
    idx = models.PositiveIntegerField()
    value = models.PositiveSmallIntegerField()
    at = models.BigIntegerField()

    class Meta:
        app_label = "federation"
        indexes = [models.Index(name="federation_status_history", fields=["status_list", "at"])]

    def __str__(self) -> str:
        return f"{self.idx} {self.value}"


class MirroredStatusList(models.Model):
    """The newest copy of a peer's status list, verified when it came."""

    uri = models.CharField(max_length=URI, unique=True)
    issuer = models.CharField(max_length=URI, db_index=True)
    text = models.TextField()
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the text
    etag = models.CharField(max_length=128, blank=True)
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()

    class Meta:
        app_label = "federation"
        verbose_name = _("mirrored status list")
        verbose_name_plural = _("mirrored status lists")

    def __str__(self) -> str:
        return self.uri

"""What lanes say of themselves when they ask for a bundle, and what of theirs was refused."""

from django.db import models
from django.db.models import Q

from idp.border.models.places import Lane

CAMERAS = ("", "working", "failed")  # "" before the first traveller


class LaneReport(models.Model):
    """The last report of one lane; nothing here is about a traveller. Times are seconds since 1970."""

    lane = models.OneToOneField(Lane, on_delete=models.CASCADE, related_name="report")
    at = models.BigIntegerField(default=0)
    camera = models.CharField(max_length=8, blank=True)
    version = models.CharField(max_length=32, blank=True)
    bundle_serial = models.BigIntegerField(default=0)
    clock_offset = models.BigIntegerField(default=0, help_text="Seconds by which its clock is ahead of this node's")
    pending = models.BigIntegerField(default=0, help_text="Entries that it has not uploaded")
    sealing_at = models.BigIntegerField(default=0, help_text="When the checkpoint's sealing keys were last changed")
    refused_at = models.BigIntegerField(default=0)
    refused = models.CharField(max_length=32, blank=True, help_text="Why an upload of its journal was refused")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(camera__in=list(CAMERAS)), name="border_lane_report_camera_known"),
        ]

    def __str__(self) -> str:
        return str(self.lane)

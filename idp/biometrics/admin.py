"""Face jobs in the admin site, to be read: never a picture, never a template."""

from django.contrib import admin

from idp.audit.admin import ReadOnlyModelAdmin
from idp.biometrics.models import FaceReference, Job


@admin.register(Job)
class JobAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "document", "state", "attempts", "reason", "score", "created_at", "finished_at")
    list_filter = ("state", "reason")
    list_select_related = ("document",)


@admin.register(FaceReference)
class FaceReferenceAdmin(ReadOnlyModelAdmin):
    list_display = ("document", "model", "profile", "enrolled_at")
    list_select_related = ("document",)
    exclude = ("sealed",)

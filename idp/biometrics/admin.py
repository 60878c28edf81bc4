"""Face jobs in the admin site, to be read: never a picture, never a template."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from idp.biometrics.models import FaceReference, Job


@admin.register(Job, FaceReference)
class FaceAdmin(admin.ModelAdmin):
    exclude = ("sealed",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

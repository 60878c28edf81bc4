"""The audit in the admin site, and the admin class by which every room's changes are audited."""

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from idp.audit import events, reading
from idp.audit.models import AuditEvent, TreeHead


class AuditedModelAdmin(admin.ModelAdmin):
    """Changes leave an audit event in their transaction; nothing is deleted here."""

    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: models.Model, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _record(request, obj, "changed" if change else "added", form.changed_data)

    @transaction.atomic
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            _record(request, form.instance, "changed", [formset.prefix])


class ReadOnlyModelAdmin(admin.ModelAdmin):
    """To be looked at only."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class NotedReads(admin.ModelAdmin):
    """For pages that show personal data: a look at a row or at the list is an event (`idp.audit.reading`)."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with transaction.atomic():
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            if request.method == "GET" and object_id is not None and answer.status_code == 200:
                self._note(request, f"{self.opts.label_lower}:{unquote(object_id)}", "page")
        return answer

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with transaction.atomic():
            answer = super().changelist_view(request, extra_context)
            if request.method == "GET" and answer.status_code == 200:
                self._note(request, self.opts.label_lower, "list")
        return answer

    def _note(self, request: HttpRequest, subject: str, what: str) -> None:
        reading.note(actor=f"account:{request.user.pk}", subject=subject[:255], what=what, reason="duty")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyModelAdmin):
    list_display = ["id", "when", "kind", "actor", "subject", "leaf"]
    list_filter = ["kind"]
    search_fields = ["actor", "subject"]
    list_select_related = ["sealed"]
    show_full_result_count = False  # counting a long record takes long

    @admin.display(description=_("time"), ordering="at")
    def when(self, event: AuditEvent) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(event.at, tz=datetime.UTC)

    @admin.display(description=_("leaf"), empty_value="—")
    def leaf(self, event: AuditEvent) -> int | None:
        sealed = getattr(event, "sealed", None)
        return sealed.index if sealed else None


@admin.register(TreeHead)
class TreeHeadAdmin(ReadOnlyModelAdmin):
    list_display = ["size", "root_hex", "when"]

    @admin.display(description=_("root"))
    def root_hex(self, head: TreeHead) -> str:
        return bytes(head.root).hex()

    @admin.display(description=_("time"), ordering="at")
    def when(self, head: TreeHead) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(head.at, tz=datetime.UTC)


def _record(request: HttpRequest, obj: models.Model, what: str, fields: list[str]) -> None:
    events.record(
        kind=f"admin.{what}",
        actor=f"account:{request.user.pk}",
        subject=f"{obj._meta.label_lower}:{obj.pk}",
        data={"fields": sorted(fields)},
    )

"""The audit in the admin site, and the admin class by which every room's changes are audited."""

import datetime
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from idp.audit import events, looking
from idp.audit.looking import Look
from idp.audit.models import AuditEvent, TreeHead
from idp.audit.reading import Shown


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
    """For pages that show personal data: each asks for a reason first, and a look is an event (`idp.audit.looking`)."""

    shows: tuple[Shown, ...] = ()  # what kinds of data

    def people_of(self, rows: Sequence[Any]) -> list[str]:
        """Everybody whose data ``rows`` are, as "traveller:ID" or "document:ID"."""
        return []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with transaction.atomic():
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            if object_id is None:
                return answer
            return self._looked(request, answer, object_id, "page", self._fields(request, object_id))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with transaction.atomic():
            answer = super().history_view(request, object_id, extra_context)
            return self._looked(request, answer, object_id, "history", ())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with transaction.atomic():
            answer = super().changelist_view(request, extra_context)
            context = getattr(answer, "context_data", None) or {}
            rows = list(context["cl"].result_list) if "cl" in context else self._chosen(request)
            columns = [str(name) for name in self.get_list_display(request)]
            look = Look(self.opts.label_lower, "list", self.shows, columns, self.people_of(rows))
            return self._instead(request, answer, look)

    def _looked(
        self, request: HttpRequest, answer: HttpResponse, object_id: str, what: str, fields: Sequence[str]
    ) -> HttpResponse:
        key = unquote(object_id)
        rows = list(self.model._default_manager.filter(pk=key)) if answer.status_code == 200 else []
        look = Look(f"{self.opts.label_lower}:{key}"[:255], what, self.shows, fields, self.people_of(rows))
        return self._instead(request, answer, look)

    def _instead(self, request: HttpRequest, answer: HttpResponse, look: Look) -> HttpResponse:
        """``answer`` shows nothing yet: it is rendered behind this."""
        if answer.status_code != 200:
            return answer
        return cast(HttpResponse, looking.shown(request, look, lambda: answer))

    def _fields(self, request: HttpRequest, object_id: str) -> list[str]:
        inlines = [f"{inline.model._meta.model_name}.{name}" for inline in self.inlines for name in inline.fields or ()]
        return [*map(str, flatten_fieldsets(self.get_fieldsets(request))), *inlines]

    def _chosen(self, request: HttpRequest) -> list[Any]:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        return list(self.model._default_manager.filter(pk__in=chosen)) if chosen else []


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyModelAdmin):
    """Leads to the pages that search by key and prove: those of the office, which know the signed heads."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:audit_search")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        readable = request.method == "GET" and self.has_view_permission(request)
        if not readable or not (object_id or "").isdecimal():
            raise PermissionDenied
        return redirect("admin:audit_event", int(object_id or 0))


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

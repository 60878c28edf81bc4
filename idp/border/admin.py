"""The border in the admin site: checkpoints and lanes, tokens to revoke, crossings and alerts to read."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from idp import clock
from idp.border import checkpoints, forms, revocation
from idp.border.models import (
    Checkpoint,
    CrossingReceipt,
    DuplicateAlert,
    IssuedToken,
    JournalEntry,
    Lane,
    OutgoingReceipt,
    WatchlistEntry,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that officers read and never edit."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LaneInline(admin.TabularInline):
    """The lanes of a checkpoint, as they reported themselves."""

    model = Lane
    fields = readonly_fields = ("name", "direction", "enrolled_at", "last_seen", "bundle_serial", "revoked_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):
    """Registering goes through `checkpoints.register`; afterwards policy and opening hours may change."""

    list_display = ("code", "entity_id", "neighbour", "directions", "active")
    inlines = [LaneInline]
    form = forms.CheckpointForm

    def get_form(self, request: HttpRequest, obj: Checkpoint | None = None, **kwargs: Any) -> Any:
        return forms.NewCheckpointForm if obj is None else super().get_form(request, obj, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Checkpoint | None) -> list[Any]:
        return self.inlines if obj is not None else []

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        if change:
            return super().save_form(request, form, change)
        form.instance = checkpoints.register(
            **form.registration(), officer=f"officer:{request.user.pk}", now=clock.now()
        )
        return form.instance

    def save_model(self, request: HttpRequest, obj: Checkpoint, form: Any, change: bool) -> None:
        if change:
            checkpoints.configure(checkpoint=obj, changed=form.changed_data, officer=f"officer:{request.user.pk}")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Lane)
class LaneAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "direction", "enrolled_at", "last_seen", "bundle_serial", "revoked_at")
    actions = ["revoke_lanes"]

    @admin.action(description=_("Revoke the selected lanes"))
    def revoke_lanes(self, request: HttpRequest, queryset: QuerySet[Lane]) -> None:
        for lane in queryset:
            checkpoints.revoke_lane(lane=lane, officer=f"officer:{request.user.pk}", now=clock.now())


@admin.register(IssuedToken)
class IssuedTokenAdmin(ReadOnlyAdmin):
    list_display = ("jti", "checkpoint", "direction", "form", "issued_at", "expires_at", "revoked_at")
    list_filter = ("direction", "form", "checkpoint")
    search_fields = ("jti",)
    actions = ["revoke_tokens"]

    @admin.action(description=_("Revoke the selected border tokens"))
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[IssuedToken]) -> HttpResponse | None:
        count = revocation.revoke(tokens=queryset, actor=f"officer:{request.user.pk}", now=clock.now())
        text = ngettext("%d border token was revoked.", "%d border tokens were revoked.", count) % count
        self.message_user(request, text, messages.SUCCESS)
        return None


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("seq", "lane", "at", "direction", "decision", "reason", "issuer", "jti")
    list_filter = ("decision", "direction", "reason")
    search_fields = ("jti",)


@admin.register(CrossingReceipt)
class CrossingReceiptAdmin(ReadOnlyAdmin):
    list_display = ("token_jti", "sender", "checkpoint", "direction", "at")
    search_fields = ("token_jti",)


@admin.register(DuplicateAlert, OutgoingReceipt, WatchlistEntry)
class RecordAdmin(ReadOnlyAdmin):
    pass

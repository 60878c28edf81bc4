"""The border in the admin site: checkpoints and lanes, tokens to revoke, crossings and alerts to read."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from idp import clock
from idp.audit.admin import AuditedModelAdmin, NotedReads, ReadOnlyModelAdmin
from idp.border import badge_pages, checkpoints, forms, revocation, watching
from idp.border.entries import pages as entries_pages
from idp.border.models import (
    Checkpoint,
    CrossingReceipt,
    IssuedToken,
    Lane,
    OutgoingReceipt,
    WatchlistEntry,
)
from idp.border.records import pages
from idp.border.rules import pages as rule_pages

__all__ = ["badge_pages", "entries_pages", "pages", "rule_pages"]  # each registers what it shows


class LaneInline(admin.TabularInline):
    """The lanes of a checkpoint, as they reported themselves."""

    model = Lane
    fields = readonly_fields = ("name", "direction", "enrolled_at", "last_seen", "bundle_serial", "revoked_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Checkpoint)
class CheckpointAdmin(AuditedModelAdmin):
    """Registering goes through `checkpoints.register`; afterwards policy, opening hours and activity may change."""

    list_display = ("code", "entity_id", "neighbour", "directions", "active")
    inlines = (LaneInline,)
    form = forms.CheckpointForm

    def get_form(self, request: HttpRequest, obj: Checkpoint | None = None, **kwargs: Any) -> Any:
        return forms.NewCheckpointForm if obj is None else super().get_form(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Checkpoint | None = None) -> Any:
        fields = list(forms.NewCheckpointForm.base_fields) if obj is None else self.form.Meta.fields
        return [(None, {"fields": fields})]

    def get_inlines(self, request: HttpRequest, obj: Checkpoint | None) -> Any:
        return self.inlines if obj is not None else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Checkpoint, form: Any, change: bool) -> None:
        """The domain does it, with an audit event of its own."""
        officer, now = _officer(request), clock.now()
        if change:
            checkpoints.configure(checkpoint=obj, changed=form.changed_data, officer=officer, now=now)
            return
        made = checkpoints.register(**form.registration(), officer=officer, now=now)
        obj.pk, obj.hosted = made.pk, made.hosted


@admin.register(Lane)
class LaneAdmin(ReadOnlyModelAdmin):
    list_display = ("__str__", "direction", "enrolled_at", "last_seen", "bundle_serial", "revoked_at")
    list_select_related = ("checkpoint",)
    exclude = ("code_hash",)
    actions = ("revoke_lanes",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_lane"))

    @admin.action(description=_("Revoke the selected lanes"), permissions=["revoke"])
    def revoke_lanes(self, request: HttpRequest, queryset: QuerySet[Lane]) -> None:
        for lane in queryset.select_related("checkpoint__hosted"):
            checkpoints.revoke_lane(lane=lane, officer=_officer(request), now=clock.now())


@admin.register(IssuedToken)
class IssuedTokenAdmin(NotedReads, ReadOnlyModelAdmin):
    list_display = (
        "jti",
        "checkpoint",
        "direction",
        "issued_at",
        "expires_at",
        "revoked_at",
        "revoked_for",
        "suspended_at",
    )
    list_filter = ("direction", "form", "checkpoint")
    # Whatever an officer may want to take tokens back by, as it is written in a row.
    search_fields = ("=jti", "=traveller__id", "=document__id", "=endorsement__id", "=device_jkt", "=authority")
    actions = ("revoke_tokens", "suspend_tokens", "reinstate_tokens")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_issuedtoken"))

    @admin.action(description=_("Revoke the selected border tokens"), permissions=["revoke"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[IssuedToken]) -> None:
        tokens = IssuedToken.objects.filter(pk__in=queryset.values("pk"))
        count = revocation.revoke(tokens=tokens, actor=_officer(request), now=clock.now())
        text = ngettext("%d border token was revoked.", "%d border tokens were revoked.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Suspend the selected border tokens"), permissions=["revoke"])
    def suspend_tokens(self, request: HttpRequest, queryset: QuerySet[IssuedToken]) -> None:
        tokens = IssuedToken.objects.filter(pk__in=queryset.values("pk"))
        try:
            count = revocation.suspend(tokens=tokens, actor=_officer(request), now=clock.now())
        except revocation.UnableToRevoke:
            self.message_user(request, _("The status list of a token cannot say that it is suspended."), messages.ERROR)
            return
        text = ngettext("%d border token was suspended.", "%d border tokens were suspended.", count) % count
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Reinstate the selected border tokens"), permissions=["revoke"])
    def reinstate_tokens(self, request: HttpRequest, queryset: QuerySet[IssuedToken]) -> None:
        tokens = IssuedToken.objects.filter(pk__in=queryset.values("pk"))
        count = revocation.reinstate(tokens=tokens, actor=_officer(request), now=clock.now())
        text = ngettext("%d border token is good again.", "%d border tokens are good again.", count) % count
        self.message_user(request, text, messages.SUCCESS)


@admin.register(CrossingReceipt)
class CrossingReceiptAdmin(ReadOnlyModelAdmin):
    list_display = ("token_jti", "sender", "checkpoint", "direction", "at")
    search_fields = ("token_jti",)


@admin.register(OutgoingReceipt)
class OutgoingReceiptAdmin(ReadOnlyModelAdmin):
    list_display = ("token_jti", "recipient", "direction", "at", "attempts", "delivered_at")
    exclude = ("subject",)
    search_fields = ("token_jti",)


@admin.register(WatchlistEntry)
class WatchlistEntryAdmin(AuditedModelAdmin):
    """Numbers are put on the list here and come off by ``manage.py border unwatch``; none is ever shown."""

    list_display = ("__str__", "added_at", "added_by")
    form = forms.WatchForm

    def has_change_permission(self, request: HttpRequest, obj: WatchlistEntry | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: WatchlistEntry, form: Any, change: bool) -> None:
        number = form.cleaned_data["document_number"]
        made = watching.watch(document_number=number, officer=_officer(request), now=clock.now())
        obj.pk, obj.number_hash = made.pk, made.number_hash


def _officer(request: HttpRequest) -> str:
    return f"account:{request.user.pk}"

"""The border in the admin site: checkpoints and lanes, tokens to revoke, crossings and alerts to read."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from idp import clock
from idp.audit.admin import AuditedModelAdmin, NotedReads, ReadOnlyModelAdmin
from idp.audit.admin_actions import confirmed
from idp.audit.reading import Shown
from idp.border import badge_pages, checkpoints, forms, lane_watch_pages, revocation, wallet_pages, watching
from idp.border.configuring import lane_pages
from idp.border.configuring import pages as place_pages
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

__all__ = [
    "badge_pages",
    "entries_pages",
    "lane_pages",
    "lane_watch_pages",
    "pages",
    "place_pages",
    "rule_pages",
    "wallet_pages",
]  # each registers what it shows


class LaneInline(admin.TabularInline):
    """The lanes of a checkpoint, as they reported themselves."""

    template = "admin/rows.html"
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
    """Registering goes through `checkpoints.register`. What may change later is proposed at `place_pages`."""

    list_display = ("code", "entity_id", "neighbour", "directions", "active")
    inlines = (LaneInline,)
    form = forms.NewCheckpointForm
    seen = ("code", "name", "neighbour", "directions", "policy", "opening", "active", "settings")

    def has_change_permission(self, request: HttpRequest, obj: Checkpoint | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Checkpoint | None = None) -> Any:
        return [(None, {"fields": list(self.form.base_fields) if obj is None else self.seen})]

    def get_readonly_fields(self, request: HttpRequest, obj: Checkpoint | None = None) -> Any:
        return () if obj is None else self.seen

    def get_inlines(self, request: HttpRequest, obj: Checkpoint | None) -> Any:
        return self.inlines if obj is not None else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Checkpoint, form: Any, change: bool) -> None:
        """The domain does it, with an audit event of its own."""
        made = checkpoints.register(**form.registration(), officer=_officer(request), now=clock.now())
        obj.pk, obj.hosted = made.pk, made.hosted

    @admin.display(description=_("change it"))
    def settings(self, checkpoint: Checkpoint) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:border-place", args=[checkpoint.code]), checkpoint)


@admin.register(Lane)
class LaneAdmin(ReadOnlyModelAdmin):
    list_display = ("__str__", "direction", "enrolled_at", "last_seen", "bundle_serial", "revoked_at")
    list_select_related = ("checkpoint",)
    exclude = ("code_hash",)
    actions = (
        confirmed(
            *("revoke_lanes", _("Revoke the selected lanes"), lane_pages.REVOKED),
            lambda lane, officer: checkpoints.revoke_lane(lane=lane, officer=officer, now=clock.now()),
            permission="revoke",
            refused=checkpoints.UnableToEnrolLane,
        ),
    )

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_lane"))


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
    shows = (Shown.TOKENS,)

    def people_of(self, rows: Sequence[IssuedToken]) -> list[str]:
        return [f"traveller:{row.traveller_id}" for row in rows]

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
    list_filter = (("delivered_at", admin.EmptyFieldListFilter),)
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

"""What the federation room keeps besides peers, for officers to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import officer_of
from idp.federation import witnessing
from idp.federation.columns import when
from idp.federation.models import (
    HostedEntity,
    IssuedMark,
    MarkType,
    SignedHead,
    SigningKey,
    StatusList,
    Subordinate,
    WitnessedHead,
)


@admin.register(MarkType)
class MarkTypeAdmin(ReadOnlyModelAdmin):
    list_display = ("mark_type", "description", "owner_entity_id", "issuers", "lifetime")


@admin.register(IssuedMark)
class IssuedMarkAdmin(ReadOnlyModelAdmin):
    list_display = ("subject", "mark_type", "issued", "revoked")
    list_filter = ("mark_type",)
    search_fields = ("subject",)
    fields = ("subject", "mark_type", "issued", "revoked")

    issued = when("issued_at", _("given"))
    revoked = when("revoked_at", _("revoked"))


@admin.register(Subordinate)
class SubordinateAdmin(ReadOnlyModelAdmin):
    list_display = ("entity_id", "entity_types", "registered", "ended")

    registered = when("registered_at", _("registered"))
    ended = when("ended_at", _("ended"))


@admin.register(HostedEntity)
class HostedEntityAdmin(ReadOnlyModelAdmin):
    list_display = ("entity_id", "path")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyModelAdmin):
    list_display = ("kid", "use", "owner", "algorithm", "state", "made", "began", "retired", "withdrawn")
    list_filter = ("use", "state")

    made = when("made_at", _("made"))
    began = when("activated_at", _("signs since"))
    withdrawn = when("withdrawn_at", _("withdrawn early"))
    retired = when("retired_at", _("stopped signing"))


@admin.register(SignedHead)
class SignedHeadAdmin(ReadOnlyModelAdmin):
    list_display = ("size", "signed")

    signed = when("at", _("signed"))


@admin.register(WitnessedHead)
class WitnessedHeadAdmin(ReadOnlyModelAdmin):
    """What contradicts stays as evidence; an officer who has looked into it says so."""

    list_display = ("authority", "size", "seen", "contradicts", "why", "resolved")
    list_filter = ("contradicts", "authority")
    actions = ("resolve_contradictions",)

    seen = when("seen_at", _("seen"))
    resolved = when("resolved_at", _("resolved"))

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("federation.change_witnessedhead"))

    @admin.action(description=_("Mark the selected contradictions as resolved"), permissions=["resolve"])
    def resolve_contradictions(self, request: HttpRequest, queryset: QuerySet[WitnessedHead]) -> None:
        for row in queryset:
            witnessing.resolve(row, officer=officer_of(request), now=clock.now())


@admin.register(StatusList)
class StatusListAdmin(ReadOnlyModelAdmin):
    list_display = ("name", "begun", "part", "size", "bits", "version", "lasts")
    exclude = ("text", "cwt")

    begun = when("hour", _("hour"))
    lasts = when("last_expiry", _("last expiry"))

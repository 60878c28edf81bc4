"""Confirmed crossings and what does not add up, in the admin site."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.audit.admin import ReadOnlyModelAdmin
from idp.border.entries import discrepancies
from idp.border.models import ConfirmedCrossing, Discrepancy
from idp.protocol.travel_rules import HONG_KONG


@admin.register(ConfirmedCrossing)
class ConfirmedCrossingAdmin(ReadOnlyModelAdmin):
    """What became of an endorsement's entries; who travelled stands with the token."""

    list_display = ("token", "direction", "territory", "authority", "when", "use")
    list_filter = ("use", "direction", "territory")
    list_select_related = ("token",)
    search_fields = ("token__jti",)
    fields = ("token", "direction", "territory", "authority", "when", "use", "exit")
    show_full_result_count = False  # counting a long record takes long

    @admin.display(description=_("time"), ordering="at")
    def when(self, crossing: ConfirmedCrossing) -> datetime:
        return _time(crossing.at)


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyModelAdmin):
    list_display = ("kind", "jti", "direction", "checkpoint", "when", "authority", "resolved_at")
    list_filter = ("kind", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("jti",)
    actions = ("resolve_discrepancies",)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_discrepancy"))

    @admin.action(description=_("Mark the selected alerts as resolved"), permissions=["resolve"])
    def resolve_discrepancies(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> None:
        for discrepancy in queryset:
            discrepancies.resolve(discrepancy=discrepancy, officer=f"account:{request.user.pk}", now=clock.now())

    @admin.display(description=_("time"), ordering="at")
    def when(self, discrepancy: Discrepancy) -> datetime:
        return _time(discrepancy.at)


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(min(at, 253_402_214_400), HONG_KONG)  # the year 9999: a clock says what it likes

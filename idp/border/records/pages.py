"""The journals and the tokens that passed twice, in the admin site."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.audit import looking
from idp.audit.admin import NotedReads, ReadOnlyModelAdmin
from idp.audit.looking import Look
from idp.audit.reading import Shown
from idp.border import paging, recording
from idp.border.models import DIRECTIONS, Checkpoint, DuplicateAlert, JournalEntry, Lane
from idp.border.records import reading
from idp.border.records.months import ZONE
from idp.protocol import journal
from idp.protocol.refusals import Refusal

_ANY = [("", "—")]
_HEADINGS = (_("time"), _("lane"), "seq", _("direction"), _("decision"), _("reason"), _("issuer"), "jti", _("subject"))


class CrossingsForm(forms.Form):
    """What is to be read; times are those of the checkpoints."""

    since = forms.DateTimeField(label=_("since"), required=False)
    until = forms.DateTimeField(label=_("before"), required=False)
    checkpoint = forms.SlugField(label=_("checkpoint"), required=False, max_length=20)
    lane = forms.SlugField(label=_("lane"), required=False, max_length=20)
    direction = forms.ChoiceField(label=_("direction"), required=False, choices=[*_ANY, *DIRECTIONS])
    decision = forms.ChoiceField(
        label=_("decision"), required=False, choices=[*_ANY, *((word, word) for word in journal.DECISIONS)]
    )
    reason = forms.CharField(label=_("reason"), required=False, max_length=32)
    jti = forms.CharField(label="jti", required=False, max_length=128)
    subject = forms.CharField(label=_("subject"), required=False, max_length=128)

    def clean_checkpoint(self) -> str:
        return self._known(Checkpoint.objects.all(), "code", "checkpoint")

    def clean_lane(self) -> str:
        lanes = Lane.objects.filter(checkpoint__code=self.cleaned_data.get("checkpoint", ""))
        return self._known(lanes, "name", "lane")

    def wanted(self) -> reading.Wanted:
        """What the officer asked for."""
        bounds = {name: self.cleaned_data[name] for name in ("since", "until")}
        return reading.Wanted(
            **{**self.cleaned_data, **{name: at and int(at.timestamp()) for name, at in bounds.items()}}
        )

    def _known(self, rows: QuerySet[Any], column: str, field: str) -> str:
        name: str = self.cleaned_data[field]
        if name and not rows.filter(**{column: name}).exists():
            raise forms.ValidationError(_("There is no such place."))
        return name


@admin.register(JournalEntry)
class JournalEntryAdmin(NotedReads, ReadOnlyModelAdmin):
    """The list is `records.reading`'s, a page at a time: Django's counts what it does not show."""

    shows = (Shown.CROSSINGS,)

    def people_of(self, rows: Sequence[JournalEntry]) -> list[str]:
        return reading.travellers(rows)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = CrossingsForm(request.GET)
        with transaction.atomic():
            page = self._page(form, request.GET.get("after", ""))
            columns = ("jti", "subject", "at", "lane", "direction", "decision")
            look = Look(self.opts.label_lower, "list", self.shows, columns, reading.travellers(page.rows))
            return cast(HttpResponse, looking.shown(request, look, lambda: self._shown(request, form, page)))

    def _shown(self, request: HttpRequest, form: CrossingsForm, page: paging.Page) -> HttpResponse:
        older = {**request.GET.dict(), "after": page.after} if page.after else {}
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name_plural,
            "opts": self.opts,
            "form": form,
            "headings": _HEADINGS,
            "rows": [(entry, _time(entry.at)) for entry in page.rows],
            "older": urlencode(older),
        }
        return TemplateResponse(request, "border/crossings.html", context)

    def _page(self, form: CrossingsForm, after: str) -> paging.Page:
        if not form.is_valid():
            return paging.Page([], None)
        rows = reading.entries(form.wanted(), now=clock.now())
        try:
            return paging.page(rows, order=reading.ORDER, after=after, limit=paging.LIMIT)
        except Refusal as refusal:
            raise SuspiciousOperation("a cursor that is none of ours") from refusal


@admin.register(DuplicateAlert)
class DuplicateAlertAdmin(ReadOnlyModelAdmin):
    """Both passings of a token, where and when; the link leads to the entries."""

    list_display = ("__str__", "issuer", "first", "second", "raised_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    list_select_related = ("first_lane__checkpoint", "second_lane__checkpoint")
    actions = ("resolve_alerts",)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_duplicatealert"))

    @admin.action(description=_("Mark the selected alerts as resolved"), permissions=["resolve"])
    def resolve_alerts(self, request: HttpRequest, queryset: QuerySet[DuplicateAlert]) -> None:
        for alert in queryset:
            recording.resolve(alert=alert, officer=f"account:{request.user.pk}", now=clock.now())

    @admin.display(description=_("first passing"))
    def first(self, alert: DuplicateAlert) -> str:
        return _passing(alert.jti, alert.first_lane, alert.first_seq, alert.first_at)

    @admin.display(description=_("second passing"))
    def second(self, alert: DuplicateAlert) -> str:
        return _passing(alert.jti, alert.second_lane, alert.second_seq, alert.second_at)


def _passing(jti: str, lane: Lane, seq: int, at: int) -> str:
    time = _time(at)
    if time is None:
        return f"{lane} {seq}"
    query = urlencode({"jti": jti, "since": f"{time:%Y-%m-%d}", "until": f"{_time(at + reading.DAY):%Y-%m-%d}"})
    url = f"{reverse('admin:border_journalentry_changelist')}?{query}"
    return format_html('<a href="{}">{} {}, {}</a>', url, lane, seq, f"{time:%Y-%m-%d %H:%M:%S}")


def _time(at: int) -> datetime | None:
    """None for what no calendar has: a lane's clock says what it likes."""
    try:
        return datetime.fromtimestamp(at, ZONE)
    except (OverflowError, ValueError):
        return None

"""Badges in the admin site: an officer takes one for the shift, sees it once, and takes it back."""

import io
from typing import Any

import segno
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.audit.admin import AuditedModelAdmin
from idp.border import badges
from idp.border.models import OfficerBadge
from idp.protocol.officer_badge import MAX_LIFE


class BadgeForm(forms.ModelForm):
    """Where, and for how long."""

    hours = forms.IntegerField(label=_("Hours"), min_value=1, max_value=MAX_LIFE // 3600, initial=8)

    class Meta:
        model = OfficerBadge
        fields = ["checkpoint"]


@admin.register(OfficerBadge)
class OfficerBadgeAdmin(AuditedModelAdmin):
    """Each officer takes their own: nobody is given another's."""

    list_display = ("officer", "checkpoint", "issued_at", "expires_at", "revoked_at")
    list_select_related = ("checkpoint",)
    list_filter = ("checkpoint",)
    form = BadgeForm
    actions = ("take_back",)

    def has_change_permission(self, request: HttpRequest, obj: OfficerBadge | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("border.change_officerbadge"))

    def save_model(self, request: HttpRequest, obj: OfficerBadge, form: Any, change: bool) -> None:
        """The domain does it; the text goes to the page and nowhere else."""
        made, text = badges.issue(
            checkpoint=form.cleaned_data["checkpoint"],
            officer=f"account:{request.user.pk}",
            hours=form.cleaned_data["hours"],
            now=clock.now(),
        )
        obj.__dict__.update(made.__dict__)
        request.badge_text = text  # type: ignore[attr-defined]  # for `response_add` of this one request

    def response_add(
        self, request: HttpRequest, obj: OfficerBadge, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The badge, once: as a code and as text."""
        text: str = request.badge_text  # type: ignore[attr-defined]
        out = io.BytesIO()
        code = segno.make_qr(text, error="l", boost_error=False)  # on a screen: nothing gets scratched
        code.save(out, kind="svg", xmldecl=False, svgns=True, scale=4, light="#fff", dark="#000")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Badge"),
            "badge": obj,
            "text": text,
            "code": out.getvalue().decode(),
        }
        answer = TemplateResponse(request, "border/badge.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    @admin.action(description=_("Take the selected badges back"), permissions=["revoke"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[OfficerBadge]) -> None:
        for badge in queryset:
            badges.revoke(badge=badge, actor=f"account:{request.user.pk}", now=clock.now())

"""Verification of the record: asked for here, run by a worker; and what peers have witnessed."""

import logging
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from idp import admin as site
from idp import clock
from idp.audit import tree, verifying
from idp.audit.admin_actions import officer_of
from idp.audit.models import Verification
from idp.audit.tasks import verify
from idp.federation import tree_heads
from idp.federation.columns import shown
from idp.federation.models import HeldHead, WitnessedHead
from idp.office.auditing.pages import SEE

log = logging.getLogger(__name__)
SHOWN = 20
REFRESH = 5  # seconds, while one runs
_TITLE = _("Verify the audit")


class RangeForm(forms.Form):
    """From which leaf to which; nothing: everything."""

    first = forms.IntegerField(label=_("From leaf"), min_value=0, required=False)
    last = forms.IntegerField(label=_("Up to leaf"), min_value=0, required=False)

    def bounds(self) -> dict[str, Any]:
        """As `verifying.ask` takes them: the last leaf is in the range."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        if first is None and last is None:
            return {}
        return {"first": first or 0, "last": tree.size() if last is None else last + 1}


@site.page("audit/verifications/", name="audit_verify", title=_TITLE, section="audit", permission=SEE)
@require_http_methods(["GET", "POST"])
def verifications(request: HttpRequest) -> HttpResponseBase:
    """What was found by whom, and the form that asks for another."""
    form = RangeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _asked(request, form):
        return redirect("admin:audit_verify")
    rows = list(Verification.objects.order_by("-pk")[:SHOWN])
    head = tree_heads.newest()
    context = {
        "form": form,
        "rows": [_row(row) for row in rows],
        "refresh": REFRESH if any(row.finished_at is None for row in rows) else 0,
        "size": tree.size(),
        "head": head,
        "head_at": shown(head.at if head else None),
        "held": [(row, shown(row.at), shown(row.told_at)) for row in HeldHead.objects.order_by("holder")],
        "witnessed": _witnessed(),
    }
    return site.rendered(request, "office/audit/verify.html", title=_TITLE, **context)


def _asked(request: HttpRequest, form: RangeForm) -> bool:
    try:
        row = verifying.ask(officer=officer_of(request), now=clock.now(), **form.bounds())
    except verifying.UnableToVerify:
        form.add_error(None, _("One waits already, or the record has no such leaves."))
        return False
    try:
        verify.delay(row.pk)
    except Exception:
        log.warning("verification %d waits for the hourly task", row.pk)
    messages.success(request, _("A worker computes it now."))
    return True


def _row(row: Verification) -> dict[str, Any]:
    percent = 100 if row.finished_at else row.done * 100 // max(1, row.total)
    return {"row": row, "asked": shown(row.asked_at), "finished": shown(row.finished_at), "percent": percent}


def _witnessed() -> list[dict[str, Any]]:
    """Of each peer: the newest head that we hold it to, and whether it ever contradicted itself."""
    found = WitnessedHead.objects.filter(contradicts=False).values("authority")
    newest = found.annotate(size=Max("size"), at=Max("at"), seen=Max("seen_at")).order_by("authority")
    bad = set(WitnessedHead.objects.filter(contradicts=True).values_list("authority", flat=True))
    return [
        {**row, "at": shown(row["at"]), "seen": shown(row["seen"]), "bad": row["authority"] in bad} for row in newest
    ]

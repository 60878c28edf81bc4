"""Lanes in the admin site: one is enrolled, and one is revoked. What an enrolment holds is in its answer alone."""

import base64
import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.border import checkpoints
from idp.border.configuring import forms
from idp.border.models import Checkpoint, Lane

REVOKED = _("It gets no bundle and no list of revocations any more, and what it writes down is refused.")


@site.page(
    "border/places/<slug:code>/enrol/",
    name="border-lane-enrol",
    title=_("Enrol a lane"),
    section="border",
    permission="border.add_lane",
    listed=False,
)
@never_cache
def enrol(request: HttpRequest, code: str) -> HttpResponse:
    """Name the lane; the answer holds its file, for the only time."""
    checkpoint = get_object_or_404(Checkpoint.objects.select_related("hosted"), code=code)
    sent = request.POST if request.method == "POST" else None
    initial = {"name": request.GET.get("name", ""), "direction": request.GET.get("direction", "")}
    form = forms.LaneForm(sent, checkpoint=checkpoint, initial=initial)
    if sent is not None and form.is_valid():
        try:
            invitation = checkpoints.invite_lane(
                checkpoint=checkpoint, **form.cleaned_data, officer=officer_of(request), now=clock.now()
            )
        except checkpoints.UnableToEnrolLane as error:
            form.add_error("name", str(error))
        else:
            text = json.dumps(invitation, ensure_ascii=False, indent=1)
            context = {"checkpoint": checkpoint, "lane": form.cleaned_data["name"], "text": text}
            context["link"] = f"data:application/json;base64,{base64.b64encode(text.encode()).decode()}"
            return site.rendered(request, "border/enrolment.html", title=_("Enrolment file"), **context)
    context = {"checkpoint": checkpoint, "form": form, "act": _("Make the enrolment file")}
    context["lines"] = [
        _("A file is made with a code that is good once, within 24 hours, and shown once."),
        _("A code that was made for this lane before and not used is good no more."),
        _("A lane that was enrolled is never enrolled again: revoke it and give the new machine another name."),
    ]
    return site.rendered(request, "border/ask.html", title=_("Enrol a lane"), **context)


@site.page(
    "border/lanes/<int:pk>/revoke/",
    name="border-lane-revoke",
    title=_("Revoke a lane"),
    section="border",
    permission="border.change_lane",
    listed=False,
)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then do it: for a gate that is stolen, broken or replaced."""
    lane = get_object_or_404(Lane.objects.select_related("checkpoint__hosted"), pk=pk)
    form = forms.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        checkpoints.revoke_lane(lane=lane, officer=officer_of(request), why=form.cleaned_data["why"], now=clock.now())
        messages.success(request, _("%s is revoked.") % lane)
        return redirect("admin:border-place", lane.checkpoint.code)
    context = {"checkpoint": lane.checkpoint, "lane": lane, "form": form, "act": _("Revoke it now")}
    context["lines"] = [
        REVOKED,
        _("If it is cut off it decides on until its last bundle is too old: somebody must go there and switch it off."),
        _("It cannot be taken back. Another machine is enrolled under another name."),
    ]
    return site.rendered(request, "border/ask.html", title=_("Revoke a lane"), **context)

"""Checkpoints in the admin site: their settings in words, a change proposed, one closed at once."""

from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.border.configuring import changing, forms, words
from idp.border.models import Checkpoint
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose

SECTION = "border"


@site.page(
    "border/places/",
    name="border-places",
    title=_("Checkpoints and lanes"),
    section=SECTION,
    permission="border.view_checkpoint",
)
def every(request: HttpRequest) -> HttpResponse:
    """All checkpoints with their lanes."""
    rows = Checkpoint.objects.select_related("hosted").prefetch_related("lanes").order_by("code")
    return site.rendered(
        request, "border/places.html", title=_("Checkpoints and lanes"), rows=rows, waiting=_waiting(), now=clock.now()
    )


@site.page(
    "border/places/<slug:code>/",
    name="border-place",
    title=_("Checkpoint"),
    section=SECTION,
    permission="border.view_checkpoint",
    listed=False,
)
def one(request: HttpRequest, code: str) -> HttpResponse:
    """One checkpoint: what its gates are told, its lanes, what waits for a decision."""
    checkpoint = _checkpoint(code)
    waiting = _proposed().filter(subject=checkpoint.entity_id)
    return site.rendered(
        request,
        "border/place.html",
        title=checkpoint.code,
        checkpoint=checkpoint,
        settings=words.of(checkpoint).values(),
        lanes=checkpoint.lanes.order_by("revoked_at", "name"),
        proposals=waiting,
        now=clock.now(),
    )


@site.page(
    "border/places/<slug:code>/change/",
    name="border-place-change",
    title=_("Propose a change"),
    section=SECTION,
    permission="border.change_checkpoint",
    listed=False,
)
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Write a change, see what it comes to, propose it to another officer."""
    checkpoint = _checkpoint(code)
    as_json = request.GET.get("as") == "json"
    form, periods = _forms(request, checkpoint, as_json=as_json)
    lines: list[str] = []
    if request.method == "POST" and _valid(form, periods):
        after = {**form.after(), **_opening(periods)}
        try:
            if request.POST.get("propose") == "yes":
                return _propose(request, checkpoint, after, form.cleaned_data["why"])
            lines = _looked_at(checkpoint, after)
        except (Unacceptable, UnableToPropose) as error:
            form.add_error(None, str(error))
    context = {"checkpoint": checkpoint, "form": form, "periods": periods, "lines": lines, "as_json": as_json}
    return site.rendered(request, "border/change_place.html", title=_("Propose a change"), **context)


@site.page(
    "border/places/<slug:code>/close/",
    name="border-place-close",
    title=_("Close at once"),
    section=SECTION,
    permission="border.change_checkpoint",
    listed=False,
)
def close(request: HttpRequest, code: str) -> HttpResponse:
    """One officer closes it; to open it again takes two."""
    checkpoint = _checkpoint(code)
    form = forms.ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = {"why": form.cleaned_data["why"], "officer": officer_of(request), "now": clock.now()}
        try:
            changing.close(checkpoint=checkpoint, **facts)
        except Unacceptable as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is closed. Another officer reviews it, and two open it again."))
            return redirect("admin:border-place", code)
    before = changing.standing(checkpoint)
    lines = changing.lines(checkpoint, before, {**before, "active": False})
    context = {"checkpoint": checkpoint, "form": form, "lines": lines, "act": _("Close it now")}
    return site.rendered(request, "border/ask.html", title=_("Close at once"), **context)


def _checkpoint(code: str) -> Checkpoint:
    found: Checkpoint = get_object_or_404(Checkpoint.objects.select_related("hosted"), code=code)
    return found


def _proposed() -> Any:
    return Proposal.objects.filter(kind=changing.KIND, state=Proposal.State.PROPOSED)


def _waiting() -> set[str]:
    """The entity identifiers of checkpoints of which a change is proposed."""
    return set(_proposed().values_list("subject", flat=True))


def _forms(request: HttpRequest, checkpoint: Checkpoint, *, as_json: bool) -> tuple[Any, Any]:
    """The form, and the periods of the opening hours where they are not in it."""
    sent = request.POST if request.method == "POST" else None
    if as_json:
        return forms.JsonForm(sent, checkpoint=checkpoint), None
    periods = forms.Periods(sent, initial=forms.periods_of(checkpoint), prefix="opening")
    return forms.SettingsForm(sent, checkpoint=checkpoint), periods


def _valid(form: django_forms.Form, periods: Any) -> bool:
    return form.is_valid() and (periods is None or periods.is_valid())


def _opening(periods: Any) -> dict[str, Any]:
    if periods is None:
        return {}
    return {"opening": [period for period in (item.period() for item in periods) if period is not None]}


def _looked_at(checkpoint: Checkpoint, after: dict[str, Any]) -> list[str]:
    """What the change comes to; raises `Unacceptable`."""
    value = changing.payload(checkpoint, after)
    changing.CheckpointChange().check(Proposal(kind=changing.KIND, payload=value), now=clock.now())
    return changing.lines(checkpoint, value["before"], value["after"])


def _propose(request: HttpRequest, checkpoint: Checkpoint, after: dict[str, Any], why: str) -> HttpResponse:
    made = proposing.propose(
        kind=changing.KIND,
        subject=checkpoint.entity_id,
        payload=changing.payload(checkpoint, after),
        why=why,
        officer=officer_of(request),
        now=clock.now(),
    )
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)

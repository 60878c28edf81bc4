"""The page of the face thresholds: what decides and where it is from, what was measured, and an earlier one again."""

from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.biometrics import calibrating, calibration, threshold_words
from idp.biometrics.models import Calibration
from idp.federation.columns import shown
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose

MOST = 200  # rows of calibrations on the page: forty evaluations
TITLE = _("Face thresholds")


class WhyForm(forms.Form):
    """Why an earlier calibration should count again."""

    why = forms.CharField(
        label=_("why"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("Who asked for it, and what for. The audit keeps it."),
    )


@site.page(
    "faces/thresholds/",
    name="face-thresholds",
    title=TITLE,
    section="faces",
    permission="biometrics.view_calibration",
)
def every(request: HttpRequest) -> HttpResponseBase:
    """What decides now, what waits for a second officer, and every evaluation that was kept."""
    waiting = Proposal.objects.filter(kind=calibrating.KIND, state=Proposal.State.PROPOSED, expires_at__gt=clock.now())
    standing = [_standing(item) for item in threshold_words.standing()]
    return site.rendered(
        request,
        "biometrics/thresholds.html",
        title=TITLE,
        standing=standing,
        waiting=waiting.order_by("pk"),
        evaluations=_evaluations({item["row"].pk for item in standing if item["row"] is not None}),
    )


@site.page(
    "faces/thresholds/<int:number>/again/",
    name="face-thresholds-again",
    title=_("Propose that it counts again"),
    section="faces",
    permission=calibrating.PERMISSION,
    listed=False,
)
def again(request: HttpRequest, number: int) -> HttpResponseBase:
    """An earlier evaluation, as a proposal: what would change, and why."""
    row = get_object_or_404(Calibration, pk=number)
    form, wanted = WhyForm(request.POST or None), calibrating.again(row)
    lines, problem = list[str](), ""
    try:
        if request.method == "POST" and form.is_valid():
            made = calibrating.propose(**wanted, **form.cleaned_data, officer=officer_of(request), now=clock.now())
            messages.success(request, _("The change waits for another officer."))
            return redirect("admin:proposals_proposal_change", made.pk)
        lines = threshold_words.lines(calibrating.checked(_payload(wanted)))
    except (UnableToPropose, Unacceptable) as error:
        problem = str(error)
    context = {"row": row, "at": shown(row.created_at), "form": form, "lines": lines, "problem": problem}
    return site.rendered(
        request, "biometrics/thresholds_again.html", title=_("Propose that it counts again"), **context
    )


def _payload(wanted: dict[str, Any]) -> dict[str, Any]:
    facts = {"model": wanted["model"], "dataset": wanted["dataset"], "thresholds": wanted["found"]}
    return {**facts, "after": calibration.newest(wanted["model"])}


def _standing(item: threshold_words.Standing) -> dict[str, Any]:
    return {
        "item": item,
        "admit": threshold_words.score(item.at.admit),
        "refer": threshold_words.score(item.at.refer),
        "row": item.row,
        "at": shown(item.row.created_at if item.row is not None else None),
    }


def _evaluations(in_force: set[int]) -> list[dict[str, Any]]:
    """The newest first, each with its thresholds from the laxest on."""
    rows = Calibration.objects.order_by("-created_at", "model", "dataset", "pk")[:MOST]
    found = []
    for (at, model, dataset), each in groupby(rows, key=lambda row: (row.created_at, row.model, row.dataset)):
        own = list(each)
        found.append(
            {
                "model": model,
                "dataset": dataset,
                "at": shown(at),
                "first": own[0],
                "rows": [(row, threshold_words.score(row.threshold)) for row in own],
                "decides": any(row.pk in in_force for row in own),
            }
        )
    return found

"""Trust marks in the admin site: who holds one, one proposed for somebody, one taken back at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock, conf
from idp.audit.admin_actions import officer_of
from idp.federation import mark_types, marks
from idp.federation.columns import shown
from idp.federation.marks import UnableToMark
from idp.federation.models import IssuedMark, MarkType
from idp.federation.vouching import changing
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose

SECTION = "trust"
TITLE = _("Trust marks")
MOST = 500  # rows on the page; the register has them all


class GiftForm(forms.Form):
    """Which mark for whom."""

    mark_type = forms.ChoiceField(label=_("Trust mark"))
    subject = forms.ChoiceField(label=_("Holder"))
    why = forms.CharField(
        label=_("why"), max_length=500, help_text=_("Who asked for it, and what for. The audit keeps it.")
    )

    def __init__(self, *args: Any, now: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [mark_types.border_issuer(conf.authority().entity_id)]
        known += MarkType.objects.order_by("mark_type").values_list("mark_type", flat=True)
        ours = [(name, name) for name in known if marks.may_give(name, now)]
        self.fields["mark_type"].choices = ours  # type: ignore[attr-defined]
        self.fields["subject"].choices = [(name, name) for name in sorted(changing.subjects())]  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why something is done at once."""

    why = forms.CharField(
        label=_("why"), max_length=changing.MAX_WHY, help_text=_("The audit and the reviewer keep it. No names.")
    )


@site.page("trust/marks/", name="trust-marks", title=TITLE, section=SECTION, permission="federation.view_issuedmark")
def every(request: HttpRequest) -> HttpResponse:
    """The marks that are not taken back, and whether each stands now."""
    now = clock.now()
    standing = marks.standing(now)
    held = IssuedMark.objects.filter(revoked_at=None).order_by("mark_type", "subject")[:MOST]
    rows = [(mark, shown(mark.issued_at), mark.mark_type in standing.get(mark.subject, ())) for mark in held]
    new = Proposal.objects.filter(kind=changing.KIND, state=Proposal.State.PROPOSED, expires_at__gt=now)
    return site.rendered(request, "federation/marks.html", title=TITLE, rows=rows, new=new.order_by("proposed_at"))


@site.page(
    "trust/marks/give/",
    name="trust-mark-give",
    title=_("Give a trust mark"),
    section=SECTION,
    permission=changing.PERMISSION,
    listed=False,
)
def give(request: HttpRequest) -> HttpResponse:
    """See what would change, and propose it to another officer."""
    now = clock.now()
    form = GiftForm(request.POST or None, now=now)
    lines: list[str] = []
    if request.method == "POST" and form.is_valid():
        value = changing.payload(mark_type=form.cleaned_data["mark_type"], subject=form.cleaned_data["subject"])
        try:
            if request.POST.get("propose") == "yes":
                return _proposed(request, value, form.cleaned_data["why"], now=now)
            lines = list(changing.MarkGift().changes(Proposal(kind=changing.KIND, payload=value), now=now))
        except (Unacceptable, UnableToPropose) as error:
            form.add_error(None, str(error))
    context = {"form": form, "lines": lines}
    return site.rendered(request, "federation/mark.html", title=_("Give a trust mark"), **context)


@site.page(
    "trust/marks/<int:number>/take-back/",
    name="trust-mark-take-back",
    title=_("Take a trust mark back"),
    section=SECTION,
    permission=changing.PERMISSION,
    listed=False,
)
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """One officer revokes it at once; to give it again takes two."""
    mark = get_object_or_404(IssuedMark, pk=number)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = {"why": form.cleaned_data["why"], "officer": officer_of(request), "now": clock.now()}
        try:
            changing.take_back(mark=mark, **facts)
        except UnableToMark as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is taken back. Another officer reviews it, and two give it again."))
            return redirect("admin:trust-marks")
    effects = [
        _("This node says at once of this mark that it is revoked, and signs no other."),
        _("Whoever has looked before may take it for good until it runs out."),
    ]
    if mark.mark_type == mark_types.border_issuer(conf.authority().entity_id):
        effects.append(
            _("Its border tokens are refused at our gates from their next bundle on, within a minute at most.")
        )
    context = {"form": form, "mark": mark, "effects": effects}
    return site.rendered(request, "federation/mark.html", title=_("Take a trust mark back"), **context)


def _proposed(request: HttpRequest, value: dict[str, Any], why: str, *, now: int) -> HttpResponse:
    subject, officer = str(value["subject"])[:255], officer_of(request)
    made = proposing.propose(kind=changing.KIND, subject=subject, payload=value, why=why, officer=officer, now=now)
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)

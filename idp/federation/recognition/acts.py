"""What officers do to a peer that is known: each a page that shows what would change, and a proposal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.federation.recognition import executing, forms, payloads, suspending, wording
from idp.proposals import proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.proposing import UnableToPropose

SECTION = "trust"
PERMISSION = executing.PERMISSION


@dataclass(frozen=True)
class Act:
    """One sort of change. ``payload`` is made of the peer as it stands and the form; ``possible`` says when."""

    name: str  # of the page, after "trust-"
    kind: str
    title: Any
    form: type[Any]
    payload: Callable[[Peer, Mapping[str, Any]], dict[str, Any]]
    possible: Callable[[Peer], bool]
    fixed: bool = True  # what would change does not depend on the form

    @property
    def url(self) -> str:
        """The name of its page."""
        return f"admin:trust-{self.name}"


def _same(peer: Peer, data: Mapping[str, Any]) -> dict[str, Any]:
    return payloads.about(peer)


def _live(peer: Peer) -> bool:
    return peer.ended_at is None


ACTS = (
    Act(
        "accept",
        payloads.ACCEPT,
        _("Accept its recognition"),
        forms.WhyForm,
        _same,
        lambda peer: _live(peer) and peer.accepted_at is None,
    ),
    Act(
        "renew",
        payloads.RENEW,
        _("Renew"),
        forms.RenewalForm,
        lambda peer, data: payloads.about(
            peer,
            before=data["seen"],
            valid_until=data["valid_until"],
            legal_basis=data["legal_basis"],
            contract=data["contract"],
        ),
        lambda peer: _live(peer) and peer.valid_until is not None,
        fixed=False,
    ),
    Act(
        "terms",
        payloads.TERMS,
        _("Change the terms"),
        forms.TermsChangeForm,
        lambda peer, data: payloads.about(peer, before=data["seen"], terms=payloads.written(data["agreed"])),
        _live,
        fixed=False,
    ),
    Act(
        "keys",
        payloads.KEYS,
        _("Pin its new keys"),
        forms.SuccessorForm,
        lambda peer, data: payloads.about(peer, keys=payloads.thumbprints(peer.successor_jwks)),
        lambda peer: _live(peer) and peer.successor_jwks is not None,
    ),
    Act(
        "resume",
        payloads.RESUME,
        _("End the suspension"),
        forms.WhyForm,
        lambda peer, data: payloads.about(peer, suspended_at=peer.suspended_at),
        lambda peer: peer.suspended_at is not None,
    ),
    Act("end", payloads.END, _("End the recognition"), forms.WhyForm, _same, _live),
)


def proposed(request: HttpRequest, kind: str, payload: Mapping[str, Any], *, why: str, officer: str) -> HttpResponse:
    """Propose it and show the proposal. Raises `UnableToPropose`."""
    subject = str(payload["entity_id"])[:255]
    made = proposing.propose(kind=kind, subject=subject, payload=payload, why=why, officer=officer, now=clock.now())
    messages.success(request, _("The change waits for another officer."))
    return redirect("admin:proposals_proposal_change", made.pk)


def _page(act: Act) -> None:
    @site.page(
        f"trust/peers/<int:number>/{act.name}/",
        name=f"trust-{act.name}",
        title=act.title,
        section=SECTION,
        permission=PERMISSION,
        listed=False,
    )
    def view(request: HttpRequest, number: int) -> HttpResponse:
        peer = get_object_or_404(Peer, pk=number)
        form = act.form(request.POST or None, peer=peer)
        context = {"peer": peer, "form": form, "act": act, "fixed": act.fixed, "lines": []}
        try:
            if request.method == "POST" and form.is_valid():
                payload = act.payload(peer, _data(form))
                if act.fixed or request.POST.get("propose") == "yes":
                    why, officer = form.cleaned_data["why"], officer_of(request)
                    return proposed(request, act.kind, payload, why=why, officer=officer)
                context["lines"] = executing.lines(act.kind, payload, now=clock.now())
            elif act.fixed:
                context["lines"] = executing.lines(act.kind, act.payload(peer, {}), now=clock.now())
        except (Unacceptable, UnableToPropose) as error:
            context["refused"] = str(error)
        return site.rendered(request, "federation/propose.html", title=act.title, **context)


for _act in ACTS:
    _page(_act)


@site.page(
    "trust/peers/<int:number>/suspend/",
    name="trust-suspend",
    title=_("Suspend at once"),
    section=SECTION,
    permission=PERMISSION,
    listed=False,
)
def suspend(request: HttpRequest, number: int) -> HttpResponse:
    """One officer turns both switches off; to turn them on again takes two."""
    peer = get_object_or_404(Peer, pk=number)
    form = forms.SuspensionForm(request.POST or None, peer=peer)
    context: dict[str, Any] = {"peer": peer, "form": form, "lines": wording.of_suspension(peer), "at_once": True}
    if request.method == "POST" and form.is_valid():
        facts = {"why": form.cleaned_data["why"], "officer": officer_of(request), "now": clock.now()}
        try:
            suspending.suspend(peer=peer, **facts)
        except UnableToPeer as error:
            context["refused"] = str(error)
        else:
            messages.success(request, _("It is suspended. Another officer reviews it, and two lift it."))
            return redirect("admin:trust-peer", number)
    return site.rendered(request, "federation/propose.html", title=_("Suspend at once"), **context)


def _data(form: django_forms.Form) -> dict[str, Any]:
    return {**form.cleaned_data, "agreed": getattr(form, "agreed", None)}

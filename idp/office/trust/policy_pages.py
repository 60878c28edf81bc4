"""The policy editor in the admin site: what a peer's policy and constraints are, what others would do, a proposal.

Nothing is saved here. The proposal is one of `idp.federation.recognition`, and another officer approves it.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin_actions import officer_of
from idp.federation import terms
from idp.federation.models import Peer
from idp.federation.recognition import payloads
from idp.federation.terms import Terms
from idp.office.trust import effects, in_field, policy_forms, policy_view
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose

TITLE = _("Metadata policy")
CHANGE = "federation.change_peer"
KINDS = (payloads.TERMS, payloads.RENEW, payloads.RECOGNISE)


@site.page("trust/policy/", name="trust-policies", title=TITLE, section="trust", permission="federation.view_peer")
def every(request: HttpRequest) -> HttpResponse:
    """Every peer with what is set for it, and the changes that wait for another officer."""
    peers = Peer.objects.filter(ended_at=None).order_by("entity_id")
    rows = [
        (peer, len(policy_forms.initial_rules(peer.metadata_policy)), policy_view.constraints(peer)) for peer in peers
    ]
    return site.rendered(request, "office/policies.html", title=TITLE, rows=rows, waiting=_waiting())


@site.page(
    "trust/policy/<int:number>/", name="trust-policy", title=TITLE, section="trust", permission=CHANGE, listed=False
)
def edit(request: HttpRequest, number: int) -> HttpResponse:
    """Write rules and constraints, see what would change, propose it."""
    peer = get_object_or_404(Peer, pk=number, ended_at=None)
    sent = policy_forms.sent(request.POST) if request.method == "POST" else None
    rules = policy_forms.Rules(
        sent,
        initial=policy_forms.initial_rules(peer.metadata_policy),
        prefix=policy_forms.PREFIX,
        entity_id=peer.entity_id,
    )
    form = policy_forms.ConstraintsForm(sent, initial=policy_forms.initial_constraints(peer))
    after, shown = None, {}
    if sent is not None and rules.is_valid() and form.is_valid() and sent.get("more") != "yes":
        after = policy_forms.proposed(peer, rules, form)
    if after is not None and sent is not None and sent.get("propose") == "yes":
        proposal = _propose(request, peer, after, form)
        if proposal is not None:
            messages.success(request, _("It is proposed. Another officer approves it."))
            return redirect("admin:proposals_proposal_change", proposal.pk)
    if after is not None:
        shown = _shown(peer, after)
    context = {"peer": peer, "rules": rules, "form": form, "parameters": policy_view.parameters(peer, now=clock.now())}
    return site.rendered(request, "office/policy.html", title=TITLE, demanded=_demanded(peer), **context, **shown)


@site.page(
    "trust/policy/proposal/<int:number>/",
    name="trust-policy-proposal",
    title=_("What would change"),
    section="trust",
    permission="federation.view_peer",
    listed=False,
)
def proposal(request: HttpRequest, number: int) -> HttpResponse:
    """What a proposal that waits would do, for the officer who decides on it."""
    get_object_or_404(Proposal, pk=number)
    row = _waiting().filter(pk=number).first()  # nothing is told of another kind, or of one that was decided
    peer = None if row is None else Peer.objects.filter(entity_id=row.subject, ended_at=None).first()
    after = None if peer is None else policy_view.terms_after(peer, row)
    shown = {} if peer is None or after is None else _shown(peer, after)
    return site.rendered(
        request, "office/policy_proposal.html", title=_("What would change"), proposal=row, peer=peer, **shown
    )


def _propose(request: HttpRequest, peer: Peer, after: Terms, form: policy_forms.ConstraintsForm) -> Proposal | None:
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    payload = payloads.about(peer, before=form.cleaned_data["seen"], terms=payloads.written(after))
    try:
        return proposing.propose(
            kind=payloads.TERMS,
            subject=peer.entity_id,
            payload=payload,
            why=form.cleaned_data["why"],
            officer=officer_of(request),
            now=clock.now(),
        )
    except UnableToPropose as error:
        form.add_error(None, str(error))
        return None


def _shown(peer: Peer, after: Terms) -> dict[str, Any]:
    now = clock.now()
    thought = peer.recognised_at is None
    touched = effects.preview(peer, after, now=now, recognised=thought)
    return {
        "previewed": True,
        "thought": thought,
        "summary": policy_view.summary(touched),
        "touched": [policy_view.row(item) for item in touched if item.effect.changed],
        "same": [policy_view.row(item) for item in touched if not item.effect.changed],
        "tokens": in_field.tokens(touched, now=now),
    }


def _demanded(peer: Peer) -> list[dict[str, str]]:
    return policy_forms.initial_rules(terms.minimum(peer.entity_id))


def _waiting() -> Any:
    return Proposal.objects.filter(kind__in=KINDS, state=Proposal.State.PROPOSED).order_by("expires_at")

"""Peers in the admin site: how each stands, and how another becomes one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock, conf
from idp.audit.admin_actions import officer_of
from idp.federation import peering, signing, terms
from idp.federation.columns import STANDINGS, shown
from idp.federation.models import Peer
from idp.federation.peering import PIN_AFTER, UnableToPeer
from idp.federation.recognition import acts, candidates, executing, forms, payloads, wording
from idp.federation.recognition.candidates import Candidate
from idp.federation.terms import Terms
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToPropose
from idp.protocol.keys import parse_jwks
from idp.protocol.refusals import Refusal, Unavailable

SECTION = "trust"
TITLE = _("Peers and recognition")


@site.page("trust/", name="trust-peers", title=TITLE, section=SECTION, permission="federation.view_peer")
def every(request: HttpRequest) -> HttpResponse:
    """All peers, those first whose recognition ends next; and this node's own keys, to be read out to a peer."""
    peers = sorted(Peer.objects.all(), key=lambda peer: (peer.ended_at is not None, peer.valid_until or payloads.LAST))
    waiting = set(_proposals().values_list("subject", flat=True))
    known = {peer.entity_id for peer in peers if peer.ended_at is None}
    rows = [_row(peer, waiting) for peer in peers]
    new = [item for item in _proposals().filter(kind=payloads.RECOGNISE) if item.subject not in known]
    own = wording.fingerprints(signing.published("federation"))
    context = {"rows": rows, "new": new, "own": own, "node": conf.authority().entity_id}
    return site.rendered(request, "federation/peers.html", title=TITLE, **context)


@site.page(
    "trust/peers/<int:number>/",
    name="trust-peer",
    title=_("Peer"),
    section=SECTION,
    permission="federation.view_peer",
    listed=False,
)
def one(request: HttpRequest, number: int) -> HttpResponse:
    """One peer: switches, keys, terms, what waits for a decision, and what can be proposed."""
    peer = get_object_or_404(Peer, pk=number)
    may = request.user.has_perm(acts.PERMISSION)
    context = {
        "peer": peer,
        "standing": STANDINGS[peer.standing],
        "switches": wording.switches(peer),
        "keys": wording.fingerprints(peering.pinned(peer)) if peer.ended_at is None else [],
        "fresh": wording.fingerprints(peering.fresh(peer)),
        "pinned_at": shown(peer.successor_seen_at + PIN_AFTER) if peer.successor_seen_at is not None else "",
        "terms": wording.of_terms(terms.of(peer)).values(),
        "proposals": _proposals().filter(subject=peer.entity_id[:255]),
        "acts": [act for act in acts.ACTS if may and act.possible(peer)],
        "may_suspend": may and peer.ended_at is None and peer.suspended_at is None,
    }
    return site.rendered(request, "federation/peer.html", title=peer.entity_id, **context)


@site.page(
    "trust/recognise/",
    name="trust-recognise",
    title=_("Recognise a peer"),
    section=SECTION,
    permission="federation.add_peer",
    listed=False,
)
def recognise(request: HttpRequest) -> HttpResponse:
    """Look at an entity; compare its keys and write the terms; see what would change; propose it."""
    context: dict[str, Any] = {"form": forms.LookForm(initial={"entity_id": request.GET.get("id", "")})}
    if request.method == "POST":
        answer = _looked(request) if "candidate" not in request.POST else _written(request)
        if isinstance(answer, HttpResponse):
            return answer
        context = answer
    return site.rendered(request, "federation/recognise.html", title=_("Recognise a peer"), **context)


def _looked(request: HttpRequest) -> dict[str, Any]:
    """The first step: the form for the second where the entity's configuration could be had."""
    form = forms.LookForm(request.POST)
    if not form.is_valid():
        return {"form": form}
    try:
        candidate = candidates.look(form.cleaned_data["entity_id"], now=clock.now())
    except UnableToPeer as error:
        form.add_error("entity_id", str(error))
    except (Refusal, Unavailable) as error:
        text = gettext("The configuration of this entity cannot be had or is not sound: %s") % error
        form.add_error("entity_id", text)
    else:
        return _second_step(request, candidate, None)
    return {"form": form}


def _written(request: HttpRequest) -> HttpResponse | dict[str, Any]:
    """The second step: what would change, or the proposal."""
    try:
        candidate = candidates.opened(request.POST["candidate"], officer=officer_of(request))
    except UnableToPeer as error:
        form = forms.LookForm(initial={"entity_id": request.POST.get("entity_id", "")})
        return {"form": form, "late": str(error)}
    context = _second_step(request, candidate, request.POST)
    form = context["form"]
    if not form.is_valid():
        return context
    try:
        payload = _payload(candidate, form)
        if request.POST.get("propose") == "yes":
            why, officer = form.cleaned_data["why"], officer_of(request)
            return acts.proposed(request, payloads.RECOGNISE, payload, why=why, officer=officer)
        context["lines"] = executing.lines(payloads.RECOGNISE, payload, now=clock.now())
    except (Unacceptable, UnableToPropose, UnableToPeer) as error:
        form.add_error(None, str(error))
    return context


def _second_step(request: HttpRequest, candidate: Candidate, sent: Any) -> dict[str, Any]:
    comparison = forms.Comparison(parse_jwks(candidate.jwks), signer=candidate.signer)
    form = forms.RecognitionForm(sent, comparison=comparison, entity_id=candidate.entity_id, before=Terms())
    sealed = candidates.sealed(candidate, officer=officer_of(request))
    keys = [form[name] for name in comparison.fields]
    rest = [field for field in form if field.name not in comparison.fields]
    return {"form": form, "candidate": candidate, "sealed": sealed, "keys": keys, "rest": rest}


def _payload(candidate: Candidate, form: forms.RecognitionForm) -> dict[str, Any]:
    return {
        "entity_id": candidate.entity_id,
        "since": candidate.since,
        "jwks": candidate.pinned(form.compared),
        "name": dict(candidate.name),
        "accept": form.cleaned_data["accept"],
        "terms": payloads.written(form.agreed),
    }


def _row(peer: Peer, waiting: set[str]) -> dict[str, Any]:
    return {
        "peer": peer,
        "name": peer.name.get("en") or next(iter(peer.name.values()), ""),
        "standing": STANDINGS[peer.standing],
        "waiting": peer.entity_id[:255] in waiting,
        "keys_wait": peer.successor_seen_at is not None and peer.ended_at is None,
        "since": shown(peer.valid_from),
        "until": shown(peer.valid_until),
    }


def _proposals() -> Any:
    rows = Proposal.objects.filter(kind__in=executing.KINDS, state=Proposal.State.PROPOSED, expires_at__gt=clock.now())
    return rows.order_by("proposed_at")

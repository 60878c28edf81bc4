"""The audit's pages: search, one event with its proof, and the proof as a file."""

import json
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from idp import admin as site
from idp import clock, conf
from idp.audit.models import AuditEvent, LookWords
from idp.border import paging
from idp.federation import tree_heads
from idp.federation.columns import shown
from idp.federation.models import SignedHead
from idp.office.auditing import proving, searching, words
from idp.office.auditing.forms import KINDS, ExportForm, HeadForm, SearchForm
from idp.protocol import audit_proof
from idp.protocol.refusals import Refusal

SEE = "audit.view_auditevent"
_TITLE = _("Search the audit")


@site.page("audit/", name="audit_search", title=_TITLE, section="audit", permission=SEE)
@require_GET
def search(request: HttpRequest) -> HttpResponseBase:
    """Events by kind, actor, subject, time and words, a page at a time."""
    form = SearchForm(request.GET)
    found = _page(form, request.GET.get("after", "")) if form.is_valid() else paging.Page([], None)
    query = {name: value for name, value in request.GET.items() if value and name in form.fields}
    context = {
        "form": form,
        "kinds": KINDS,
        "rows": [_row(event) for event in found.rows],
        "older": urlencode({**query, "after": found.after}) if found.after else "",
        "query": query,
        "export": ExportForm(),
    }
    return site.rendered(request, "office/audit/search.html", title=_TITLE, **context)


@site.page(
    "audit/events/<int:number>/", name="audit_event", title=_("Event"), section="audit", permission=SEE, listed=False
)
@require_GET
def event(request: HttpRequest, number: int) -> HttpResponseBase:
    """One event in words, its leaf, and the proof against the newest signed head or that of a time."""
    found = get_object_or_404(AuditEvent.objects.select_related("sealed"), pk=number)
    form = HeadForm(request.GET)
    at = form.cleaned_data["at"] if form.is_valid() else None
    head = proving.head_at(at and int(at.timestamp()))
    context = {
        **_row(found),
        "facts": list(words.facts(found.data)),
        "words": LookWords.objects.filter(event_id=found.pk).values_list("words", flat=True).first(),
        "form": form,
        "proof_url": f"{reverse('admin:audit_proof', args=[found.pk])}?{request.GET.urlencode()}",
        **_proof_context(found, head),
    }
    return site.rendered(
        request, "office/audit/event.html", title=_("Event %(number)s") % {"number": number}, **context
    )


@site.page(
    "audit/events/<int:number>/proof/", name="audit_proof", title=_("Proof"), section="audit", permission=SEE,
    listed=False,
)  # fmt: skip
@require_GET
def proof(request: HttpRequest, number: int) -> HttpResponseBase:
    """The proof as a JSON file, which ``manage.py audit check-proof`` verifies with the public keys."""
    found = get_object_or_404(AuditEvent.objects.select_related("sealed"), pk=number)
    form = HeadForm(request.GET)
    at = form.cleaned_data["at"] if form.is_valid() else None
    head = proving.head_at(at and int(at.timestamp()))
    if head is None:
        return redirect("admin:audit_event", number)
    try:
        made = proving.proof(found, head)
    except proving.UnableToProve:
        return redirect("admin:audit_event", number)  # which says why
    return JsonResponse(made, headers={"Content-Disposition": f'attachment; filename="event-{number}-proof.json"'})


@site.page("audit/keys/", name="audit_keys", title=_("Audit keys"), section="audit", permission=SEE, listed=False)
@require_GET
def keys(request: HttpRequest) -> HttpResponseBase:
    """The public keys that proofs are checked with, as a JWK Set. A court takes them from the entity configuration."""
    text = json.dumps(tree_heads.keys(clock.now()).jwks())
    name = {"Content-Disposition": 'attachment; filename="audit-keys.json"'}
    return HttpResponse(text, content_type="application/jwk-set+json", headers=name)


def _page(form: SearchForm, after: str) -> paging.Page:
    try:
        return searching.page(form.wanted(), after=after)
    except Refusal as refusal:
        raise SuspiciousOperation("a cursor that is none of ours") from refusal


def _row(found: AuditEvent) -> dict[str, Any]:
    sealed = getattr(found, "sealed", None)
    return {
        "event": found,
        "at": shown(found.at),
        "kind": words.kind(found.kind),
        "leaf": None if sealed is None else sealed.index,
        "leaf_hash": None if sealed is None else bytes(sealed.leaf_hash).hex(),
    }


def _proof_context(found: AuditEvent, head: SignedHead | None) -> dict[str, Any]:
    """The proof, checked as somebody else would check it; or why there is none."""
    if head is None:
        return {"unproven": _("No head is signed yet, or none was by then.")}
    about = {"head": head, "head_at": shown(head.at), "root": proving.root_of(head)}
    try:
        made = proving.proof(found, head)
    except proving.UnableToProve:
        return {**about, "unproven": _("The event came after this head.")}
    now = clock.now()
    try:
        audit_proof.verify(made, keys=tree_heads.keys(now), issuer=conf.authority().entity_id, now=now)
    except Refusal as refusal:
        return {**about, "path": made["proof"], "text": made["event"], "broken": refusal.detail}
    return {**about, "path": made["proof"], "text": made["event"], "verified": True}

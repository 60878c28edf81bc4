"""Proposals in the admin site: what would change, and a second officer's decision."""

import datetime
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import Action, confirmed, officer_of
from idp.proposals import deciders, executors, proposing, review_pages
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide

EVERYTHING = "audit.view_auditevent"  # who may read what was done may read what is proposed

__all__ = ["ProposalAdmin", "review_pages"]


def _changes(proposal: Proposal) -> list[str]:
    """What an approval would change now, in lines."""
    try:
        return list(executors.of(proposal.kind).changes(proposal, now=clock.now()))
    except Unacceptable as error:
        return [str(error)]


def _shown(proposal: Proposal) -> Any:
    """A proposal on the page that asks: with all that it would change."""
    lines = format_html_join("", "<li>{}</li>", ((line,) for line in _changes(proposal)))
    return format_html("{}: {} ({})<ul>{}</ul>", proposal, proposal.why, proposal.proposed_by, lines)


def _handed_over(model_admin: admin.ModelAdmin, request: HttpRequest, given: list[Proposal]) -> HttpResponse | None:
    """What approvals leave in this officer's hands: in this answer, and nowhere else."""
    found = [proposal for proposal in given if proposal.handed_over]
    if not found:
        return None
    answer = site.rendered(request, "proposals/handed_over.html", title=_("To be handed over"), proposals=found)
    add_never_cache_headers(answer)
    return answer


def _decision(name: str, description: Any, warning: Any, decide: Callable[..., Proposal]) -> Action:
    return confirmed(
        *(name, description, warning),
        lambda proposal, officer: decide(proposal=proposal, officer=officer, now=clock.now()),
        permission="decide",
        refused=UnableToDecide,
        shown=_shown,
        after=_handed_over,
    )


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyModelAdmin):
    """An officer finds here what that officer may change; who reads the audit finds all of them."""

    list_display = ("__str__", "why", "proposed_by", "proposed", "state", "decided_by", "decided")
    list_filter = ("state", "kind")
    fields = (
        "kind",
        "subject",
        "why",
        "proposed_by",
        "proposed",
        "expires",
        "state",
        "decided_by",
        "decided",
        "changes",
    )
    change_form_template = "proposals/proposal.html"
    actions = (
        _decision(
            "approve",
            _("Approve the selected proposals"),
            _("What they propose is done at once."),
            proposing.approve,
        ),
        _decision("reject", _("Reject the selected proposals"), _("Nothing is changed."), proposing.reject),
        _decision("withdraw", _("Withdraw your own proposals"), _("Nothing is changed."), proposing.withdraw),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        found: QuerySet[Proposal] = super().get_queryset(request)
        if request.user.has_perm(EVERYTHING):
            return found
        return found.filter(kind__in=_kinds(request))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        proposal: Proposal = context["original"]
        decides = self.has_decide_permission(request) and proposal.kind in _kinds(request)
        context |= {"officer": officer_of(request), "may_decide": decides}
        return super().render_change_form(request, context, *args, **kwargs)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(deciders.DECIDE))

    @admin.display(description=_("proposed"), ordering="proposed_at")
    def proposed(self, proposal: Proposal) -> datetime.datetime:
        return _moment(proposal.proposed_at)

    @admin.display(description=_("expires"), ordering="expires_at")
    def expires(self, proposal: Proposal) -> datetime.datetime:
        return _moment(proposal.expires_at)

    @admin.display(description=_("decided"), ordering="decided_at", empty_value="—")
    def decided(self, proposal: Proposal) -> datetime.datetime | None:
        return None if proposal.decided_at is None else _moment(proposal.decided_at)

    @admin.display(description=_("what changes"))
    def changes(self, proposal: Proposal) -> Any:
        if proposal.state != Proposal.State.PROPOSED:
            return "—"
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((line,) for line in _changes(proposal))))


def _kinds(request: HttpRequest) -> list[str]:
    """Those on which the officer may decide."""
    return [kind for kind, item in executors.known().items() if request.user.has_perm(item.permission)]


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)

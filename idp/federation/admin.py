"""The officers' view of recognition. Switches are moved by actions, each confirmed and recorded; terms by a form."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from idp.audit.admin import ReadOnlyModelAdmin
from idp.audit.admin_actions import Action, confirmed, officer_of
from idp.federation import admin_registers, peering, terms
from idp.federation.columns import NOTHING, shown, when
from idp.federation.forms import ProposalForm, TermsForm
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer

__all__ = ["PeerAdmin", "admin_registers"]

STANDINGS = {
    "proposed": _("proposed"),
    "one-sided": _("one-sided"),
    "mutual": _("mutual"),
    "suspended": _("suspended"),
    "awaited": _("not begun"),
    "lapsed": _("lapsed"),
    "ended": _("ended"),
}


def _switch(name: str, description: Any, act: Callable[..., Peer]) -> Action:
    """An action that moves one switch of each chosen peer."""
    return confirmed(
        name,
        description,
        _("Compare each fingerprint with the peer by a second channel before you vouch for it."),
        lambda peer, officer: act(peer, officer=officer),
        permission="change_switch",
        refused=UnableToPeer,
        shown=lambda peer: format_html("{}<br><code>{}</code>", peer.entity_id, peering.fingerprint(peer.jwks)),
    )


@admin.register(Peer)
class PeerAdmin(ReadOnlyModelAdmin):
    """Switches are actions; on a peer's page the terms of its recognition may be changed, and nothing else."""

    class Media:
        css = {"all": ("federation/terms.css",)}

    form = TermsForm
    list_display = ("entity_id", "standing", "we_recognise", "we_accept", "period", "keys_wait")
    facts = ("entity_id", "name", "standing", "fingerprint", "successor")
    times = ("proposed", "recognised", "accepted", "suspended", "ended")
    agreed = ("period", "below", "metadata_policy", "naming_constraints", "legal_basis", "contract")
    actions = (
        _switch("recognise", _("Recognise: we vouch for it"), peering.recognise),
        _switch("accept", _("Accept its recognition of us"), peering.accept_recognition),
        _switch("suspend", _("Suspend"), peering.suspend),
        _switch("resume", _("Resume"), peering.resume),
        _switch("end", _("End recognition"), peering.end),
        _switch("approve_keys", _("Approve its new keys"), peering.approve_successor),
    )

    proposed = when("proposed_at", _("proposed"))
    recognised = when("recognised_at", _("recognised"))
    accepted = when("accepted_at", _("recognition accepted"))
    suspended = when("suspended_at", _("suspended"))
    ended = when("ended_at", _("ended"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("federation.add_peer"))

    def has_change_permission(self, request: HttpRequest, obj: Peer | None = None) -> bool:
        """Of the terms; the recognition of an ended peer has none."""
        return (obj is None or obj.ended_at is None) and self.has_change_switch_permission(request)

    def has_change_switch_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("federation.change_peer"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without Django's transaction around it: a proposal asks the peer, and no lock waits for an answer."""
        return self._changeform_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: Peer | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("entity_id",)})]
        shown = terms.FIELDS if self.has_change_permission(request, obj) else self.agreed
        return [(None, {"fields": self.facts + self.times}), (_("Terms of recognition"), {"fields": shown})]

    def get_readonly_fields(self, request: HttpRequest, obj: Peer | None = None) -> Any:
        return () if obj is None else (*self.facts, *self.times, "period", "below")

    def get_form(self, request: HttpRequest, obj: Peer | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("OfficersProposalForm", (ProposalForm,), {"officer": officer_of(request)})

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Peer:
        return form.instance if change else form.proposed

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: a peer has no parts to be edited."""

    def save_model(self, request: HttpRequest, obj: Peer, form: Any, change: bool) -> None:
        """The domain stores a proposal and terms, each with its audit event."""
        if change:
            terms.set_terms(obj, terms=form.agreed, officer=officer_of(request))
        else:
            text = f"{obj}: {_('fingerprint of the pinned keys')} {peering.fingerprint(obj.jwks)}"
            self.message_user(request, text, messages.INFO)

    @admin.display(description=_("standing"))
    def standing(self, peer: Peer) -> Any:
        return STANDINGS[peer.standing]

    @admin.display(description=_("we recognise"), boolean=True)
    def we_recognise(self, peer: Peer) -> bool:
        return peer.recognised

    @admin.display(description=_("we accept its recognition"), boolean=True)
    def we_accept(self, peer: Peer) -> bool:
        return peer.accepted

    @admin.display(description=_("stands from and until"))
    def period(self, peer: Peer) -> str:
        if peer.valid_from is None and peer.valid_until is None:
            return NOTHING
        return f"{shown(peer.valid_from)} … {shown(peer.valid_until)}"

    @admin.display(description=_("may vouch for"))
    def below(self, peer: Peer) -> str:
        types = ", ".join(terms.constraints(terms.of(peer))["allowed_entity_types"])
        return f"{types} (max_path_length {peer.max_path_length})"

    @admin.display(description=_("fingerprint of the pinned keys"))
    def fingerprint(self, peer: Peer) -> str:
        return peering.fingerprint(peer.jwks)

    @admin.display(description=_("fingerprint of the announced keys"))
    def successor(self, peer: Peer) -> str:
        return peering.fingerprint(peer.successor_jwks) if peer.successor_jwks else NOTHING

    @admin.display(description=_("announced keys wait since"))
    def keys_wait(self, peer: Peer) -> str:
        return shown(peer.successor_seen_at)

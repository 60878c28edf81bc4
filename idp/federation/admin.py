"""The federation room in the admin site. What officers do to peers is done on the pages of `recognition`."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from idp.audit.admin import ReadOnlyModelAdmin
from idp.federation import admin_registers, peering, terms
from idp.federation.columns import NOTHING, STANDINGS, shown, when
from idp.federation.models import Peer
from idp.federation.recognition import acts, pages
from idp.federation.vouching import pages as vouching

__all__ = ["PeerAdmin", "acts", "admin_registers", "pages", "vouching"]  # each registers what it shows


@admin.register(Peer)
class PeerAdmin(ReadOnlyModelAdmin):
    """To be read: a change of trust takes two officers, who propose and approve it."""

    list_display = ("entity_id", "standing", "we_recognise", "we_accept", "period", "keys_wait")
    facts = ("entity_id", "name", "standing", "fingerprint", "successor")
    times = ("proposed", "recognised", "accepted", "suspended", "ended")
    agreed = ("period", "below", "metadata_policy", "naming_constraints", "legal_basis", "contract")

    proposed = when("proposed_at", _("proposed"))
    recognised = when("recognised_at", _("recognised"))
    accepted = when("accepted_at", _("recognition accepted"))
    suspended = when("suspended_at", _("suspended"))
    ended = when("ended_at", _("ended"))

    def get_fieldsets(self, request: HttpRequest, obj: Peer | None = None) -> Any:
        return [(None, {"fields": self.facts + self.times}), (_("Terms of recognition"), {"fields": self.agreed})]

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

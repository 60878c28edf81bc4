"""The officers' view of recognition. Switches are moved by actions, each confirmed and recorded; nothing is edited."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from idp.audit.admin import ReadOnlyModelAdmin
from idp.federation import peering
from idp.federation.models import HostedEntity, Peer, SigningKey, StatusList, Subordinate
from idp.federation.peering import UnableToPeer
from idp.protocol.refusals import Refusal, Unavailable

STANDINGS = {
    "proposed": _("proposed"),
    "one-sided": _("one-sided"),
    "mutual": _("mutual"),
    "suspended": _("suspended"),
    "ended": _("ended"),
}


class ProposalForm(forms.ModelForm):
    """The peer's identifier; its name and keys are fetched from there."""

    class Meta:
        model = Peer
        fields = ("entity_id",)

    def validate_unique(self) -> None:
        """Nothing: the proposal says itself whether the peer is known, and an ended one may come back."""

    def clean_entity_id(self) -> str:
        """Fetch and pin here, so that what goes wrong stands beside the field."""
        entity_id: str = self.cleaned_data["entity_id"]
        try:
            self.proposed = peering.propose(entity_id, officer=self.officer)
        except UnableToPeer as error:
            raise forms.ValidationError(str(error)) from error
        except (Refusal, Unavailable) as error:
            raise forms.ValidationError(_("The configuration of this entity cannot be had or is not sound.")) from error
        return entity_id


def _switch(
    name: str, description: Any, act: Callable[..., Peer]
) -> Callable[[admin.ModelAdmin, HttpRequest, QuerySet[Peer]], HttpResponse | None]:
    """An admin action that asks first and then moves one switch of each chosen peer."""

    @admin.action(description=description, permissions=["change_switch"])
    def action(self: admin.ModelAdmin, request: HttpRequest, queryset: QuerySet[Peer]) -> HttpResponse | None:
        if request.POST.get("confirmed") != "yes":
            return TemplateResponse(
                request,
                "federation/confirm.html",
                {**self.admin_site.each_context(request), **_question(name, description, queryset)},
            )
        for peer in queryset:
            try:
                act(peer, officer=_officer(request))
            except UnableToPeer as error:
                self.message_user(request, f"{peer}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{peer}: {description}", messages.SUCCESS)
        return None

    action.__name__ = name
    return action


def _officer(request: HttpRequest) -> str:
    return f"account:{request.user.pk}"


def _question(name: str, description: Any, queryset: QuerySet[Peer]) -> dict[str, Any]:
    peers = [{"peer": peer, "fingerprint": peering.fingerprint(peer.jwks)} for peer in queryset]
    return {"title": description, "action": name, "peers": peers, "opts": Peer._meta}


@admin.register(Peer)
class PeerAdmin(ReadOnlyModelAdmin):
    list_display = ("entity_id", "standing", "we_recognise", "we_accept", "fingerprint", "successor")
    fields = (
        "entity_id",
        "name",
        "standing",
        "fingerprint",
        "successor",
        "proposed_at",
        "recognised_at",
        "accepted_at",
        "suspended_at",
        "ended_at",
    )
    actions = (
        _switch("recognise", _("Recognise: we vouch for it"), peering.recognise),
        _switch("accept", _("Accept its recognition of us"), peering.accept_recognition),
        _switch("suspend", _("Suspend"), peering.suspend),
        _switch("resume", _("Resume"), peering.resume),
        _switch("end", _("End recognition"), peering.end),
        _switch("approve_keys", _("Approve its new keys"), peering.approve_successor),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("federation.add_peer"))

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

    def get_fields(self, request: HttpRequest, obj: Peer | None = None) -> Any:
        return self.fields if obj is not None else ("entity_id",)

    def get_form(self, request: HttpRequest, obj: Peer | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("OfficersProposalForm", (ProposalForm,), {"officer": _officer(request)})

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Peer:
        return form.proposed

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: a peer has no parts to be edited."""

    def save_model(self, request: HttpRequest, obj: Peer, form: Any, change: bool) -> None:
        """Nothing: the proposal stored it, with its audit event."""

    @admin.display(description=_("standing"))
    def standing(self, peer: Peer) -> Any:
        return STANDINGS[peer.standing]

    @admin.display(description=_("we recognise"), boolean=True)
    def we_recognise(self, peer: Peer) -> bool:
        return peer.recognised

    @admin.display(description=_("we accept its recognition"), boolean=True)
    def we_accept(self, peer: Peer) -> bool:
        return peer.accepted

    @admin.display(description=_("fingerprint of the pinned keys"))
    def fingerprint(self, peer: Peer) -> str:
        return peering.fingerprint(peer.jwks)

    @admin.display(description=_("fingerprint of the announced keys"))
    def successor(self, peer: Peer) -> str:
        return peering.fingerprint(peer.successor_jwks) if peer.successor_jwks else ""


@admin.register(Subordinate)
class SubordinateAdmin(ReadOnlyModelAdmin):
    list_display = ("entity_id", "entity_types", "ended_at")


@admin.register(HostedEntity)
class HostedEntityAdmin(ReadOnlyModelAdmin):
    list_display = ("entity_id", "path")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyModelAdmin):
    list_display = ("kid", "use", "owner", "algorithm", "state", "made_at", "retired_at")
    list_filter = ("use", "state")


@admin.register(StatusList)
class StatusListAdmin(ReadOnlyModelAdmin):
    list_display = ("name", "hour", "part", "size", "version", "last_expiry")
    exclude = ("text",)

"""The pages of the relying parties: all of them by profile, one of them whole, and who vouches for phones."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.federation.columns import shown
from idp.oidc import attestation, client_metadata, client_registration
from idp.oidc.models import Client
from idp.oidc.parties import counting, describing

SECTION, PERMISSION = "parties", "oidc.view_client"
MOST = 300  # clients on the page; more are found by a part of their identifier
TITLE, ATTESTERS = _("Relying parties"), _("Attesters")


@site.page("parties/", name="parties", title=TITLE, section=SECTION, permission=PERMISSION)
def every(request: HttpRequest) -> HttpResponseBase:
    """Clients by profile; ``q`` is a part of an identifier."""
    sought, now = request.GET.get("q", "").strip()[:255], clock.now()
    rows = list(_found(sought).order_by("client_id")[: MOST + 1])
    entries = _entries(rows[:MOST], now=now)
    groups = [
        {"title": title, "means": means, "entries": [one for one in entries if one["client"].profile == profile]}
        for profile, (title, means) in describing.profiles().items()
    ]
    context = {"groups": groups, "sought": sought, "more": len(rows) > MOST, "most": MOST}
    return site.rendered(request, "oidc/parties/parties.html", title=TITLE, **context)


@site.page(
    "parties/<int:number>/",
    name="party",
    title=_("Relying party"),
    section=SECTION,
    permission=PERMISSION,
    listed=False,
)
def one(request: HttpRequest, number: int) -> HttpResponseBase:
    """One client: what it may ask, with which keys, by what it is trusted, what travellers gave it."""
    client, now = get_object_or_404(Client, pk=number), clock.now()
    entry = _entries([client], now=now)[0]
    return site.rendered(
        request,
        "oidc/parties/party.html",
        title=entry["name"],
        profile=describing.profiles()[client.profile],
        trust=describing.trust(client, now=now),
        permitted=describing.permitted(client),
        has_secret=describing.has_secret(client),
        is_direct=client_registration.is_direct(client),
        registered=shown(client.created_at),
        **entry,
    )


@site.page("parties/attesters/", name="party-attesters", title=ATTESTERS, section=SECTION, permission=PERMISSION)
def attesters(request: HttpRequest) -> HttpResponseBase:
    """Whose word about phones is taken: clients that registered attestation, with their keys and their phones."""
    methods = (client_metadata.ATTESTED, client_metadata.ATTESTED_DPOP)
    rows = Client.objects.filter(metadata__token_endpoint_auth_method__in=methods).order_by("client_id")[:MOST]
    now = clock.now()
    context = {
        "entries": _entries(rows, now=now),
        "hours": attestation.MAX_AGE // 3600,
        "profiles": attestation.CHALLENGED,
    }
    return site.rendered(request, "oidc/parties/attesters.html", title=ATTESTERS, **context)


def _found(sought: str) -> QuerySet[Client]:
    shown_here = Client.objects.exclude(registration=Client.Registration.TRIAL, disabled=True)  # trials that are over
    return shown_here.filter(client_id__icontains=sought) if sought else shown_here


def _entries(rows: Any, *, now: int) -> list[dict[str, Any]]:
    clients = list(rows)
    used = counting.of([client.pk for client in clients], now=now)
    language = get_language() or "en"
    return [
        {
            "client": client,
            "name": client_metadata.name(client, language),
            "state": describing.state(client, now=now),
            "keys": describing.keys_of(client),
            "source": describing.key_source(client),
            "until": shown(client.expires_at),
            "use": used[client.pk],
            "last": shown(used[client.pk].last),
        }
        for client in clients
    ]

"""The page of the wallets: relying parties that may carry border tokens, with their phones and what they hold."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.border import wallet_counting
from idp.federation.columns import shown
from idp.oidc import client_metadata
from idp.oidc.models import Client
from idp.oidc.parties import counting, describing

MOST = 100  # an authority knows a handful of messengers; each costs some queries
TITLE = _("Wallets")
METHODS = {
    client_metadata.PRIVATE_KEY_JWT: _("by the messenger's server, with its key"),
    client_metadata.ATTESTED: _("by the phone, with an attestation of its key"),
    client_metadata.ATTESTED_DPOP: _("by the phone, with an attestation of its DPoP key"),
}


@site.page("parties/wallets/", name="party-wallets", title=TITLE, section="parties", permission="oidc.view_client")
def every(request: HttpRequest) -> HttpResponseBase:
    """Every client that is a wallet (`Client.is_wallet`)."""
    now, language = clock.now(), get_language() or "en"
    known = Client.objects.filter(profile=Client.Profile.BORDER).order_by("client_id")
    wallets = [client for client in known if client.is_wallet][:MOST]
    used = counting.of([client.pk for client in wallets], now=now)
    entries = [
        {
            "client": client,
            "name": client_metadata.name(client, language),
            "state": describing.state(client, now=now),
            "kinds": client.listed("authorization_details_types"),
            "method": METHODS[client_metadata.authentication_method(client.metadata, client.profile)],
            "use": used[client.pk],
            "last": shown(used[client.pk].last),
            "holding": wallet_counting.of(client, now=now),
        }
        for client in wallets
    ]
    return site.rendered(request, "border/wallets.html", title=TITLE, entries=entries)

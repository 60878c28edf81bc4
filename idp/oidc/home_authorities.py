"""Login across the border: where a relying party of ours may send a traveller to log in, and how it is told.

The relying party goes to the home authority's provider itself, by trust chain; nobody here takes part in that login or
hears of it. It takes providers that are immediate subordinates of its anchor, and its anchor is this node: so those
below this node alone are served, and what is offered is this node and the peers that recognition stands with.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from idp import conf
from idp.federation import resolution
from idp.federation.models import Peer
from idp.oidc import client_metadata, registration
from idp.oidc.authorization import single
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)
PASSED_ON = {"target_link_uri": 2048, "login_hint": 256}  # OpenID Connect Core §4, with their longest


@dataclass(frozen=True)
class HomeAuthority:
    """An authority whose provider the traveller may log in with; ``names`` by language tag."""

    entity_id: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Initiation:
    """A relying party that takes logins begun elsewhere, and what it is to be told beside the issuer."""

    client: Client
    passed_on: Mapping[str, str]

    def url(self, issuer: str) -> str:
        """Where the browser goes so that ``client`` begins a login at ``issuer`` (OpenID Connect Core §4)."""
        uri = str(self.client.metadata["initiate_login_uri"])
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'iss': issuer, **self.passed_on})}"


def initiation(parameters: Mapping[str, list[str]], *, now: int) -> Initiation:
    """What the query ``parameters`` ask for; a relying party that is new is registered by its trust chain.

    Raises `OAuthError` for a client that is unknown, stopped, not below this node or without an ``initiate_login_uri``:
    the browser is sent to what a client registered and nowhere else. Raises `Unavailable` as `registration.find` does.
    """
    client_id = single(parameters, "client_id")
    passed_on = {}
    for name, longest in PASSED_ON.items():
        if name in parameters:
            passed_on[name] = single(parameters, name)
            if len(passed_on[name]) > longest or not passed_on[name].isprintable():
                raise OAuthError("invalid_request", f"{name} is not a text of at most {longest} characters")
    client = registration.find(client_id, now=now)
    if client.disabled or not serves(client):
        raise OAuthError("unauthorized_client", "disabled, or not one that can be sent to another authority")
    return Initiation(client, passed_on)


def serves(client: Client) -> bool:
    """Whether ``client`` stands immediately below this node and takes logins that are begun elsewhere."""
    below = client.chain_path == [client.client_id, conf.authority().entity_id]
    return below and client_metadata.web(client.metadata.get("initiate_login_uri")) is not None


def offered(*, now: int) -> list[HomeAuthority]:
    """This node, and each peer by which a login can succeed just now.

    We issue the statement about it, so that the relying party believes it; we name it in our hints, so that it finds
    the relying party's chain; and its own chain resolves to us without intermediate, as an OpenID provider.
    """
    ours = conf.authority()
    found = [HomeAuthority(ours.entity_id, ours.name)]
    for peer in Peer.objects.recognised(now).exclude(accepted_at=None).order_by("entity_id"):
        try:
            resolution.resolve(peer.entity_id, now=now, immediate=True, entity_type="openid_provider", at_hand=True)
        except (Refusal, Unavailable) as error:
            log.info("%s is not offered for logins just now: %s", peer.entity_id, error)
        else:
            found.append(HomeAuthority(peer.entity_id, peer.name))
    return found

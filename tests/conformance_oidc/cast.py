"""Who is the client of a plan, and who its second one: registered by an officer, or by itself in the plan of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.conformance.jose import generate
from tests.conformance_oidc import plans, registrant
from tests.conformance_oidc.clients import OTHER, RP
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Party, Site, described
from tests.conformance_oidc.plans import Plan
from tests.conformance_oidc.relying import Client, Server

BY_KEY = {"token_endpoint_auth_method": "private_key_jwt"}
QUERY = "?dummy1=lorem&dummy2=ipsum"  # of the redirect URI of second clients, as in the suite
SIGNING = {"require_signed_request_object": True, "authorization_signed_response_alg": "ES256"}
FIRST = {plans.SECURITY: "border", plans.SIGNING: "border-signing"}
SECOND = {plans.SECURITY: "border-second", plans.SIGNING: "border-signing-second"}
MODES = {plans.FORM_POST: "form_post", plans.SIGNING: "jwt"}


@dataclass(frozen=True)
class Cast:
    """Everybody who may play."""

    registered: Mapping[str, Party]
    server: Server
    sites: Mapping[str, Site]

    def first(self, plan: Plan) -> Client:
        """The client of ``plan``."""
        return self._client(plan, FIRST.get(plan, "basic"), RP)

    def second(self, plan: Plan) -> Client:
        """Another client, of another site."""
        return self._client(plan, SECOND.get(plan, "basic-other"), OTHER)

    def named(self, client_id: str, plan: Plan = plans.BASIC) -> Client:
        """A client that an officer registered, answered in the mode of ``plan``."""
        return Client(self.registered[client_id], self.server, MODES.get(plan))

    def _client(self, plan: Plan, client_id: str, host: str) -> Client:
        if plan is plans.DYNAMIC:
            return registrant.register(self.server, self.sites[host].origin, **BY_KEY)
        return self.named(client_id, plan)


def second_clients(node: Node, sites: Mapping[str, Site]) -> dict[str, Party]:
    """Those of the FAPI plans; one has a key for PS256."""
    site = sites[OTHER].origin
    parties = []
    for client_id, algorithm, more in (("border-second", "ES256", {}), ("border-signing-second", "PS256", SIGNING)):
        key, rsa = generate(algorithm), generate("RS256")
        own: dict[str, Any] = {"redirect_uris": [f"{site}/callback{QUERY}"], **BY_KEY, **more}
        metadata = described(site, jwks={"keys": [key.public, rsa.public]}, **own)
        parties.append(Party(client_id, "border", metadata, "", key, rsa))
    node.register_all((party.client_id, party.profile, party.metadata, ()) for party in parties)
    return {party.client_id: party for party in parties}

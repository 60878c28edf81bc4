"""Relying parties that come through a trust chain (OpenID Federation 1.0), as foreign clients are told of them."""

from typing import Any

from tests.conformance.jose import generate
from tests.conformance.relying_parties import STATEMENT, WELL_KNOWN, RelyingParty
from tests.conformance_oidc.node import Node
from tests.conformance_oidc.parties import Party, Site, described


def automatic(node: Node, site: Site) -> Party:
    """One that is below the node and known to nobody else: its first request registers it (§12.1)."""
    party = _below(node, site)
    party.overlay["metadata"] = {"federation_entity": {}, "openid_relying_party": _metadata(party, "automatic")}
    site.documents[WELL_KNOWN] = lambda: (STATEMENT, party.configuration())
    metadata = party.overlay["metadata"]["openid_relying_party"]
    return Party(party.entity_id, "federation", metadata, "", party.key, party.key)


def explicit(node: Node, site: Site) -> dict[str, Any]:
    """One that has to register explicitly (§12.2), and signs what it says of itself."""
    party = _below(node, site)
    return {
        "client_id": party.entity_id,
        "federation_key": party.federation_key.private_jwk,
        "federation_jwks": party.federation_key.jwks,
        "key": party.key.private_jwk,
        "metadata": _metadata(party, "explicit"),
    }


def _below(node: Node, site: Site) -> RelyingParty:
    key = generate("ES256")
    party = RelyingParty(site.origin, superior=node.issuer, provider=node.issuer, key=key)
    node.vouch_for(party.entity_id, party.federation_key.jwks)
    return party


def _metadata(party: RelyingParty, registration: str) -> dict[str, Any]:
    return {
        **described(party.entity_id),
        "client_registration_types": [registration],
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "jwks": party.key.jwks,
    }

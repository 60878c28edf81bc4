"""Clients that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration), as the suite makes them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance import wire
from tests.conformance.jose import generate
from tests.conformance.wire import Answer
from tests.conformance_oidc.parties import Party, described
from tests.conformance_oidc.relying import Client, Server


def asked(at: Server, metadata: Mapping[str, Any]) -> Answer:
    """Ask for a registration."""
    content = json.dumps(metadata).encode()
    return wire.send("POST", at.metadata["registration_endpoint"], headers=JSON, content=content)


def register(at: Server, site: str, **metadata: Any) -> Client:
    """Register a client at ``site``; its keys are published by value unless ``jwks_uri`` is given."""
    key, rsa = generate("ES256"), generate("RS256")
    wanted = described(site, **metadata)
    if "jwks_uri" not in wanted:
        wanted["jwks"] = {"keys": [key.public, rsa.public]}
    answer = asked(at, wanted)
    assert answer.status == 201, answer.text
    told = answer.json()
    assert told["redirect_uris"] == wanted["redirect_uris"] and told["client_id"]
    if not told["token_endpoint_auth_method"].endswith("jwt"):
        assert told["client_secret"] and told["client_secret_expires_at"] == 0
    return Client(Party(told["client_id"], "basic", told, told.get("client_secret", ""), key, rsa), at)


def read(client: Client) -> dict[str, Any]:
    """What the node says is registered (RFC 7592 §2.1)."""
    token = client.party.metadata["registration_access_token"]
    answer = wire.send(
        "GET", client.party.metadata["registration_client_uri"], headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


JSON = {"Content-Type": "application/json"}

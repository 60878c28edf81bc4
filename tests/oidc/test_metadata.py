"""What the provider says of itself must be what it does."""

from typing import Any

import pytest
from django.urls import resolve

from idp.federation import entities, resolution, signing
from idp.oidc import metadata
from idp.protocol import keys
from tests.oidc.world import NODE, World

DOCUMENTS = ["openid-configuration", "oauth-authorization-server"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_url_leads_to_a_view_of_this_node(world: World, name: str) -> None:
    """An endpoint that is advertised and not there."""
    response = world.machine.get(f"/.well-known/{name}")
    document: dict[str, Any] = response.json()
    assert document["issuer"] == NODE and "jwks" not in document
    urls = [value for key, value in document.items() if key.endswith(("_endpoint", "_uri"))]
    assert len(urls) >= 4
    for url in urls:
        assert url.startswith(f"{NODE}/")
        resolve(url.removeprefix(NODE))


def test_published_keys_are_public_and_those_that_sign(world: World) -> None:
    """A private member in a key set, or a key that signs nothing."""
    published = keys.parse_jwks(world.machine.get("/oidc/jwks").json())
    assert published.find(signing.signer("oidc", algorithm="ES256").kid) is not None


def test_only_what_works_is_advertised(world: World) -> None:
    """A client that believes the metadata must not run into a refusal."""
    document = metadata.openid_provider()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "RS256" not in document["token_endpoint_auth_signing_alg_values_supported"]
    assert document["require_pushed_authorization_requests"] is True
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "border_crossing" in document["authorization_details_types_supported"]
    assert "registration_endpoint" not in document and "introspection_endpoint" not in document


def test_entity_configuration_carries_it(world: World) -> None:
    """A wallet that resolves the chain finds endpoints and keys in it (OpenID Federation §5.1.3)."""
    said = entities.metadata()
    for kind in ("openid_provider", "oauth_authorization_server"):
        assert said[kind]["issuer"] == NODE and "jwks_uri" not in said[kind]
        keys.parse_jwks(said[kind]["jwks"])
    chain = resolution.resolve(NODE, now=world.now)
    assert chain.entity("openid_provider")["token_endpoint"] == f"{NODE}/oidc/token"

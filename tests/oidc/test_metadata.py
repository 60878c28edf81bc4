"""What the provider says of itself must be what it does."""

from typing import Any

import pytest
from django.urls import resolve

from idp.federation import entities, resolution, signing
from idp.federation.models import SigningKey
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


@pytest.mark.parametrize("path", ["/oidc/jwks", *(f"/.well-known/{name}" for name in DOCUMENTS)])
def test_another_method_is_refused_as_such(world: World, path: str) -> None:
    """invalid solely because it is a POST: a page about a cookie (403) tells a machine nothing."""
    refused = world.machine.post(path)
    assert (refused.status_code, refused["Allow"]) == (405, "GET")


def test_published_keys_are_public_and_those_that_sign(world: World) -> None:
    """A private member in a key set, or a key that signs nothing."""
    published = keys.parse_jwks(world.machine.get("/oidc/jwks").json())
    assert published.find(signing.signer("oidc", algorithm="ES256").kid) is not None


def test_only_what_works_is_advertised(world: World) -> None:
    """A client that believes the metadata must not run into a refusal."""
    document = metadata.openid_provider()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256", "RS256"]
    assert document["require_pushed_authorization_requests"] is False
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "border_crossing" in document["authorization_details_types_supported"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert document["client_registration_types_supported"] == ["automatic", "explicit"]
    assert document["federation_registration_endpoint"] == f"{NODE}/oidc/federation-registration"
    assert document["request_object_encryption_alg_values_supported"] == ["ECDH-ES", "RSA-OAEP", "RSA-OAEP-256"]
    assert document["request_object_encryption_enc_values_supported"] == ["A256GCM"]
    assert "request_authentication_methods_supported" not in document  # gone from the final text (its §5.1.3)
    assert "registration_endpoint" not in document
    assert document["introspection_signing_alg_values_supported"] == ["RS256", "ES256"]
    for endpoint in ("introspection", "revocation"):
        for said in ("methods", "signing_alg_values"):
            name = f"endpoint_auth_{said}_supported"
            assert document[f"{endpoint}_{name}"] == document[f"token_{name}"]


def test_entity_configuration_carries_it(world: World) -> None:
    """A wallet that resolves the chain finds endpoints and keys in it (OpenID Federation §5.1.3)."""
    said = entities.metadata()
    for kind in ("openid_provider", "oauth_authorization_server"):
        assert said[kind]["issuer"] == NODE
        keys.parse_jwks(said[kind]["jwks"])
    chain = resolution.resolve(NODE, now=world.now)
    assert chain.entity("openid_provider")["token_endpoint"] == f"{NODE}/oidc/token"


def test_each_key_says_what_it_is_for(world: World) -> None:
    """OpenID Connect Discovery §3: with both kinds in one set, ``use`` is required; a private member is fatal."""
    published = metadata.jwks()["keys"]
    assert {key["use"] for key in published} == {"sig", "enc"}
    assert all("d" not in key for key in published)
    sealed = [key for key in published if key["use"] == "enc"]
    assert [key["kid"] for key in sealed] == [signing.private_key("request").kid]
    assert sealed == [key for key in world.machine.get("/oidc/jwks").json()["keys"] if key["use"] == "enc"]


def test_node_without_an_encryption_key_promises_none(world: World) -> None:
    """A node whose keys were made before there was such a use goes on without."""
    SigningKey.objects.filter(use="request").delete()
    document = metadata.openid_provider()
    assert not [name for name in document if name.startswith("request_object_encryption")]
    assert {key["use"] for key in document["jwks"]["keys"]} == {"sig"}

"""What discovery says, under the module names of the Foundation's plans."""

import re
from typing import Any

import pytest

from tests.conformance import jose, wire
from tests.conformance_oidc.plans import BACKCHANNEL, CONFIG, FAPI, LOGOUT, SIGNING, Plan, module
from tests.conformance_oidc.relying import Server

pytestmark = pytest.mark.e2e
MODERN = {"PS256", "ES256", "EdDSA", "Ed25519"}
LEAST = {"RSA": 2048, "EC": 256, "OKP": 256}  # bits
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def _https(value: object) -> bool:
    return isinstance(value, str) and re.match(r"https://[^/]+/", value) is not None and "#" not in value


def _strings(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _sound(metadata: Any, issuer: str) -> None:
    assert metadata["issuer"] == issuer
    for name, value in metadata.items():
        assert not name.endswith(("_endpoint", "_uri")) or _https(value), name
        assert not name.endswith("_supported") or isinstance(value, bool) or _strings(value), name
    assert "openid" in metadata["scopes_supported"] and "code" in metadata["response_types_supported"]
    assert set(metadata["subject_types_supported"]) <= {"pairwise", "public"}
    assert "authorization_code" in metadata["grant_types_supported"]
    assert all(re.match(r"[!#-\[\]-~]+\Z", scope) for scope in metadata["scopes_supported"])


def _sound_keys(server: Server) -> None:
    answer = wire.get(server.metadata["jwks_uri"])
    assert answer.status == 200
    keys = server.signing_keys()
    kids = [key["kid"] for key in keys]
    assert kids and len(set(kids)) == len(kids)
    for key in keys:
        assert not PRIVATE & set(key)
        assert len(jose.decode(key.get("n") or key["x"])) * 8 >= LEAST[key["kty"]]


@module("discovery-endpoint-verification", CONFIG)
def test_openid(server: Server) -> None:
    """A configuration that a client of the config plan cannot work with."""
    answer = wire.get(f"{server.issuer}/.well-known/openid-configuration")
    assert answer.status == 200 and answer.headers["content-type"].split(";")[0] == "application/json"
    metadata = answer.json()
    _sound(metadata, server.issuer)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"):
        assert _https(metadata[name]), name
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "RS256" in metadata["request_object_signing_alg_values_supported"]
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} <= set(
        metadata["token_endpoint_auth_methods_supported"]
    )
    assert {"sub", "iss", "aud", "exp", "iat"} <= set(metadata["claims_supported"])
    _sound_keys(server)


@module("discovery-end-point-verification", *FAPI)
def test_fapi(plan: Plan, server: Server) -> None:
    """A configuration that a FAPI 2.0 client cannot work with; OpenID's and OAuth's (RFC 8414) alike."""
    for form in ("openid-configuration", "oauth-authorization-server"):
        metadata = wire.get(f"{server.issuer}/.well-known/{form}").json()
        assert metadata["issuer"] == server.issuer
        for name in ("pushed_authorization_request_endpoint", "token_endpoint", "authorization_endpoint", "jwks_uri"):
            assert _https(metadata[name]), name
        assert metadata["authorization_response_iss_parameter_supported"] is True
        assert isinstance(metadata.get("require_pushed_authorization_requests", False), bool)
        assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert MODERN & set(metadata["dpop_signing_alg_values_supported"]) == set(
            metadata["dpop_signing_alg_values_supported"]
        )
        for name in ("token_endpoint_auth_signing_alg_values_supported", "request_object_signing_alg_values_supported"):
            assert MODERN & set(metadata[name]) and "none" not in metadata[name], name
        assert plan is not SIGNING or {"jwt", "query.jwt"} <= set(metadata["response_modes_supported"])
    _sound(server.metadata, server.issuer)
    assert MODERN & set(server.metadata["id_token_signing_alg_values_supported"])
    assert {"authorization_code", "refresh_token"} <= set(server.metadata["grant_types_supported"])
    _sound_keys(server)


@module("rp-initiated-logout-discovery-endpoint-verification", LOGOUT)
def test_logout(server: Server) -> None:
    """A logout that nobody finds."""
    assert _https(server.metadata["end_session_endpoint"])


@module("backchannel-logout-discovery-endpoint-verification", BACKCHANNEL)
def test_backchannel_logout(server: Server) -> None:
    """A logout that clients are not told of, or not of which session."""
    assert server.metadata["backchannel_logout_supported"] is True
    assert server.metadata["backchannel_logout_session_supported"] is True
    assert _https(server.metadata["end_session_endpoint"])

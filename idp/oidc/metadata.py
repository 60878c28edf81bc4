"""What this provider says of itself: one text for federation, discovery (OpenID) and RFC 8414. Only what works."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from idp import conf
from idp.federation import signing
from idp.oidc import authorization_details, client_authentication, levels, server, tokens
from idp.protocol import jws, pkce

ENDPOINTS = {
    "authorization_endpoint": "/oidc/authorize",
    "token_endpoint": "/oidc/token",
    "pushed_authorization_request_endpoint": "/oidc/par",
}
_ALGORITHMS = list(jws.MODERN)


def oauth_authorization_server() -> dict[str, Any]:
    """RFC 8414 §2, with the keys themselves: a trust chain carries them to those who cannot fetch."""
    authority = conf.authority()
    return {
        "issuer": authority.entity_id,
        **{name: authority.url(path) for name, path in ENDPOINTS.items()},
        "jwks": signing.published("oidc").jwks(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(server.GRANT_TYPES),
        "scopes_supported": list(server.SCOPES),
        "token_endpoint_auth_methods_supported": [client_authentication.METHOD],
        "token_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "code_challenge_methods_supported": [pkce.METHOD],
        "require_pushed_authorization_requests": True,  # RFC 9126 §5
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 §3
        "dpop_signing_alg_values_supported": _ALGORITHMS,  # RFC 9449 §5.1
        "authorization_details_types_supported": authorization_details.supported(),  # RFC 9396 §10
        "acr_values_supported": list(levels.LEVELS),
        "client_registration_types_supported": ["automatic"],  # OpenID Federation 1.0 §5.1.3
        "ui_locales_supported": [code for code, _ in settings.LANGUAGES],
    }


def openid_provider() -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {
        **oauth_authorization_server(),
        "userinfo_endpoint": conf.authority().url("/oidc/userinfo"),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [tokens.ALGORITHM],
        "request_object_signing_alg_values_supported": _ALGORITHMS,
        "request_parameter_supported": True,  # at the pushed authorization request endpoint
        "request_uri_parameter_supported": False,  # none but our own
        "claims_parameter_supported": False,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr"],
    }


def published(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` as a well-known document has it: keys by reference."""
    members = {name: value for name, value in document.items() if name != "jwks"}
    return {**members, "jwks_uri": conf.authority().url("/oidc/jwks")}

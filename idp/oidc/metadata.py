"""What this provider says of itself: one text for federation, discovery (OpenID) and RFC 8414. Only what works."""

import contextlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from idp import conf
from idp.federation import signing
from idp.oidc import (
    authorization_details,
    claims,
    client_metadata,
    encrypted_answers,
    initial_access,
    levels,
    parameters,
    request_objects,
    responses,
    server,
    verified,
)
from idp.protocol import encrypted_request, jws, pkce
from idp.protocol.claims_request import VERIFIED
from idp.protocol.refusals import Unavailable

ENDPOINTS = {
    "authorization_endpoint": "/oidc/authorize",
    "token_endpoint": "/oidc/token",
    "pushed_authorization_request_endpoint": "/oidc/par",
    "federation_registration_endpoint": "/oidc/federation-registration",
    "challenge_endpoint": "/oidc/attestation-challenge",  # of client attestations
    "introspection_endpoint": "/oidc/introspect",
    "revocation_endpoint": "/oidc/revoke",
}
REGISTER = "/oidc/register"
REGISTRATION = ["automatic", "explicit"]  # OpenID Federation 1.0 §5.1.3
_ALGORITHMS = list(jws.MODERN)
_CLIENT_ALGORITHMS = list(jws.WITH_RS256)  # the border profile takes no RS256


def oauth_authorization_server() -> dict[str, Any]:
    """RFC 8414 §2, with the keys themselves: a trust chain carries them to those who cannot fetch."""
    authority = conf.authority()
    return {
        "issuer": authority.entity_id,
        **{name: authority.url(path) for name, path in ENDPOINTS.items()},
        **_registration(),
        "jwks": jwks(),
        "response_types_supported": ["code"],
        "response_modes_supported": list(responses.MODES),
        "grant_types_supported": list(server.GRANT_TYPES),
        "scopes_supported": list(parameters.SCOPES),
        **_authentication(),
        "introspection_signing_alg_values_supported": list(client_metadata.ID_TOKEN_ALGORITHMS),  # RFC 9701 §7
        "client_attestation_signing_alg_values_supported": _ALGORITHMS,
        "client_attestation_pop_signing_alg_values_supported": _ALGORITHMS,
        "code_challenge_methods_supported": [pkce.METHOD],
        "require_pushed_authorization_requests": False,  # RFC 9126 §5; the border profile requires them
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 §3
        "authorization_signing_alg_values_supported": list(client_metadata.ID_TOKEN_ALGORITHMS),  # JARM §4
        **encrypted_answers.published(encrypted_answers.AUTHORIZATION),
        "dpop_signing_alg_values_supported": _ALGORITHMS,  # RFC 9449 §5.1
        "authorization_details_types_supported": authorization_details.supported(),  # RFC 9396 §10
        "acr_values_supported": list(levels.LEVELS),
        "client_registration_types_supported": REGISTRATION,
        **_request_objects(),
        "ui_locales_supported": [code for code, _ in settings.LANGUAGES],
    }


def openid_provider() -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {
        **oauth_authorization_server(),
        "jwks_uri": conf.authority().url("/oidc/jwks"),  # the same keys, for those who know no other way
        "userinfo_endpoint": conf.authority().url("/oidc/userinfo"),
        "end_session_endpoint": conf.authority().url("/oidc/logout"),  # RP-Initiated Logout §2.1
        "backchannel_logout_supported": True,  # Back-Channel Logout §2.1
        "backchannel_logout_session_supported": True,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(client_metadata.ID_TOKEN_ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(client_metadata.ID_TOKEN_ALGORITHMS),
        **encrypted_answers.published(encrypted_answers.ID_TOKEN, encrypted_answers.USERINFO),
        "claims_parameter_supported": True,
        "claims_supported": [*claims.PROTOCOL, *sorted(claims.TOLD), VERIFIED],
        **verified.published(),
    }


def jwks() -> dict[str, Any]:
    """The keys that our tokens are verified with, and those that requests are encrypted to, each with its ``use``."""
    signers = [{**key, "use": "sig"} for key in signing.published("oidc").jwks()["keys"]]
    return {"keys": [*signers, *_encryption_keys()]}


def _encryption_keys() -> list[dict[str, Any]]:
    found = []
    for algorithm in signing.ALGORITHMS[request_objects.KEY_USE]:
        with contextlib.suppress(Unavailable):  # a node whose keys were made before there was such a one
            key = signing.private_key(request_objects.KEY_USE, algorithm=algorithm)
            found.append(encrypted_request.public_jwk(key.public))
    return found


def _registration() -> dict[str, Any]:
    """Only where clients may register themselves (RFC 8414 §2)."""
    return {"registration_endpoint": conf.authority().url(REGISTER)} if initial_access.is_on() else {}


def _authentication() -> dict[str, Any]:
    """The same wherever a client authenticates (RFC 8414 §2)."""
    members: dict[str, Any] = {}
    for endpoint in ("token", "introspection", "revocation"):
        members[f"{endpoint}_endpoint_auth_methods_supported"] = client_metadata.authentication_methods()
        members[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = _CLIENT_ALGORITHMS
    return members


def _request_objects() -> dict[str, Any]:
    """RFC 9101 §10.5 and OpenID Connect Discovery §3."""
    members: dict[str, Any] = {
        "request_object_signing_alg_values_supported": _CLIENT_ALGORITHMS,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,  # none but our own
    }
    if _encryption_keys():
        members["request_object_encryption_alg_values_supported"] = list(encrypted_request.ALGORITHMS)
        members["request_object_encryption_enc_values_supported"] = [encrypted_request.ENCRYPTION]
    return members


def published(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` as a well-known document has it: keys by reference."""
    members = {name: value for name, value in document.items() if name != "jwks"}
    return {**members, "jwks_uri": conf.authority().url("/oidc/jwks")}

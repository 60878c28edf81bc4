"""The OAuth and OpenID endpoints for machines, and the documents that name them."""

from idp.oidc import metadata, responses
from idp.oidc.server import GRANT_TYPES
from idp.openapi.terms import (
    COMPACT,
    COMPACT_OR_SEALED,
    DURATION,
    FORM,
    JSON,
    SECONDS,
    TEXT,
    URL,
    Object,
    answer,
    array,
    body,
    header,
    in_path,
    oauth_errors,
    one_of,
    or_page,
    problems,
    record,
    texts,
)
from idp.protocol import pkce
from idp.protocol.client_assertion import ASSERTION_TYPE

_PROOF = header("DPoP")
_ATTESTATION = [header("OAuth-Client-Attestation"), header("OAuth-Client-Attestation-PoP")]
_CLIENT: Object = {  # how a client authenticates in a form; `_SECRET` is the way by a header
    "client_id": TEXT,
    "client_assertion_type": one_of(ASSERTION_TYPE),
    "client_assertion": COMPACT,
    "client_secret": TEXT,
}
_SECRET: list[Object] = [{"clientSecret": []}, {}]
_FORM_ERRORS = ("invalid_request", "method_not_allowed", "too_large", "temporarily_unavailable")
_CLIENT_ERRORS = (
    *("invalid_client", "unauthorized_client", "invalid_client_attestation"),
    *("use_attestation_challenge", "use_fresh_attestation", *_FORM_ERRORS),
)
_TRUST_ERRORS = ("invalid_trust_anchor", "invalid_trust_chain", "invalid_metadata")
_TOLD = {
    "WWW-Authenticate": "how to authenticate",
    "DPoP-Nonce": "what the next proof must contain (RFC 9449 §8)",
    "OAuth-Client-Attestation-Challenge": "what the next attestation's proof must answer",
}
_KEY = record({"kty": TEXT}, {**texts("kid", "use", "alg", "crv", "x", "y", "n", "e")})
_KEYS = record({"keys": array(_KEY)})


def paths() -> Object:
    """The path items by path."""
    return {
        "/oidc/par": {"post": _par()},
        "/oidc/token": {"post": _token()},
        "/oidc/introspect": {"post": _introspect()},
        "/oidc/revoke": {"post": _revoke()},
        "/oidc/userinfo": {"get": _userinfo("get"), "post": _userinfo("post")},
        "/oidc/register": {"post": _register()},
        "/oidc/register/{client_id}": _configuration(),
        "/oidc/attestation-challenge": {"post": _challenge()},
        "/oidc/federation-registration": {"post": _federation_registration()},
        "/oidc/jwks": {"get": _document("jwks", "Keys of tokens and of encrypted requests (RFC 7517 §5)", _KEYS)},
        "/.well-known/openid-configuration": {
            "get": _document(
                "openid_configuration",
                "OpenID Connect Discovery §4",
                _metadata("jwks_uri", "userinfo_endpoint", "end_session_endpoint"),
            )
        },
        "/.well-known/oauth-authorization-server": {
            "get": _document("oauth_authorization_server", "RFC 8414 §3", _metadata("jwks_uri"))
        },
    }


def _par() -> Object:
    request = texts(
        *("request", "redirect_uri", "scope", "state", "nonce", "code_challenge", "dpop_jkt", "authorization_details"),
        *("resource", "claims", "prompt", "acr_values", "max_age", "login_hint", "id_token_hint", "ui_locales"),
        *("claims_locales", "display"),
    )
    request |= {
        "response_type": one_of("code"),
        "response_mode": one_of(*sorted(responses.MODES)),
        "code_challenge_method": one_of(pkce.METHOD),
    }
    return {
        "operationId": "push",
        "summary": "Push an authorization request (RFC 9126 §2)",
        "security": _SECRET,
        "parameters": [_PROOF, *_ATTESTATION],
        "requestBody": body(record({}, {**_CLIENT, **request}), FORM),
        "responses": {
            "201": answer("Kept for the browser", (JSON, record({"request_uri": URL, "expires_in": DURATION}))),
            **oauth_errors(
                *(*_CLIENT_ERRORS, *_TRUST_ERRORS, "invalid_request_object", "unsupported_response_type"),
                *("invalid_scope", "invalid_target", "invalid_authorization_details", "invalid_dpop_proof"),
                *("unmet_authentication_requirements", "invalid_grant"),
                headers=_TOLD,
            ),
        },
    }


def _token() -> Object:
    request = texts("code", "redirect_uri", "code_verifier", "refresh_token", "scope", "authorization_details")
    resource = array(TEXT, description="may stand several times (RFC 8707 §2)")
    issued = record(
        {"access_token": TEXT, "token_type": one_of("DPoP", "Bearer"), "expires_in": DURATION},
        {
            "id_token": COMPACT_OR_SEALED,
            **texts("refresh_token", "scope"),
            "authorization_details": array({"type": "object"}),
        },
    )
    return {
        "operationId": "token",
        "summary": "Tokens for a code, a refresh token or the client itself (RFC 6749 §3.2)",
        "security": _SECRET,
        "parameters": [_PROOF, *_ATTESTATION],
        "requestBody": body(
            record({"grant_type": one_of(*GRANT_TYPES)}, {**_CLIENT, **request, "resource": resource}), FORM
        ),
        "responses": {
            "200": answer("Tokens", (JSON, issued), headers={"DPoP-Nonce": _TOLD["DPoP-Nonce"]}),
            **oauth_errors(
                *(*_CLIENT_ERRORS, "invalid_grant", "unsupported_grant_type", "invalid_scope", "invalid_target"),
                *("invalid_authorization_details", "invalid_dpop_proof"),
                headers=_TOLD,
            ),
        },
    }


def _introspect() -> Object:
    told = record({"active": {"type": "boolean"}}, texts("iss", "sub", "aud", "client_id", "scope", "token_type"))
    return {
        "operationId": "introspect",
        "summary": "Whether a token lives, and what it says (RFC 7662 §2, RFC 9701)",
        "security": _SECRET,
        "parameters": _ATTESTATION,
        "requestBody": body(record({"token": TEXT}, {**_CLIENT, "token_type_hint": TEXT}), FORM),
        "responses": {
            "200": answer(
                "To whom it concerns; to all others {active: false}",
                (JSON, told),
                ("application/token-introspection+jwt", COMPACT),
            ),
            **oauth_errors(*_CLIENT_ERRORS, headers=_TOLD),
        },
    }


def _revoke() -> Object:
    return {
        "operationId": "revoke",
        "summary": "Give a token back (RFC 7009 §2)",
        "security": _SECRET,
        "parameters": _ATTESTATION,
        "requestBody": body(record({"token": TEXT}, {**_CLIENT, "token_type_hint": TEXT}), FORM),
        "responses": {
            "200": answer("Also for a token that is unknown, or another's"),
            **oauth_errors(*_CLIENT_ERRORS, headers=_TOLD),
        },
    }


def _userinfo(method: str) -> Object:
    sent = body(record({}, {"access_token": TEXT}), FORM, needed=False)  # for conventional clients; `bearerToken` else
    return {
        "operationId": f"userinfo_{method}",
        "summary": "The traveller as the client may know them (OpenID Connect Core §5.3)",
        "security": [{"accessToken": []}, {"bearerToken": []}, *([{}] if method == "post" else [])],
        "parameters": [_PROOF],
        **({"requestBody": sent} if method == "post" else {}),
        "responses": {
            "200": answer(
                "Claims; a JWT where the client has registered that they be signed or encrypted",
                (JSON, record({"sub": TEXT})),
                ("application/jwt", COMPACT_OR_SEALED),
            ),
            **problems(
                *("invalid_request", "invalid_token", "invalid_dpop_proof", "use_dpop_nonce", "device_revoked"),
                *("forbidden", "method_not_allowed", "temporarily_unavailable"),
                headers=_TOLD,
            ),
        },
    }


def _registered() -> Object:
    return record(
        {"client_id": TEXT, "registration_client_uri": URL, "registration_access_token": TEXT},
        {"client_secret": TEXT, "client_secret_expires_at": SECONDS, "client_id_issued_at": SECONDS},
    )


def _register() -> Object:
    return {
        "operationId": "register",
        "summary": "Register a client, where the authority wants that (RFC 7591 §3)",
        "security": [{"registrationToken": []}, {}],
        "requestBody": body(record({}, {"redirect_uris": array(TEXT), "client_name": TEXT}), JSON),
        "responses": {
            "201": answer("The client", (JSON, _registered())),
            **or_page(oauth_errors(*_registration_errors(), headers=_TOLD), "404"),
        },
    }


def _registration_errors() -> tuple[str, ...]:
    return (
        *("invalid_client_metadata", "invalid_redirect_uri", "unapproved_software_statement", "invalid_token"),
        *("method_not_allowed", "too_large", "temporarily_unavailable"),
    )


def _configuration() -> Object:
    of_token = ("invalid_token", "access_denied", "method_not_allowed", "temporarily_unavailable")
    common: Object = {"security": [{"registrationToken": []}], "parameters": [in_path("client_id")]}
    information = answer("The client", (JSON, _registered()))
    return {
        "get": {
            **common,
            "operationId": "read_client",
            "summary": "The registration (RFC 7592 §2.1)",
            "responses": {"200": information, **or_page(oauth_errors(*of_token, headers=_TOLD), "404")},
        },
        "put": {
            **common,
            "operationId": "update_client",
            "summary": "Replace the registration; the answer has another token (RFC 7592 §2.2)",
            "requestBody": body(record({"client_id": TEXT}), JSON),
            "responses": {
                "200": information,
                **or_page(oauth_errors("access_denied", *_registration_errors(), headers=_TOLD), "404"),
            },
        },
        "delete": {
            **common,
            "operationId": "delete_client",
            "summary": "Forget the client (RFC 7592 §2.3)",
            "responses": {
                "204": answer("Forgotten"),
                **or_page(oauth_errors(*of_token, headers=_TOLD), "404"),
            },
        },
    }


def _challenge() -> Object:
    return {
        "operationId": "attestation_challenge",
        "summary": "A challenge for the proof of a client attestation",
        "responses": {
            "200": answer("Good for some minutes", (JSON, record({"attestation_challenge": TEXT}))),
            **oauth_errors("method_not_allowed", "temporarily_unavailable"),
        },
    }


def _federation_registration() -> Object:
    content: Object = {
        "application/entity-statement+jwt": {"schema": COMPACT},
        "application/trust-chain+json": {"schema": array(COMPACT)},
    }
    return {
        "operationId": "federation_registration",
        "summary": "Explicit registration (OpenID Federation 1.0 §12.2)",
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": answer("Registered", ("application/explicit-registration-response+jwt", COMPACT)),
            **oauth_errors(*_TRUST_ERRORS, *_FORM_ERRORS),
        },
    }


def _document(name: str, summary: str, schema: Object) -> Object:
    kind = "application/jwk-set+json" if schema is _KEYS else JSON
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": answer("May be kept for minutes", (kind, schema)), "405": answer("Use GET")},
    }


def _metadata(*more: str) -> Object:
    urls = texts("issuer", *metadata.ENDPOINTS, *more, schema=URL)
    return record({**urls, "response_types_supported": array(TEXT)}, {"registration_endpoint": URL})

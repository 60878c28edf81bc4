"""What a client may register with us directly, by an officer or by itself (RFC 7591 §2, OpenID Registration §2).

What we do not know is left out and what we do not do is replaced, as RFC 7591 §3.2.1 allows: the answer tells. Refused
is what the client would wait for in vain, and what would be a danger.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from idp.federation import fetching
from idp.oidc import client_metadata, encrypted_answers, levels, verified
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import jwk_set, strict_json
from idp.protocol.refusals import Refusal, Unavailable

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
FOR_OFFICERS = frozenset({"client_credentials"})  # a client that speaks for itself is somebody's decision
MAX_BYTES = 65_536  # as JSON; twenty keys and all redirect URIs have a third of it
MAX_TEXT = 512
TIMEOUT = 5.0  # seconds, for the sector's list

_LANGUAGES = frozenset({"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"})  # with #tag too
_SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
_SIGNED = ("ES256", "EdDSA", "Ed25519", "PS256", "RS256")


def accept(metadata: Mapping[str, Any], *, profile: str, by_officer: bool) -> dict[str, Any]:
    """The metadata to register, with every default written out.

    Raises `OAuthError`: invalid_redirect_uri, or invalid_client_metadata for all the rest.
    """
    if len(json.dumps(metadata)) > MAX_BYTES or "\\u0000" in json.dumps(metadata):  # PostgreSQL cannot hold a null
        raise _bad("too large, or with a null character")
    known = {name: _MEMBERS[_base(name)](value, name) for name, value in metadata.items() if _is_known(name)}
    if not by_officer:
        known.pop(verified.MEMBER, None)
    if profile == Client.Profile.BORDER:
        known["id_token_signed_response_alg"] = "ES256"  # noqa: S105  FAPI 2.0 §5.4.1 leaves RS256 out
    else:
        known.pop("authorization_details_types", None)
    registered: dict[str, Any] = {
        "token_endpoint_auth_method": client_metadata.AUTHENTICATION[profile][0],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": client_metadata.ID_TOKEN_ALGORITHMS[0],
        "subject_type": "pairwise",
        **known,
    }
    _check_grants(registered, by_officer=by_officer)
    _check_redirects(registered)
    _check_authentication(registered, metadata, profile=profile)
    try:
        client_metadata.check_answers({**metadata, **registered, "response_types": ["code"]})
    except OAuthError as error:
        raise _bad(error.detail) from error
    return encrypted_answers.completed(registered)


def needs_secret(metadata: Mapping[str, Any]) -> bool:
    """Whether a client that registered ``metadata`` authenticates by a secret."""
    return metadata["token_endpoint_auth_method"] in _SECRET_METHODS


def sector(client_id: str, metadata: Mapping[str, Any]) -> str:
    """The sector of the client's pairwise subjects (OpenID Connect Core §8.1).

    The list behind ``sector_identifier_uri`` is fetched: each redirect URI must stand there, or a client could take a
    neighbour's subjects by naming the neighbour's sector. Raises `OAuthError` (invalid_client_metadata).
    """
    uri = metadata.get("sector_identifier_uri")
    if uri is None:
        return client_metadata.sector(client_id, metadata) if metadata.get("redirect_uris") else client_id[:255]
    try:
        response = fetching.get(uri, media_type="application/json", timeout=TIMEOUT)
        listed = strict_json.loads(response.body)
    except (Refusal, Unavailable) as error:
        raise _bad(f"sector_identifier_uri: {error}") from error
    match = client_metadata.web(uri)
    if match is None or not isinstance(listed, list) or not set(metadata.get("redirect_uris", [])) <= _strings(listed):
        raise _bad("a redirect URI that is not of the sector")
    return match["host"][:255]


def _check_grants(registered: dict[str, Any], *, by_officer: bool) -> None:
    """`grant_types` and `response_types` belong together (RFC 7591 §2.1)."""
    granted = [name for name in registered["grant_types"] if by_officer or name not in FOR_OFFICERS]
    asked = registered.pop("response_types", ["code"])
    if "authorization_code" not in granted:
        if "refresh_token" in granted or not granted or asked not in ([], ["code"]):
            raise _bad("grant_types that give nothing, or do not go with response_types")
        registered["response_types"] = []
    elif "code" not in asked:
        raise _bad("the client does not take codes")
    else:
        registered["response_types"] = ["code"]
    registered["grant_types"] = granted


def _check_redirects(registered: Mapping[str, Any]) -> None:
    if registered["response_types"] or "redirect_uris" in registered:
        _redirect_uris(registered.get("redirect_uris"))
    if "post_logout_redirect_uris" in registered:
        _redirect_uris(registered["post_logout_redirect_uris"])


def _redirect_uris(value: object) -> None:
    try:
        client_metadata.hosts({"redirect_uris": value})
    except OAuthError as error:
        raise OAuthError("invalid_redirect_uri", error.detail) from error


def _check_authentication(registered: dict[str, Any], metadata: Mapping[str, Any], *, profile: str) -> None:
    """Keys where something of the client's is verified with them, and one place for them (RFC 7591 §2)."""
    method = registered["token_endpoint_auth_method"]
    if method not in client_metadata.AUTHENTICATION[profile]:
        raise _bad("a token_endpoint_auth_method that the profile does not allow")
    if "jwks" in registered and "jwks_uri" in registered:
        raise _bad("both jwks and jwks_uri")
    signs = registered.get("require_signed_request_object") or "request_object_signing_alg" in registered
    if method in _SECRET_METHODS and not signs and not {"jwks", "jwks_uri"} & set(registered):
        if encrypted_answers.wanted(registered):
            raise _bad("answers to encrypt, and no keys to encrypt them to")
        return
    try:
        if method in _SECRET_METHODS and not signs and "jwks" in registered:  # they may all be for encryption
            jwk_set.check(registered["jwks"])
            return
        client_metadata.check_keys(registered)
    except (OAuthError, Refusal) as error:
        raise _bad(str(error)) from error


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_TEXT:
        raise _bad(f"{name} is not a text of 1 to {MAX_TEXT} characters")
    return value.strip()


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or len(value) > client_metadata.MAX_REDIRECT_URIS:
        raise _bad(f"{name} is not a short array")
    return [_text(item, name) for item in value]


def _uris(value: object, name: str) -> Any:
    return value  # `_check_redirects` has its own error


def _web(value: object, name: str) -> str:
    if client_metadata.web(value) is None:
        raise _bad(f"{name} is not an https URL")
    return str(value)


def _boolean(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise _bad(f"{name} is neither true nor false")
    return value


def _seconds(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**9:
        raise _bad(f"{name} is not a number of seconds")
    return value


def _keys(value: object, name: str) -> Any:
    return value  # `check_keys` looks at them


def _subset(*known: str) -> Callable[[object, str], list[str]]:
    """An array of which we keep what we know."""

    def read(value: object, name: str) -> list[str]:
        asked = _texts(value, name)
        return [item for item in known if item in asked]

    return read


def _one_of(*known: str) -> Callable[[object, str], str]:
    def read(value: object, name: str) -> str:
        if value not in known:
            raise _bad(f"{name} is none of {', '.join(known)}")
        return str(value)

    return read


_MEMBERS: Mapping[str, Callable[[object, str], Any]] = {
    "client_name": _text,
    "client_uri": _web,
    "logo_uri": _web,
    "policy_uri": _web,
    "tos_uri": _web,
    "contacts": _texts,
    "software_id": _text,
    "software_version": _text,
    "application_type": _one_of("web", "native"),
    "redirect_uris": _uris,
    "post_logout_redirect_uris": _uris,
    "sector_identifier_uri": _web,
    "initiate_login_uri": _web,
    "backchannel_logout_uri": _web,
    "backchannel_logout_session_required": _boolean,
    "response_types": _texts,
    "grant_types": _subset(*GRANT_TYPES),
    "scope": _text,
    "token_endpoint_auth_method": _text,
    "token_endpoint_auth_signing_alg": _one_of(*_SIGNED),
    "request_object_signing_alg": _one_of(*_SIGNED),
    "id_token_signed_response_alg": _text,
    "userinfo_signed_response_alg": _text,
    "authorization_signed_response_alg": _text,
    "introspection_signed_response_alg": _text,
    **dict.fromkeys(encrypted_answers.MEMBERS, _text),
    "subject_type": _one_of("pairwise"),
    "jwks": _keys,
    "jwks_uri": _web,
    "default_max_age": _seconds,
    "default_acr_values": _subset(*levels.LEVELS),
    "require_auth_time": _boolean,
    "require_signed_request_object": _boolean,
    "require_pushed_authorization_requests": _boolean,
    "dpop_bound_access_tokens": _boolean,
    "authorization_details_types": _texts,
    verified.MEMBER: _subset(*verified.NAMES),  # ours
}


def _base(name: str) -> str:
    base = name.partition("#")[0]
    return base if base in _LANGUAGES else name


def _is_known(name: str) -> bool:
    return _base(name) in _MEMBERS


def _strings(values: list[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _bad(detail: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", detail)

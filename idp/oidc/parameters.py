"""The authorization request's parameters as typed values, whichever way they came."""

from collections.abc import Mapping
from typing import Any

from idp.oidc import tokens, verified
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import authorization_details, claims_request
from idp.protocol.refusals import Refusal

SCOPES = ("openid", "profile", "email", "phone", "address", "offline_access")
MAX_HINT = 8192  # an id token with claims in it
MAX_STATE = 512  # state and nonce; FAPI 2.0's conformance suite sends 384 and 1000, its clients 64
_LIMITS: Mapping[str, int] = {
    "client_id": 512,
    "response_type": 64,
    "response_mode": 32,
    "redirect_uri": 2048,
    "scope": 255,
    "state": MAX_STATE,
    "nonce": MAX_STATE,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "acr_values": 512,
    "prompt": 64,
    "dpop_jkt": 64,
    "ui_locales": 128,
    "claims_locales": 128,
    "display": 16,
    "login_hint": 256,
}


def of(client: Client, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that ``client`` sent, as `typed` gives them, and its identifier.

    A conventional relying party asks for scopes that we do not know: they are left out (OpenID Connect Core §3.1.2.1),
    and so are verified claims that the client may not ask for.
    """
    values = {**_registered_defaults(client), **typed(raw), "client_id": client.client_id}
    if client.profile != Client.Profile.BORDER and "scope" in values:
        known = client.metadata.get("scope", " ".join(SCOPES)).split()  # RFC 7591 §2: those that it may ask for
        asked = values["scope"].split()
        values["scope"] = " ".join(scope for scope in SCOPES if scope in asked and scope in known)
    if "claims" in values:
        values["claims"] = verified.narrowed(values["claims"], verified.permitted(client))
    if "id_token_hint" in raw:
        values["hinted_sub"] = tokens.hinted(_text(raw["id_token_hint"], "id_token_hint", MAX_HINT), client).sub
    return values


def _registered_defaults(client: Client) -> dict[str, Any]:
    """What counts where the request says nothing (OpenID Connect Registration §2)."""
    found: dict[str, Any] = {}
    if isinstance(age := client.metadata.get("default_max_age"), int) and not isinstance(age, bool) and age >= 0:
        found["max_age"] = age
    if levels := client.listed("default_acr_values"):
        found["acr_values"] = " ".join(levels)
    return found


def typed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that we know, checked for type and length; the others are ignored (RFC 6749 §3.1).

    Strings, but ``authorization_details``: list of objects, ``claims``: as `claims_request.parse` gives them,
    ``max_age``: seconds, ``resource``: list of strings.
    Raises `OAuthError` (invalid_request, invalid_authorization_details, invalid_target).
    """
    values: dict[str, Any] = {}
    for name, limit in _LIMITS.items():
        if name in raw:
            values[name] = _text(raw[name], name, limit)
    if "max_age" in raw:
        values["max_age"] = _seconds(raw["max_age"])
    if "resource" in raw:
        values["resource"] = _resources(raw["resource"])
    if "claims" in raw:
        values["claims"] = _claims(raw["claims"])
    if "authorization_details" in raw:
        values["authorization_details"] = details(raw["authorization_details"])
    return values


def is_state(value: str) -> bool:
    """Whether ``value`` may come back to the client as state."""
    return 0 < len(value) <= MAX_STATE and "\x00" not in value


def details(value: object) -> list[dict[str, Any]]:
    """The parameter ``authorization_details``; raises `OAuthError` (invalid_authorization_details)."""
    try:
        return list(authorization_details.parse(value))
    except Refusal as error:
        raise OAuthError("invalid_authorization_details", error.detail) from error


def resources(raw: Mapping[str, Any]) -> list[str]:
    """The parameter ``resource``, which may be absent; raises `OAuthError` (invalid_target)."""
    return _resources(raw["resource"]) if "resource" in raw else []


def _claims(value: object) -> dict[str, Any]:
    try:
        return claims_request.parse(value)
    except Refusal as error:
        raise OAuthError("invalid_request", error.detail) from error


def _text(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str) or not value or len(value) > limit or "\x00" in value:
        raise OAuthError("invalid_request", f"{name} is not a string of 1 to {limit} characters")
    return value


def _seconds(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return value
    raise OAuthError("invalid_request", "max_age is not a number of seconds")


def _resources(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not 1 <= len(values) <= 8 or not all(isinstance(item, str) for item in values):
        raise OAuthError("invalid_target", "resource is not a string")
    return values

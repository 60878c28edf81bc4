"""What a client asks to know, by scope and by name (OpenID Connect Core §5)."""

from collections.abc import Mapping
from typing import Any

from idp.oidc import verified
from idp.protocol import requested_claim

Asked = Mapping[str, Mapping[str, Any]]  # as `idp.protocol.claims_request.parse` gives it

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {  # Core §5.4, without what we never know
    "profile": (
        *("name", "given_name", "family_name", "nickname"),
        *("gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
}
TOLD = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)
VERIFIED = "verified_claims/"  # before the name of a verified claim
PROTOCOL = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")  # of id tokens


def essential_levels(asked: Asked) -> list[str]:
    """The ``acr`` values of which one is essential, the preferred first (Core §5.5.1.1); none when it is not."""
    wanted = asked.get("id_token", {}).get("acr") or {}
    return _values(wanted) if wanted.get("essential") is True else []


def wanted_subject(asked: Asked) -> str | None:
    """The subject that the client insists on (Core §5.5.1, ``sub`` with a value)."""
    for place in asked.values():
        if values := _values(place.get("sub") or {}):
            return values[0]
    return None


def names(asked: Asked) -> set[str]:
    """The names of the claims that are asked for, wherever, and that we may tell: what consent is given to beside
    scopes. A name stands there once, whatever languages it is wanted in; that of a verified claim has a prefix."""
    plain = {base(name) for place in asked.values() for name in place if base(name) in TOLD}
    return plain | {f"{VERIFIED}{name}" for name in verified.names(asked)}


def base(name: str) -> str:
    """The claim's name without its language (Core §5.2)."""
    return name.partition("#")[0]


def of_place(place: str, asked: Asked, *, scope: str) -> dict[str, Any]:
    """The claims that ``place`` (userinfo, id_token) shall have, each with its request or None.

    What ``scope`` asks for is told by userinfo, because there is always an access token (Core §5.4).
    """
    scopes = scope.split() if place == "userinfo" else []
    by_scope: dict[str, Any] = {name: None for item in scopes for name in SCOPE_CLAIMS.get(item, ())}
    return {**by_scope, **{name: item for name, item in asked.get(place, {}).items() if base(name) in TOLD}}


def _values(request: Mapping[str, Any]) -> list[str]:
    return [value for value in requested_claim.values(request) or [] if isinstance(value, str)]

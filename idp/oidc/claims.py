"""What a client asks to know, by scope and by name (OpenID Connect Core §5)."""

from collections.abc import Collection, Mapping
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
_WITH = {"email_verified": "email", "phone_number_verified": "phone_number"}  # agreed to and told with it
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


def units(asked: Asked, *, scope: str) -> dict[str, bool]:
    """What consent is asked for, claim by claim in the order of the page, and whether the client needs it.

    A claim stands there once, wherever it is wanted and in whatever languages; a verified one has a prefix. Those of a
    scope are voluntary (§5.4).
    """
    found = {unit(name): False for item in scope.split() for name in SCOPE_CLAIMS.get(item, ())}
    for place in asked.values():
        for name, request in place.items():
            if base(name) in TOLD:
                essential = bool(request and request.get("essential") is True)
                found[unit(name)] = essential or found.get(unit(name), False)
    plain = {name: found[name] for names in SCOPE_CLAIMS.values() for name in names if name in found}
    return {**plain, **{f"{VERIFIED}{name}": essential for name, essential in verified.needed(asked).items()}}


def unit(name: str) -> str:
    """The claim that a traveller agrees to when ``name`` is told."""
    return _WITH.get(base(name), base(name))


def verified_names(units: Collection[str]) -> frozenset[str]:
    """Those of ``units`` that are verified claims, without the prefix."""
    return frozenset(name.removeprefix(VERIFIED) for name in units if name.startswith(VERIFIED))


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

"""What the node may say of a traveller, and in which form (OpenID Connect Core §2, §5.1)."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

PROTOCOL = {
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid", "jti", "nbf"),
}
PROFILE = (
    *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
)
SCOPES: Mapping[str, tuple[str, ...]] = {  # Core §5.4
    "openid": ("sub",),
    "profile": PROFILE,
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
_PARTS = {"formatted", "street_address", "locality", "region", "postal_code", "country"}


def _text(value: object) -> bool:
    return isinstance(value, str) and value.strip() == value != ""


def _like(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _moment(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < time.time() + 10


def _address(value: object) -> bool:
    return isinstance(value, dict) and set(value) <= _PARTS and all(_text(part) for part in value.values())


_FORMS: Mapping[str, Callable[[object], bool]] = {
    "email": _like(r"[^@\s]+@[^@\s]+"),
    "email_verified": _flag,
    "phone_number_verified": _flag,
    "phone_number": _like(r"\+[0-9 ()-]{4,30}"),
    "birthdate": _like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "zoneinfo": _like(r"[A-Z][A-Za-z_]+/[A-Za-z_/]+"),
    "locale": _like(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*"),
    "updated_at": _moment,
    "address": _address,
}


def sound(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """``claims`` of a traveller, each of a name and a form that is known."""
    known = {name for names in SCOPES.values() for name in names}
    for name, value in claims.items():
        base = name.partition("#")[0]
        assert base in known, f"{name} is no standard claim"
        assert _FORMS.get(base, _text)(value), f"{name}: {value!r}"
    return claims


def names(claims: Iterable[str]) -> set[str]:
    """The names without their languages (Core §5.2)."""
    return {name.partition("#")[0] for name in claims}


def asked_by(scope: str, supported: Collection[str]) -> set[str]:
    """The claims that the scopes of a request ask for, of those that the node says it supports."""
    wanted = {name for item in scope.split() for name in SCOPES.get(item, ())}
    return wanted & set(supported)

"""What a client asks to know, and what of it is told (OpenID Connect Core §5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from idp.oidc.identity import Facts

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
PROTOCOL = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")  # of id tokens
_SAME_SCRIPT = {"zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-tw": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}


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
    scopes. A name stands there once, whatever languages it is wanted in."""
    return {base(name) for place in asked.values() for name in place if base(name) in TOLD}


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


def answer(wanted: Mapping[str, Any], facts: Facts, *, locales: str = "") -> dict[str, Any]:
    """What is told of ``facts``: what is wanted and known, in the languages of ``locales`` (``claims_locales``).

    A value that is not among those asked for is left out, and so is what nobody knows (Core §5.3.2, §5.5.1).
    """
    told: dict[str, Any] = {}
    for name, request in wanted.items():
        plain, _, tag = name.partition("#")
        if plain in facts.texts:
            found = _in_languages(plain, facts.texts[plain], tag=tag, locales=locales.split())
        else:
            found = {plain: facts.values[plain]} if plain in facts.values and not tag else {}
        told.update({key: value for key, value in found.items() if _is_acceptable(value, request)})
    return told


def _in_languages(name: str, texts: Mapping[str, str], *, tag: str, locales: Iterable[str]) -> dict[str, str]:
    """A text that stands in several scripts (Core §5.2). The first of ``texts`` is how it is written at home."""
    if tag:
        match = _matching(tag, texts)
        return {f"{name}#{tag}": texts[match]} if match else {}
    chosen = [match for match in (_matching(locale, texts) for locale in locales) if match]
    first = chosen[0] if chosen else next(iter(texts))
    return {name: texts[first], **{f"{name}#{language}": texts[language] for language in chosen or texts}}


def _matching(tag: str, texts: Mapping[str, str]) -> str | None:
    """The language of ``texts`` that ``tag`` names, more or less exactly (RFC 4647 §3.3.1, §3.4)."""
    wanted = _SAME_SCRIPT.get(tag.lower(), tag.lower())
    for language in texts:
        known = language.lower()
        if known == wanted or known.startswith(f"{wanted}-") or wanted.startswith(f"{known}-"):
            return language
    return None


def _is_acceptable(value: Any, request: Mapping[str, Any] | None) -> bool:
    if request is None or not {"value", "values"} & set(request):
        return True
    return any(type(value) is type(item) and value == item for item in _listed(request))


def _listed(request: Mapping[str, Any]) -> list[Any]:
    return [request["value"]] if "value" in request else list(request.get("values", []))


def _values(request: Mapping[str, Any]) -> list[str]:
    return [value for value in _listed(request) if isinstance(value, str)]

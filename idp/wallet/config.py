"""What a phone and a messenger are told at their start, read once into frozen values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from idp.protocol import strict_json
from idp.protocol.keys import KeySet, parse_jwks
from idp.protocol.refusals import Reason, Refusal

_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
Names = Mapping[str, str]  # language tag -> text
# How phones authenticate to an authority (RFC 7591 §2): a messenger registers one, and its phones are told the same.
PRIVATE_KEY_JWT, ATTESTED, ATTESTED_DPOP = METHODS = (
    "private_key_jwt",
    "attest_jwt_client_auth",
    "attest_jwt_client_auth_dpop",
)


@dataclass(frozen=True)
class Step:
    """One control on the way: a checkpoint and the direction in which it is passed. ``lane`` is a local link's URL."""

    checkpoint: str
    direction: str
    name: Names
    lane: str | None


@dataclass(frozen=True)
class Crossing:
    """A way over the border that the traveller can choose."""

    id: str
    title: Names
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class PhoneConfig:
    """One phone: its messenger, the traveller's home authority, and the anchors that the messenger pins."""

    messenger: str
    home: str
    anchors: Mapping[str, KeySet]
    crossings: tuple[Crossing, ...]
    redirect_uri: str
    insecure_loopback_http: bool
    token_endpoint_auth_method: str = PRIVATE_KEY_JWT


@dataclass(frozen=True)
class MessengerConfig:
    """The messenger as a federation leaf. ``providers`` are those it signs requests for."""

    entity_id: str
    name: Names
    authority_hints: tuple[str, ...]
    providers: frozenset[str]
    redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: str = PRIVATE_KEY_JWT


def phone(path: Path) -> PhoneConfig:
    """Read a phone's configuration; raises `Refusal` (malformed) naming what is wrong."""
    value = _load(path)
    anchors = value.get("anchors")
    crossings = value.get("crossings")
    if not isinstance(anchors, dict) or not anchors or not isinstance(crossings, list):
        raise Refusal(Reason.MALFORMED, "anchors is an object and crossings an array")
    return PhoneConfig(
        messenger=_url(value, "messenger"),
        home=_url(value, "home"),
        anchors=MappingProxyType({entity_id: parse_jwks(jwks) for entity_id, jwks in anchors.items()}),
        crossings=tuple(_crossing(item) for item in crossings),
        redirect_uri=_url(value, "redirect_uri"),
        insecure_loopback_http=value.get("insecure_loopback_http") is True,
        token_endpoint_auth_method=_method(value),
    )


def messenger(path: Path) -> MessengerConfig:
    """Read a messenger's configuration; raises `Refusal` (malformed)."""
    value = _load(path)
    hints = _strings(value, "authority_hints")
    return MessengerConfig(
        entity_id=_url(value, "entity_id"),
        name=_names(value, "name"),
        authority_hints=hints,
        providers=frozenset(_strings(value, "providers") if "providers" in value else hints),
        redirect_uris=_strings(value, "redirect_uris"),
        token_endpoint_auth_method=_method(value),
    )


def _load(path: Path) -> dict[str, Any]:
    return strict_json.loads_object(path.read_bytes())


def _crossing(value: Any) -> Crossing:
    steps = value.get("steps") if isinstance(value, dict) else None
    if not isinstance(steps, list) or not 1 <= len(steps) <= 8:
        raise Refusal(Reason.MALFORMED, "a crossing has 1 to 8 steps")
    crossing_id = strict_json.string(value, "id", max_length=64)
    if not _ID.match(crossing_id):  # it stands in the page's address
        raise Refusal(Reason.MALFORMED, "a crossing's id is of letters, digits, - and _")
    return Crossing(crossing_id, _names(value, "title"), tuple(_step(s) for s in steps))


def _step(value: Any) -> Step:
    if not isinstance(value, dict) or value.get("direction") not in ("exit", "entry"):
        raise Refusal(Reason.MALFORMED, "a step's direction is exit or entry")
    lane = _url(value, "lane") if "lane" in value else None
    return Step(_url(value, "checkpoint"), value["direction"], _names(value, "name"), lane)


def _method(value: Mapping[str, Any]) -> str:
    method = value.get("token_endpoint_auth_method", PRIVATE_KEY_JWT)
    if method not in METHODS:
        raise Refusal(Reason.MALFORMED, f"token_endpoint_auth_method is one of {', '.join(METHODS)}")
    return str(method)


def _names(value: Mapping[str, Any], member: str) -> Names:
    names = value.get(member)
    if not isinstance(names, dict) or "en" not in names or not all(isinstance(text, str) for text in names.values()):
        raise Refusal(Reason.MALFORMED, f"{member} has texts by language, English among them")
    return MappingProxyType({language.lower(): text for language, text in names.items()})


def _url(value: Mapping[str, Any], member: str) -> str:
    url = strict_json.string(value, member, max_length=512)
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.fragment:
        raise Refusal(Reason.MALFORMED, f"{member} is not a URL")
    return url


def _strings(value: Mapping[str, Any], member: str) -> tuple[str, ...]:
    items = value.get(member)
    if not isinstance(items, list) or not items or not all(isinstance(item, str) and item for item in items):
        raise Refusal(Reason.MALFORMED, f"{member} is an array of strings")
    return tuple(items)

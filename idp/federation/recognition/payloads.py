"""What a proposal about a peer holds, read strictly: exactly these members, each of its kind.

Every payload names the peer by ``entity_id``, and ``since``, the time in seconds since 1970 from which this node knows
it, so that a proposal about a peer of before says nothing about one who was ended and came back. ``since`` is None for
one that is not known.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from idp.federation import terms
from idp.federation.models import ENTITY_ID, Peer
from idp.federation.terms import Terms
from idp.proposals.executors import Unacceptable
from idp.protocol import keys, strict_json
from idp.protocol.refusals import Refusal

RECOGNISE, ACCEPT, RESUME, END = (f"federation.{what}" for what in ("recognise", "accept", "resume", "end"))
TERMS, RENEW, KEYS = (f"federation.{what}" for what in ("terms", "renew", "keys"))
LAST = 253_402_300_799  # the end of the year 9999: no page can show a later day
MAX_NAMES, MAX_NAME = 16, 200  # as `idp.federation.peering.names` takes them

Read = Callable[[Any], Any]


class _Wrong(Exception):
    """A member that is not of its kind."""


def read(kind: str, payload: object) -> dict[str, Any]:
    """The members of a proposal of this ``kind``, ``terms`` as `Terms`. Raises `Unacceptable`."""
    members = MEMBERS[kind]
    if not isinstance(payload, dict) or payload.keys() != members.keys():
        raise Unacceptable(_("The proposal is not written as this kind of change is."))
    try:
        _check_json(payload)
        return {name: members[name](value) for name, value in payload.items()}
    except (_Wrong, Refusal) as error:
        raise Unacceptable(_("The proposal cannot be read: %s") % error) from error


def written(agreed: Terms) -> dict[str, Any]:
    """Terms as a payload has them."""
    types = agreed.allowed_entity_types
    return {**dataclasses.asdict(agreed), "allowed_entity_types": None if types is None else list(types)}


def about(peer: Peer, **members: Any) -> dict[str, Any]:
    """A payload about a peer that is known."""
    return {"entity_id": peer.entity_id, "since": peer.proposed_at, **members}


def thumbprints(jwks: Mapping[str, Any] | None) -> list[str]:
    """Of every key in a set, sorted; none where there is no set."""
    if jwks is None or not jwks.get("keys"):
        return []
    return sorted(key.thumbprint for key in keys.parse_jwks(jwks).keys)


def _check_json(payload: dict[str, Any]) -> None:
    """What one database would store and another refuse is no payload."""
    try:
        text = json.dumps(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise _Wrong("no JSON") from error
    strict_json.loads(text.encode())
    if "\\u0000" in text:
        raise _Wrong("a null character")


def _text(most: int, *, least: int = 0) -> Read:
    def reading(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise _Wrong(f"not a text of {least} to {most} characters")
        return value

    return reading


def _time(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST:
        raise _Wrong("not a time in seconds since 1970")
    return value


def _optional(reading: Read) -> Read:
    return lambda value: None if value is None else reading(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("neither true nor false")
    return value


def _jwks(value: Any) -> dict[str, Any]:
    return keys.parse_jwks(value).jwks()


def _names(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_NAMES:
        raise _Wrong("not names by language")
    return {_text(64)(tag): _text(MAX_NAME)(name) for tag, name in value.items()}


def _prints(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Wrong("not thumbprints")
    return sorted(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("not an object")
    return value


def _types(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(item in terms.PEER_TYPES for item in value):
        raise _Wrong("not entity types of a peer")
    return tuple(name for name in terms.PEER_TYPES if name in value)


def _path_length(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong("not a number")
    return value


def _terms(value: Any) -> Terms:
    if not isinstance(value, dict) or value.keys() != _TERMS.keys():
        raise _Wrong("not the terms of recognition")
    return Terms(**{name: _TERMS[name](part) for name, part in value.items()})


_TERMS: Mapping[str, Read] = {
    "metadata_policy": _object,
    "max_path_length": _path_length,
    "naming_constraints": _object,
    "allowed_entity_types": _types,
    "valid_from": _optional(_time),
    "valid_until": _optional(_time),
    "legal_basis": _text(terms.MAX_TEXT),
    "contract": _text(terms.MAX_TEXT),
}
_KNOWN: Mapping[str, Read] = {"entity_id": _text(ENTITY_ID, least=1), "since": _time}
MEMBERS: Mapping[str, Mapping[str, Read]] = {
    RECOGNISE: {
        "entity_id": _KNOWN["entity_id"],
        "since": _optional(_time),
        "jwks": _jwks,
        "name": _names,
        "accept": _flag,
        "terms": _terms,
    },
    ACCEPT: _KNOWN,
    TERMS: {**_KNOWN, "before": _text(64), "terms": _terms},
    RENEW: {
        **_KNOWN,
        "before": _text(64),
        "valid_until": _time,
        "legal_basis": _text(terms.MAX_TEXT),
        "contract": _text(terms.MAX_TEXT),
    },
    RESUME: {**_KNOWN, "suspended_at": _optional(_time)},
    END: _KNOWN,
    KEYS: {**_KNOWN, "keys": _prints},
}

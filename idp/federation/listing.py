"""The immediate subordinates of this node, filtered as asked (Federation §8.2)."""

from dataclasses import dataclass

from django.http import QueryDict

from idp.federation import marks
from idp.federation.errors import FederationError
from idp.federation.models import Peer, Subordinate
from idp.federation.terms import PEER_TYPES

# Filters of the Extended Subordinate Listing draft. To ignore one would answer another question than was asked.
UNSUPPORTED = frozenset({"from_entity_id", "limit", "updated_after", "updated_before", "audit_timestamps", "claims"})


@dataclass(frozen=True)
class _Entry:
    entity_id: str
    types: frozenset[str]
    intermediate: bool
    marks: frozenset[str]


def subordinates(parameters: QueryDict, now: int) -> list[str]:
    """Entity identifiers that fit every filter given. Raises `FederationError`; unknown parameters are ignored."""
    if UNSUPPORTED & set(parameters):
        raise FederationError("unsupported_parameter", "a filter that is not supported here")
    wanted = set(parameters.getlist("entity_type"))
    intermediate, marked = _flag(parameters, "intermediate"), _flag(parameters, "trust_marked")
    mark_type = parameters.get("trust_mark_type")
    return [
        entry.entity_id
        for entry in _entries(now)
        if wanted <= entry.types
        and intermediate in (None, entry.intermediate)
        and marked in (None, bool(entry.marks))
        and (mark_type is None or mark_type in entry.marks)
    ]


def _entries(now: int) -> list[_Entry]:
    marked = marks.standing(now)
    entries = [
        _Entry(
            entity_id=peer.entity_id,
            types=frozenset({"federation_entity", *PEER_TYPES[:3]}),  # what every authority's node is
            intermediate=True,
            marks=frozenset(marked.get(peer.entity_id, ())),
        )
        for peer in Peer.objects.recognised(now).order_by("entity_id")
    ]
    entries += [
        _Entry(
            entity_id=row.entity_id,
            types=frozenset(row.entity_types),
            intermediate=False,
            marks=frozenset(marked.get(row.entity_id, ())),
        )
        for row in Subordinate.objects.filter(ended_at=None).order_by("entity_id")
    ]
    return entries


def _flag(parameters: QueryDict, name: str) -> bool | None:
    value = parameters.get(name)
    if value is None:
        return None
    if value not in ("true", "false"):
        raise FederationError("invalid_request", f"{name} is true or false")
    return value == "true"

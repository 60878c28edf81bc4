"""Constraints that a superior sets for everything below it (Federation §6.2).

Each subordinate statement's constraints are applied on their own; one that fails ends the chain. Unknown constraints
are ignored, as the specification demands.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import strict_json
from idp.protocol.entity_ids import host_of, is_domain_name
from idp.protocol.refusals import Reason, Refusal

FEDERATION_ENTITY = "federation_entity"  # always allowed, never removed (Federation §6.2.3)

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"\.?{_LABEL}(?:\.{_LABEL})*\Z")


@dataclass(frozen=True)
class Constraints:
    """One statement's constraints. None means that nothing was said; an empty tuple or set that nothing is allowed."""

    max_path_length: int | None = None
    permitted: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    allowed_entity_types: frozenset[str] | None = None

    def check(self, *, below: Sequence[str]) -> None:
        """Apply path length and naming. ``below``: the entities under the setter, the chain's subject first.

        Raises `Refusal` (policy_violation). Intermediates are those strictly between setter and subject.
        """
        if self.max_path_length is not None and len(below) - 1 > self.max_path_length:
            raise Refusal(Reason.POLICY_VIOLATION, "more intermediates than max_path_length")
        if self.permitted is None and not self.excluded:
            return
        for entity_id in below:
            self._check_name(host_of(entity_id))

    def _check_name(self, host: str) -> None:
        # RFC 5280 §4.2.1.10: a URI whose host is no domain name fails any constraint on names.
        if not is_domain_name(host):
            raise Refusal(Reason.POLICY_VIOLATION, "an address where naming constraints want a domain name")
        if any(_matches(host, name) for name in self.excluded):  # excluded wins
            raise Refusal(Reason.POLICY_VIOLATION, "a host that naming constraints exclude")
        if self.permitted is not None and not any(_matches(host, name) for name in self.permitted):
            raise Refusal(Reason.POLICY_VIOLATION, "a host that naming constraints do not permit")


def parse_constraints(value: object) -> Constraints:
    """Read the ``constraints`` claim; raises `Refusal` (malformed). Unknown members are ignored (Federation §6.2)."""
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "constraints are not an object")
    length = strict_json.integer(value, "max_path_length") if "max_path_length" in value else None
    naming = value.get("naming_constraints", {})
    if not isinstance(naming, Mapping):
        raise Refusal(Reason.MALFORMED, "naming_constraints are not an object")
    permitted = _names(naming["permitted"]) if "permitted" in naming else None
    excluded = _names(naming["excluded"]) if "excluded" in naming else ()
    types = _entity_types(value["allowed_entity_types"]) if "allowed_entity_types" in value else None
    return Constraints(length, permitted, excluded, types)


def keep_allowed_types(
    metadata: Mapping[str, Mapping[str, Any]], constraints: Iterable[Constraints]
) -> dict[str, Mapping[str, Any]]:
    """``metadata`` without the entity types that any of ``constraints`` leaves out (Federation §6.2.3)."""
    kept = dict(metadata)
    for constraint in constraints:
        allowed = constraint.allowed_entity_types
        if allowed is not None:
            kept = {kind: value for kind, value in kept.items() if kind in allowed or kind == FEDERATION_ENTITY}
    return kept


def _matches(host: str, name: str) -> bool:
    # ".example.com" stands for one or more labels before it, never for the apex; without the dot it is one host.
    return host.endswith(name) if name.startswith(".") else host == name


def _names(value: object) -> tuple[str, ...]:
    names = _strings(value, "naming_constraints")
    if not all(_DOMAIN.match(name) for name in names):
        raise Refusal(Reason.MALFORMED, "naming_constraints with something that is not a domain name")
    return tuple(name.lower() for name in names)


def _entity_types(value: object) -> frozenset[str]:
    types = _strings(value, "allowed_entity_types")
    if FEDERATION_ENTITY in types:  # Federation §6.2.3: MUST NOT be included
        raise Refusal(Reason.MALFORMED, "allowed_entity_types names federation_entity")
    return frozenset(types)


def _strings(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise Refusal(Reason.MALFORMED, f"{name} is not an array of strings")
    return value

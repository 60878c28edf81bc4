"""Metadata policy: what a superior adds to, takes from and demands of the metadata below it (Federation §6.1).

`combine` and `apply` work on the policy of one entity type (parameter -> operator -> value), `combine_types` and
`apply_types` on the whole claim (entity type -> …). Combining only ever narrows: whatever comes out of the combined
policy, each superior's own policy would leave as it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

# In the order of application (Federation §6.1.3.1).
OPERATORS = ("value", "add", "default", "one_of", "subset_of", "superset_of", "essential")
SCOPE = "scope"  # a string of words that policies treat as an array (Federation §6.1.3.1.8)
SECTIONS = {name: f"6.1.3.1.{place}" for place, name in enumerate(OPERATORS, start=1)}  # that define them
_ARRAYS = frozenset({"add", "one_of", "subset_of", "superset_of"})

Policy = Mapping[str, Mapping[str, Any]]  # parameter -> operator -> value
Metadata = Mapping[str, Any]


class PolicyRefused(Refusal):
    """A policy is wrong in itself, or contradicts a superior's; no chain through it is valid.

    ``section`` of OpenID Federation 1.0 says why.
    """

    def __init__(self, detail: str, section: str = "6.1.4.1") -> None:
        super().__init__(Reason.POLICY_VIOLATION, detail)
        self.section = section


class MetadataRefused(Refusal):
    """Metadata does not satisfy the policy."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.POLICY_VIOLATION, detail)


def combine(policies: Iterable[Policy], *, critical: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Merge one entity type's policies, the most superior first (Federation §6.1.4.1).

    ``critical`` holds the operators that *any* statement of the chain names in ``metadata_policy_crit``; none beyond
    the standard ones is understood. Other unknown operators are left out. Raises `PolicyRefused`.
    """
    _check_critical(critical)
    combined: dict[str, dict[str, Any]] = {}
    for policy in policies:
        if not isinstance(policy, Mapping):
            raise PolicyRefused("the policy of an entity type is not an object", "6.1.2")
        for parameter, operators in policy.items():
            merged = _merge(combined.get(parameter, {}), _read(parameter, operators))
            _check_combination(merged)  # merging only narrows: a policy that contradicts itself still does so here
            combined[parameter] = merged
    return combined


def combine_types(
    policies: Iterable[Mapping[str, Policy]], *, critical: Iterable[str] = ()
) -> dict[str, dict[str, dict[str, Any]]]:
    """Merge whole ``metadata_policy`` claims, the most superior first. Raises `PolicyRefused`."""
    _check_critical(critical)
    by_type: dict[str, list[Policy]] = {}
    for policy in policies:
        if not isinstance(policy, Mapping):
            raise PolicyRefused("a metadata policy is not an object", "6.1.2")
        for entity_type, part in policy.items():
            by_type.setdefault(entity_type, []).append(part)
    return {entity_type: combine(parts) for entity_type, parts in by_type.items()}


def apply(policy: Policy, metadata: Metadata) -> dict[str, Any]:
    """Apply a combined policy to one entity type's metadata; a new mapping (Federation §6.1.4.2).

    Raises `MetadataRefused`. The parameters that the policy does not name stay as they are.
    """
    result = dict(metadata)
    for parameter, operators in policy.items():
        absent = parameter not in result
        outcome = _apply_operators(parameter, operators, None if absent else _unfold(parameter, result[parameter]))
        result.pop(parameter, None)
        if outcome is not None:
            result[parameter] = _fold(parameter, outcome)
    return result


def apply_types(policy: Mapping[str, Policy], metadata: Mapping[str, Metadata]) -> dict[str, dict[str, Any]]:
    """Apply a combined claim to the metadata of every entity type that is there. Raises `MetadataRefused`."""
    return {entity_type: apply(policy.get(entity_type, {}), part) for entity_type, part in metadata.items()}


def _check_critical(critical: Iterable[str]) -> None:
    for name in critical:  # Federation §6.1.3.2; a standard operator there is an error too
        raise PolicyRefused(f"a critical policy operator that is not understood: {name[:64]!r}", "6.1.3.2")


# --- reading -------------------------------------------------------------------------------------------------------


def _read(parameter: str, operators: object) -> dict[str, Any]:
    if not isinstance(operators, Mapping):
        raise PolicyRefused("the policy of a parameter is not an object", "6.1.2")
    return {name: _configuration(parameter, name, operators[name]) for name in OPERATORS if name in operators}


def _configuration(parameter: str, name: str, value: Any) -> Any:
    if name == "essential":
        if not isinstance(value, bool):
            raise PolicyRefused("essential is not a boolean", SECTIONS[name])
    elif name in _ARRAYS:
        if not _is_comparable_array(value):
            raise PolicyRefused(f"{name} is not an array of strings, numbers or objects", SECTIONS[name])
    elif isinstance(value, Mapping) or (value is None and name == "default"):
        raise PolicyRefused(f"{name} with a value of a kind that is not supported", SECTIONS[name])
    return _scope_words(value) if parameter == SCOPE and name != "essential" else value


def _is_comparable_array(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str | int | float | dict) and not isinstance(item, bool) for item in value
    )


def _scope_words(value: Any) -> Any:
    words = value.split() if isinstance(value, str) else value
    if words is not None and not (
        isinstance(words, list) and all(isinstance(word, str) and word.split() == [word] for word in words)
    ):
        raise PolicyRefused("a policy for scope that does not speak of words", "6.1.3.1.8")
    return words


# --- combining -----------------------------------------------------------------------------------------------------


def _check_combination(operators: Mapping[str, Any]) -> None:
    """The table of Federation §6.1.3.1: which operators may stand together, and when."""
    if "one_of" in operators and operators.keys() & {"add", "subset_of", "superset_of"}:
        raise PolicyRefused("one_of together with an operator on arrays", SECTIONS["one_of"])
    if "value" in operators:
        _check_with_value(operators["value"], operators)
    if "subset_of" in operators:
        for name in ("add", "superset_of"):
            if name in operators and not _is_subset(operators[name], operators["subset_of"]):
                raise PolicyRefused(f"{name} goes beyond subset_of", SECTIONS["subset_of"])


def _check_with_value(value: Any, operators: Mapping[str, Any]) -> None:
    if value is None and ("default" in operators or operators.get("essential", False)):
        raise PolicyRefused("value null together with default or essential", SECTIONS["value"])
    if "one_of" in operators and not _is_subset([value], operators["one_of"]):
        raise PolicyRefused("value is not among one_of", SECTIONS["value"])
    arrays = {name: operators[name] for name in ("add", "subset_of", "superset_of") if name in operators}
    if arrays and not isinstance(value, list):
        raise PolicyRefused("value is no array and stands with an operator on arrays", SECTIONS["value"])
    for name, array in arrays.items():
        good = _is_subset(value, array) if name == "subset_of" else _is_subset(array, value)
        if not good:
            raise PolicyRefused(f"value contradicts {name}", SECTIONS["value"])


def _merge(superior: Mapping[str, Any], subordinate: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(superior)
    for name, value in subordinate.items():
        merged[name] = _MERGE[name](superior[name], value) if name in superior else value
    return merged


def _equal(superior: Any, subordinate: Any) -> Any:
    if _canonical(superior) != _canonical(subordinate):
        raise PolicyRefused("two superiors give different values")
    return superior


def _union(superior: Sequence[Any], subordinate: Sequence[Any]) -> list[Any]:
    return _distinct([*superior, *subordinate])


def _intersection(superior: Sequence[Any], subordinate: Sequence[Any]) -> list[Any]:
    both = {_canonical(item) for item in subordinate}
    return [item for item in _distinct(superior) if _canonical(item) in both]


def _common(superior: Sequence[Any], subordinate: Sequence[Any]) -> list[Any]:
    common = _intersection(superior, subordinate)
    if not common:
        raise PolicyRefused("no value is left in one_of")
    return common


def _either(superior: bool, subordinate: bool) -> bool:
    return superior or subordinate


_MERGE: dict[str, Callable[[Any, Any], Any]] = {
    "value": _equal,
    "add": _union,
    "default": _equal,
    "one_of": _common,
    "subset_of": _intersection,
    "superset_of": _union,
    "essential": _either,
}


# --- applying ------------------------------------------------------------------------------------------------------


def _apply_operators(parameter: str, operators: Mapping[str, Any], present: Any) -> Any:
    """The parameter after all operators, in their order; None where it is absent."""
    result = operators.get("value", present)
    if "add" in operators:
        result = _union([] if result is None else _array(parameter, result), operators["add"])
    if result is None:
        result = operators.get("default")
    if result is None:
        if operators.get("essential", False):
            raise MetadataRefused(f"{parameter[:64]} is missing")
        return None
    return _check_present(parameter, operators, result)


def _check_present(parameter: str, operators: Mapping[str, Any], result: Any) -> Any:
    if "one_of" in operators and not _is_subset([result], operators["one_of"]):
        raise MetadataRefused(f"{parameter[:64]} is not one of those allowed")
    if "subset_of" in operators:
        result = _intersection(_array(parameter, result), operators["subset_of"])  # may well be empty, and stays
    if "superset_of" in operators and not _is_subset(operators["superset_of"], _array(parameter, result)):
        raise MetadataRefused(f"{parameter[:64]} lacks a value that is demanded")
    return result


def _array(parameter: str, value: Any) -> list[Any]:
    if not _is_comparable_array(value):
        raise MetadataRefused(f"{parameter[:64]} is not an array that a policy can work on")
    return list(value)


def _unfold(parameter: str, value: Any) -> Any:
    if value is None:
        raise MetadataRefused(f"{parameter[:64]} is null")
    if parameter != SCOPE:
        return value
    if not isinstance(value, str):
        raise MetadataRefused("scope is not a string")
    return value.split()


def _fold(parameter: str, value: Any) -> Any:
    return " ".join(value) if parameter == SCOPE else value


# --- comparing -----------------------------------------------------------------------------------------------------


def _is_subset(part: Iterable[Any], whole: Iterable[Any]) -> bool:
    return {_canonical(item) for item in part} <= {_canonical(item) for item in whole}


def _distinct(items: Iterable[Any]) -> list[Any]:
    return list({_canonical(item): item for item in items}.values())


def _canonical(value: Any) -> str:
    """One text for equal JSON values: true is not 1, 1.0 is 1, members and the elements of arrays have no order."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_canonical(name)}:{_canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(_canonical(item) for item in value)) + "]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return strict_json.dumps(value).decode()

"""How one claim is asked for (OpenID Connect Core §5.5.1): null, or ``{"essential", "value", "values"}``."""

from collections.abc import Mapping
from typing import Any

from idp.protocol.refusals import Reason, Refusal

MEMBERS = ("essential", "value", "values")

Wanted = Mapping[str, Any] | None


def read(item: object, *, members: tuple[str, ...] = MEMBERS) -> dict[str, Any] | None:
    """Of one claim's request what we know, ``members``; the rest is ignored. Raises `Refusal` (malformed)."""
    if item is None:
        return None
    if not isinstance(item, Mapping):
        raise Refusal(Reason.MALFORMED, "a claim's request is neither null nor an object")
    kept = {name: item[name] for name in members if name in item}
    if not isinstance(kept.get("essential", False), bool) or not isinstance(kept.get("values", []), list):
        raise Refusal(Reason.MALFORMED, "essential is not a boolean, or values not an array")
    return kept


def values(wanted: Wanted) -> list[Any] | None:
    """The values of which the claim's must be one; None where every value will do."""
    if wanted is None or not {"value", "values"} & set(wanted):
        return None
    return [wanted["value"]] if "value" in wanted else list(wanted["values"])


def accepts(wanted: Wanted, value: Any) -> bool:
    """Whether ``value`` is one that was asked for. False is not 0."""
    listed = values(wanted)
    return listed is None or any(type(value) is type(item) and value == item for item in listed)

"""What a client asks to know, and what it is told (OpenID Connect Core §5)."""

from collections.abc import Mapping
from typing import Any

Asked = Mapping[str, Mapping[str, Any]]  # as `idp.protocol.claims_request.parse` gives it


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
    """The names of the claims that are asked for, wherever: what consent is given to beside scopes."""
    return {name for place in asked.values() for name in place} - {"sub", "acr", "auth_time", "amr"}


def _values(request: Mapping[str, Any]) -> list[str]:
    values = [request["value"]] if "value" in request else request.get("values", [])
    return [value for value in values if isinstance(value, str)]

"""Rich authorization requests (RFC 9396): their common form, and our type ``border_crossing``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

MAX_BYTES = 16_384
MAX_DETAILS = 10  # a guardian and nine children; a consent page with more is not read
BORDER_CROSSING = "border_crossing"
DIRECTIONS = ("exit", "entry")
MAX_SPAN = 7 * 86_400  # seconds between valid_from and valid_until
MAX_TOKENS = 32  # four crossings a day for a week, and some that went wrong
MAX_LOCATIONS = 8
MAX_WARDS = 9

_MEMBERS = frozenset(
    {"type", "locations", "directions", "document", "valid_from", "valid_until", "max_tokens", "ahead", "ward"}
)


@dataclass(frozen=True)
class BorderCrossing:
    """What a wallet may ask border tokens for. Times in seconds since 1970."""

    locations: tuple[str, ...]  # checkpoint entity identifiers
    directions: tuple[str, ...]  # of `DIRECTIONS`
    document: str | None  # the issuer's reference to the travel document; None: chosen at consent
    valid_from: int
    valid_until: int
    max_tokens: int
    ahead: bool  # border tokens of up to 24 h
    ward: int | None = None  # for a child of the traveller's, the first, second … of the request; None: for themself

    def wire(self) -> dict[str, Any]:
        """The JSON object."""
        members: dict[str, Any] = {
            "type": BORDER_CROSSING,
            "locations": list(self.locations),
            "directions": list(self.directions),
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "max_tokens": self.max_tokens,
            "ahead": self.ahead,
        }
        optional = {"document": self.document, "ward": self.ward}
        return members | {name: value for name, value in optional.items() if value is not None}


def parse(value: object) -> tuple[dict[str, Any], ...]:
    """Read the parameter ``authorization_details``: JSON text from a form, or the array from a request object.

    Raises `Refusal` (malformed) unless it is an array of 1 to `MAX_DETAILS` objects, each with a ``type``.
    """
    details = strict_json.loads(value, max_bytes=MAX_BYTES) if isinstance(value, str) else value
    if not isinstance(details, list) or not 1 <= len(details) <= MAX_DETAILS:
        raise Refusal(Reason.MALFORMED, f"authorization_details is not an array of 1 to {MAX_DETAILS} objects")
    for detail in details:
        if not isinstance(detail, dict):
            raise Refusal(Reason.MALFORMED, "an authorization detail is not an object")
        strict_json.string(detail, "type", max_length=128)
    return tuple(details)


def narrow(
    requested: Sequence[Mapping[str, Any]], granted: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Those of ``granted`` that a token request asks for (RFC 9396 §6); each must stand in the grant as it is.

    Raises `Refusal` (policy_violation) for a detail that was not granted.
    """
    for detail in requested:
        if not any(_same(detail, item) for item in granted):
            raise Refusal(Reason.POLICY_VIOLATION, "an authorization detail that was not granted")
    return tuple(item for item in granted if any(_same(item, detail) for detail in requested))


def parse_border_crossing(detail: Mapping[str, Any], *, now: int) -> BorderCrossing:
    """Read one ``border_crossing``; unknown or missing members, or more than the limits: `Refusal` (malformed).

    ``now`` in seconds since 1970: an authorization that has ended already is refused (expired).
    """
    if unknown := detail.keys() - _MEMBERS:
        raise Refusal(Reason.MALFORMED, f"{len(unknown)} unknown members in border_crossing")
    if detail.get("type") != BORDER_CROSSING:
        raise Refusal(Reason.MALFORMED, "not a border_crossing")
    crossing = BorderCrossing(
        locations=_strings(detail, "locations", limit=MAX_LOCATIONS),
        directions=_strings(detail, "directions", limit=len(DIRECTIONS)),
        document=strict_json.string(detail, "document", max_length=128) if "document" in detail else None,
        valid_from=strict_json.integer(detail, "valid_from"),
        valid_until=strict_json.integer(detail, "valid_until"),
        max_tokens=strict_json.integer(detail, "max_tokens"),
        ahead=detail.get("ahead", False),
        ward=strict_json.integer(detail, "ward") if "ward" in detail else None,
    )
    _check_limits(crossing, now=now)
    return crossing


def _check_limits(crossing: BorderCrossing, *, now: int) -> None:
    if not set(crossing.directions) <= set(DIRECTIONS):
        raise Refusal(Reason.MALFORMED, "a direction is neither exit nor entry")
    if not 0 < crossing.valid_until - crossing.valid_from <= MAX_SPAN:
        raise Refusal(Reason.MALFORMED, "valid_until is not within 7 days after valid_from")
    if crossing.valid_until <= now:
        raise Refusal(Reason.EXPIRED, "valid_until is past")
    if not 1 <= crossing.max_tokens <= MAX_TOKENS:
        raise Refusal(Reason.MALFORMED, f"max_tokens is not 1 to {MAX_TOKENS}")
    if not isinstance(crossing.ahead, bool):
        raise Refusal(Reason.MALFORMED, "ahead is not a boolean")
    if crossing.ward is not None and not 1 <= crossing.ward <= MAX_WARDS:
        raise Refusal(Reason.MALFORMED, f"ward is not 1 to {MAX_WARDS}")


def _strings(detail: Mapping[str, Any], name: str, *, limit: int) -> tuple[str, ...]:
    values = detail.get(name)
    if not isinstance(values, list) or not 1 <= len(values) <= limit:
        raise Refusal(Reason.MALFORMED, f"{name} is not an array of 1 to {limit} strings")
    if not all(isinstance(value, str) and 0 < len(value) <= 512 for value in values) or len(set(values)) != len(values):
        raise Refusal(Reason.MALFORMED, f"{name} holds something else than distinct strings")
    return tuple(values)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Equal as JSON: Python alone would take True for 1."""
    return bool(_canonical(one) == _canonical(other))


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return (type(value).__name__, value)

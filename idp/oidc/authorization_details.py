"""Who understands which type of authorization detail (RFC 9396).

The room that owns a type registers its handler in ``AppConfig.ready``; this room asks it at three moments: when a
request is pushed, when the consent page is drawn, and when the traveller has allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from idp.oidc.errors import OAuthError
from idp.protocol.refusals import Refusal

Detail = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One thing that the consent page states. Both texts are translated by the handler."""

    label: str
    values: Sequence[str]


@dataclass(frozen=True)
class Option:
    """One answer to a `Choice`; ``value`` comes back in ``choices``."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True)
class Choice:
    """One thing that the traveller chooses on the consent page, exactly one of ``options``."""

    name: str  # letters, digits and "_"; unique on the page
    label: str
    options: Sequence[Option] = field(default_factory=tuple)


class NotAcceptable(Exception):
    """Raised by a handler: this detail is not understood, not this traveller's, or not allowed to this client."""


class Handler(Protocol):
    """What the owner of a type provides. Each method raises `NotAcceptable` or `Refusal`."""

    def check(self, detail: Detail, *, client: Any, now: int) -> None:
        """When the request is pushed: ``client`` is the `idp.oidc.models.Client`, ``now`` seconds since 1970."""

    def describe(self, detail: Detail, traveller: Any) -> Sequence[Line | Choice]:
        """What the consent page says and asks, for the traveller (`idp.accounts.models.Traveller`) who is logged in."""

    def grant(self, detail: Detail, *, traveller: Any, choices: Mapping[str, str], now: int) -> Detail:
        """The detail as granted: the request's, or narrower. ``choices`` is by the name of a `Choice`."""


_HANDLERS: dict[str, Handler] = {}


def register(kind: str, handler: Handler) -> None:
    """Let ``handler`` answer for details of type ``kind``; a second registration replaces the first."""
    _HANDLERS[kind] = handler


def supported() -> list[str]:
    """The types that have a handler, for the metadata (RFC 9396 §10)."""
    return sorted(_HANDLERS)


def check(details: Sequence[Detail], *, client: Any, now: int) -> None:
    """Let each detail's handler look at it; raises `OAuthError` (invalid_authorization_details)."""
    for detail in details:
        try:
            _handler(detail).check(detail, client=client, now=now)
        except (NotAcceptable, Refusal) as error:
            raise OAuthError("invalid_authorization_details", str(error)) from error


def describe(details: Sequence[Detail], traveller: Any) -> list[Line | Choice]:
    """The consent page's lines and choices, in the order of the request; what two share is said and asked once."""
    lines: list[Line | Choice] = []
    for detail in details:
        try:
            described = _handler(detail).describe(detail, traveller)
        except (NotAcceptable, Refusal) as error:
            raise OAuthError("invalid_authorization_details", str(error)) from error
        asked = {line.name for line in lines if isinstance(line, Choice)}
        lines.extend(
            line for line in described if line not in lines and not (isinstance(line, Choice) and line.name in asked)
        )
    return lines


def grant(details: Sequence[Detail], *, traveller: Any, choices: Mapping[str, str], now: int) -> list[dict[str, Any]]:
    """The details as the traveller allowed them."""
    granted = []
    for detail in details:
        try:
            granted.append(dict(_handler(detail).grant(detail, traveller=traveller, choices=choices, now=now)))
        except (NotAcceptable, Refusal) as error:
            raise OAuthError("invalid_authorization_details", str(error)) from error
    return granted


def _handler(detail: Detail) -> Handler:
    handler = _HANDLERS.get(detail["type"])
    if handler is None:
        raise OAuthError("invalid_authorization_details", "a type without handler")
    return handler

"""What takes time: begun before everything else, and looked at after the rest.

What fails while it is begun fails again where it is looked at, and there only.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from tests.conformance.browsing import Visitor
from tests.conformance_oidc import plans, registrant
from tests.conformance_oidc.cast import BY_KEY, Cast
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import Plan
from tests.conformance_oidc.relying import Client, Request, Tokens

T = TypeVar("T")


@dataclass(frozen=True)
class Code:
    """A code of a client, redeemed if there are tokens."""

    client: Client
    request: Request
    code: str
    tokens: Tokens | None = None


class Begun(Generic[T]):
    """What came of ``begin``, for later."""

    def __init__(self, begin: Callable[[], T]) -> None:
        self._value: T | None = None
        self._error: Exception | None = None
        try:
            self._value = begin()
        except Exception as error:  # whatever it was: `get` says it
            self._error = error

    def get(self) -> T:
        """The value, or the error."""
        if self._error is not None or self._value is None:
            raise AssertionError("it could not even be begun") from self._error
        return self._value


@dataclass
class Aged:
    """Codes by plan, references that nobody opened, and a client's old key."""

    codes: Mapping[Plan, Begun[Code]]
    references: Mapping[Plan, Begun[tuple[Client, Mapping[str, str]]]]
    rotating: Begun[tuple[Client, Tokens]]
    begun: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float) -> None:
        """Until all this is ``seconds`` old, and one more."""
        time.sleep(max(0.0, self.begun + seconds + 1 - time.monotonic()))


def begin(visitor: Visitor, cast: Cast, site: Site) -> Aged:
    """Begin it."""
    return Aged(
        {plan: Begun(partial(_code, visitor, cast, plan)) for plan in (*plans.FAPI, *plans.CONVENTIONAL)},
        {plan: Begun(partial(_reference, cast, plan)) for plan in plans.FAPI},
        Begun(partial(_rotating, visitor, cast, site)),
    )


def _code(visitor: Visitor, cast: Cast, plan: Plan) -> Code:
    client = cast.first(plan)
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    redeemed = client.tokens(client.redeem(code, request), request) if plan in plans.CONVENTIONAL else None
    return Code(client, request, code, redeemed)


def _reference(cast: Cast, plan: Plan) -> tuple[Client, Mapping[str, str]]:
    client = cast.first(plan)
    return client, client.pushed(client.sent(client.request()))


def _rotating(visitor: Visitor, cast: Cast, site: Site) -> tuple[Client, Tokens]:
    client = registrant.register(cast.server, site.origin, jwks_uri=f"{site.origin}/rotating", **BY_KEY)
    site.pages["/rotating"] = client.party.key.jwks
    return client, client.flow(visitor, scope="openid offline_access", prompt="consent")

"""What takes time: begun before everything else, and looked at after the rest."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.conformance.browsing import Visitor
from tests.conformance_oidc import plans, registrant
from tests.conformance_oidc.cast import BY_KEY, Cast
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.plans import Plan
from tests.conformance_oidc.relying import Client, Request, Tokens


@dataclass(frozen=True)
class Code:
    """A code of a client, redeemed if there are tokens."""

    client: Client
    request: Request
    code: str
    tokens: Tokens | None = None


@dataclass
class Aged:
    """Codes by plan, references that nobody opened, and a client's old key."""

    codes: Mapping[Plan, Code]
    references: Mapping[Plan, Mapping[str, str]]
    rotating: Client
    rotating_tokens: Tokens
    begun: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float) -> None:
        """Until all this is ``seconds`` old, and one more."""
        time.sleep(max(0.0, self.begun + seconds + 1 - time.monotonic()))


def begin(visitor: Visitor, cast: Cast, site: Site) -> Aged:
    """Begin it."""
    references = {}
    for plan in plans.FAPI:
        client = cast.first(plan)
        references[plan] = client.pushed(client.sent(client.request()))
    by_key = {"jwks_uri": f"{site.origin}/rotating", **BY_KEY}
    rotating = registrant.register(cast.server, site.origin, **by_key)
    site.pages["/rotating"] = rotating.party.key.jwks
    tokens = rotating.flow(visitor, scope="openid offline_access", prompt="consent")
    codes = {plan: _code(visitor, cast.first(plan), plan) for plan in (*plans.FAPI, *plans.CONVENTIONAL)}
    return Aged(codes, references, rotating, tokens)


def _code(visitor: Visitor, client: Client, plan: Plan) -> Code:
    request = client.request()
    code = client.code(client.arrived(visitor, request), request)
    redeemed = client.tokens(client.redeem(code, request), request) if plan in plans.CONVENTIONAL else None
    return Code(client, request, code, redeemed)

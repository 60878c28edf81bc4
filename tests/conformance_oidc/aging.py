"""What takes time: begun before everything else, and looked at after the rest."""

import time
from dataclasses import dataclass, field

from tests.conformance.browsing import Visitor
from tests.conformance_oidc import registrant
from tests.conformance_oidc.parties import Site
from tests.conformance_oidc.relying import Client, Request, Server, Tokens


@dataclass
class Aged:
    """A code that was never redeemed, a reference that nobody opened, a code that was redeemed, a client's old key."""

    border: Client
    request: Request
    code: str
    reference: dict[str, str]
    basic: Client
    basic_request: Request
    basic_code: str
    basic_tokens: Tokens
    rotating: Client
    rotating_tokens: Tokens
    begun: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float) -> None:
        """Until all this is ``seconds`` old, and one more."""
        time.sleep(max(0.0, self.begun + seconds + 1 - time.monotonic()))


def begin(visitor: Visitor, border: Client, basic: Client, at: Server, site: Site) -> Aged:
    """Begin it."""
    request, basic_request = border.request(), basic.request()
    code = border.code(border.arrived(visitor, request), request)
    basic_code = basic.code(basic.arrived(visitor, basic_request), basic_request)
    keys = f"{site.origin}/rotating"
    by_key = {"jwks_uri": keys, "token_endpoint_auth_method": "private_key_jwt"}
    rotating = registrant.register(at, site.origin, **by_key)
    site.pages["/rotating"] = rotating.party.key.jwks
    tokens = rotating.flow(visitor, scope="openid offline_access", prompt="consent")
    return Aged(
        border=border,
        request=request,
        code=code,
        reference=border.pushed(border.request().parameters),
        basic=basic,
        basic_request=basic_request,
        basic_code=basic_code,
        basic_tokens=basic.tokens(basic.redeem(basic_code, basic_request), basic_request),
        rotating=rotating,
        rotating_tokens=tokens,
    )

"""Request objects and ID tokens that nobody signed, in the plans of OpenID Connect.

The node takes signed request objects by value. Discovery says that it takes no unsigned ones and fetches none, so the
suite would skip most of these; here each is refused, and as what it is.
"""

import pytest

from tests.conformance import jose
from tests.conformance.browsing import Visitor
from tests.conformance_oidc import refusals, registrant, relying
from tests.conformance_oidc.cast import Cast
from tests.conformance_oidc.parties import described
from tests.conformance_oidc.plans import CONVENTIONAL, DYNAMIC, Plan, module

pytestmark = pytest.mark.e2e
RP = "rp.localhost"


@module("idtoken-unsigned", *CONVENTIONAL, DYNAMIC)
def test_unsigned_id_token(cast: Cast) -> None:
    """An ID token that anybody can make: discovery does not offer it, and nobody can register for it."""
    assert "none" not in cast.server.metadata["id_token_signing_alg_values_supported"]
    answer = registrant.asked(cast.server, described(cast.sites[RP].origin, id_token_signed_response_alg="none"))
    refusals.answered(answer, ("invalid_client_metadata",))


@module("ensure-request-object-with-redirect-uri", *CONVENTIONAL, DYNAMIC)
def test_object_counts(plan: Plan, visitor: Visitor, cast: Cast) -> None:
    """A redirect URI beside the object that is followed; RS256, as the suite signs."""
    client = cast.first(plan) if plan is DYNAMIC else cast.named("basic-key", plan)
    request = client.request()
    signed = client.signed(request, key=client.party.rsa)
    outside = {**request.parameters, "redirect_uri": f"{client.party.callback}/other", "request": signed}
    client.tokens(client.redeem(client.code(client.go(visitor, outside), request), request), request)


@module("unsigned-request-object-supported-correctly-or-rejected-as-unsupported", *CONVENTIONAL)
def test_unsigned_object(plan: Plan, visitor: Visitor, cast: Cast) -> None:
    """An object of the algorithm none: discovery does not list it, and it is refused."""
    client = cast.named("basic-key", plan)
    assert "none" not in client.at.metadata["request_object_signing_alg_values_supported"]
    request = client.request()
    unsigned = relying.unsigned(jose.claims(client.signed(request)))
    arrival = client.go(visitor, {**request.parameters, "request": unsigned})
    refusals.shown(arrival, ("request_not_supported", *refusals.REQUEST_OR_OBJECT))


@module("request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", *CONVENTIONAL)
def test_object_by_reference(plan: Plan, visitor: Visitor, cast: Cast) -> None:
    """A request_uri that the node fetches for whoever names it: discovery says that it does not, and it does not."""
    client, site = cast.named("basic-key", plan), cast.sites[RP]
    assert client.at.metadata["request_uri_parameter_supported"] is False
    request = client.request()
    for text in (relying.unsigned(jose.claims(client.signed(request))), client.signed(request, key=client.party.rsa)):
        site.pages["/request.jwt"] = text
        asked = len(site.asked)
        arrival = client.go(visitor, {**request.parameters, "request_uri": f"{site.origin}/request.jwt"})
        refusals.shown(arrival, ("request_uri_not_supported",))
        assert "/request.jwt" not in site.asked[asked:]

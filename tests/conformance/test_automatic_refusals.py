"""The plan for an OpenID provider that joined a federation, second half: requests that must be refused.

Each is a request that would succeed but for one thing; the errors accepted are the suite's.
"""

import time
from typing import Any

import pytest

from tests.conformance import flows, jose
from tests.conformance.browsing import Arrival, Visitor
from tests.conformance.flows import Provider
from tests.conformance.modules import REGISTRATION, module
from tests.conformance.relying_parties import WELL_KNOWN, RelyingParty

OBJECT = ("invalid_request", "invalid_request_object")
OBJECT_OR_CLIENT = (*OBJECT, "invalid_client")
CHANGES: dict[str, Any] = {  # module -> what is other than it should be, given the claims; None removes
    "missing-request-object-aud": lambda claims: {"aud": None},
    "missing-request-object-exp": lambda claims: {"exp": None},
    "missing-request-object-iss": lambda claims: {"iss": None},
    "missing-request-object-jti": lambda claims: {"jti": None},
    "request-object-aud": lambda claims: {"aud": claims["aud"] + "/1"},
    "request-object-exp": lambda claims: {"exp": int(time.time()) - 300},
    "request-object-iss": lambda claims: {"iss": claims["iss"] + "/1"},
    "request-object-sub": lambda claims: {"sub": claims["client_id"]},
    "client-id-in-request-object": lambda claims: {"client_id": claims["client_id"] + "/INVALID"},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=module(f"{REGISTRATION}invalid-{name}")) for name in CHANGES]
)
def test_claims(visitor: Visitor, party: RelyingParty, provider: Provider, name: str) -> None:
    """A request object whose claims are not those of §12.1.1.1."""
    claims = party.request()
    claims |= CHANGES[name](claims)
    flows.is_refused(_sent(visitor, provider, flows.by_value(claims, party.signed(claims))), OBJECT_OR_CLIENT)


@module(REGISTRATION + "invalid-client-id-in-query-parameters")
def test_client_id_beside_the_object(visitor: Visitor, party: RelyingParty, provider: Provider) -> None:
    """A request object under another client's name."""
    claims = party.request()
    parameters = flows.by_value(claims, party.signed(claims))
    parameters["client_id"] += "INVALID"
    flows.is_refused(_sent(visitor, provider, parameters), OBJECT_OR_CLIENT)


@module(REGISTRATION + "invalid-duplicate-request-object-jti")
def test_jti_twice(visitor: Visitor, party: RelyingParty, provider: Provider) -> None:
    """A request object that serves a second time."""
    first = party.request()
    arrival = _sent(visitor, provider, flows.by_value(first, party.signed(first)))
    flows.code_of(arrival, party, provider)
    second = party.request(jti=first["jti"])
    assert second["jti"] == first["jti"]
    flows.is_refused(_sent(visitor, provider, flows.by_value(second, party.signed(second))), OBJECT_OR_CLIENT)


@module(REGISTRATION + "invalid-signature-on-request-object")
def test_broken_signature(visitor: Visitor, party: RelyingParty, provider: Provider) -> None:
    """A signature that is not looked at."""
    claims = party.request()
    broken = jose.with_broken_signature(party.signed(claims))
    flows.is_refused(_sent(visitor, provider, flows.by_value(claims, broken)), OBJECT)


@module(REGISTRATION + "invalid-signature-with-other-keys-on-request-object")
def test_other_keys(visitor: Visitor, party: RelyingParty, provider: Provider) -> None:
    """A signature by keys that the client never published; its federation keys are such (§12.1.1.1)."""
    for key in (jose.generate("RS256"), party.federation_key):
        claims = party.request()
        foreign = party.signed(claims, key=key)
        flows.is_refused(_sent(visitor, provider, flows.by_value(claims, foreign)), OBJECT)


@module(REGISTRATION + "invalid-iss-in-entity-configuration")
def test_issuer_of_the_configuration(visitor: Visitor, newcomer: RelyingParty, provider: Provider) -> None:
    """A configuration that somebody else issued."""
    newcomer.overlay["iss"] = f"{newcomer.entity_id}/1"
    claims = newcomer.request()
    try:
        arrival = _sent(visitor, provider, flows.by_value(claims, newcomer.signed(claims)))
        flows.is_refused(arrival, OBJECT_OR_CLIENT)
    finally:
        newcomer.overlay.clear()
    assert WELL_KNOWN in newcomer.asked
    assert "/jwks" not in newcomer.asked, "its keys were fetched although it is nobody"


def _sent(visitor: Visitor, provider: Provider, parameters: dict[str, str]) -> Arrival:
    return visitor.arrive("GET", provider.metadata["authorization_endpoint"], parameters)

"""The plan for an OpenID provider that joined a federation, first half: automatic registration that must succeed."""

import pytest
from joserfc import jwe
from joserfc.jwk import JWKRegistry

from tests.conformance import flows
from tests.conformance.browsing import Visitor
from tests.conformance.flows import Provider
from tests.conformance.modules import REGISTRATION, module
from tests.conformance.relying_parties import WELL_KNOWN, RelyingParty

WAYS = [
    pytest.param(method, chain, marks=module(f"{REGISTRATION}with-jar-and-{method.lower()}{suffix}"))
    for method in ("GET", "POST")
    for chain, suffix in ((False, ""), (True, "-and-trust-chain"))
]
PUSHED = [
    pytest.param(chain, marks=module(f"{REGISTRATION}with-par{suffix}"))
    for chain, suffix in ((False, ""), (True, "-and-trust-chain"))
]


@pytest.mark.parametrize(("method", "with_chain"), WAYS)
def test_request_object_by_value(
    visitor: Visitor, party: RelyingParty, provider: Provider, method: str, *, with_chain: bool
) -> None:
    """A relying party of the federation that cannot get in by its request object alone."""
    chain = flows.trust_chain(party, provider) if with_chain else None
    claims = party.request()
    parameters = flows.by_value(claims, party.signed(claims, chain=chain))
    flows.succeeds(visitor, party, provider, method=method, parameters=parameters)


@pytest.mark.parametrize("with_chain", PUSHED)
def test_pushed_request(visitor: Visitor, party: RelyingParty, provider: Provider, *, with_chain: bool) -> None:
    """A relying party of the federation that cannot push its request."""
    chain = flows.trust_chain(party, provider) if with_chain else None
    claims = party.request()
    parameters = flows.pushed(party, provider, claims, party.signed(claims, chain=chain))
    flows.succeeds(visitor, party, provider, method="GET", parameters=parameters)


@module(REGISTRATION + "with-jar-and-encrypted-request-object")
def test_encrypted_request_object(visitor: Visitor, party: RelyingParty, provider: Provider) -> None:
    """An encryption key that is published and opens nothing; RSA-OAEP is what the suite itself uses."""
    metadata = provider.metadata
    encryption = metadata["request_object_encryption_enc_values_supported"][0]
    for algorithm, kind in (("RSA-OAEP", "RSA"), ("ECDH-ES", "EC")):
        assert algorithm in metadata["request_object_encryption_alg_values_supported"]
        key = next(key for key in provider.keys("enc") if key["kty"] == kind)
        claims = party.request()
        header = {"alg": algorithm, "enc": encryption, "kid": key["kid"], "cty": "JWT"}
        encrypted = jwe.encrypt_compact(
            header, party.signed(claims).encode(), JWKRegistry.import_key(key), algorithms=[algorithm, encryption]
        )
        parameters = flows.by_value(claims, encrypted)
        flows.succeeds(visitor, party, provider, method="GET", parameters=parameters)


@module(REGISTRATION + "expect-entity-configuration-request")
def test_configuration_is_asked_for(visitor: Visitor, newcomer: RelyingParty, provider: Provider) -> None:
    """A provider that lets in whom it has not looked up."""
    claims = newcomer.request()
    parameters = flows.by_value(claims, newcomer.signed(claims))
    flows.succeeds(visitor, newcomer, provider, method="GET", parameters=parameters)
    assert WELL_KNOWN in newcomer.asked

"""Authorization requests as the suite makes them, and what it demands of the answers."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance import jose, wire
from tests.conformance.browsing import Arrival, Visitor, codes
from tests.conformance.relying_parties import WELL_KNOWN, RelyingParty

LEAST_HANDLE = 22  # characters of base64url in 128 bits: what a request_uri must have at least


@dataclass(frozen=True)
class Provider:
    """The node as its entity configuration describes it."""

    entity_id: str
    metadata: Mapping[str, Any]  # of type openid_provider
    fetch_endpoint: str

    def keys(self, use: str) -> list[jose.Jwk]:
        return [key for key in self.metadata["jwks"]["keys"] if key.get("use", "sig") == use]


def provider(entity_id: str) -> Provider:
    """Read the node's configuration anew."""
    metadata = jose.claims(wire.get(entity_id + WELL_KNOWN).text)["metadata"]
    return Provider(entity_id, metadata["openid_provider"], metadata["federation_entity"]["federation_fetch_endpoint"])


def trust_chain(party: RelyingParty, by: Provider) -> list[str]:
    """Configuration, statement, anchor's configuration."""
    statement = wire.get(by.fetch_endpoint, sub=party.entity_id)
    assert statement.status == 200, statement.text
    return [party.configuration(), statement.text, wire.get(by.entity_id + WELL_KNOWN).text]


def by_value(claims: Mapping[str, Any], request: str) -> dict[str, str]:
    """The parameters of a request whose object travels with it."""
    return {
        "client_id": claims["client_id"],
        "scope": claims["scope"],
        "response_type": claims["response_type"],
        "request": request,
    }


def pushed(party: RelyingParty, at: Provider, claims: Mapping[str, Any], request: str) -> dict[str, str]:
    """Push the object (RFC 9126); the parameters that refer to it."""
    endpoint = at.metadata["pushed_authorization_request_endpoint"]
    answer = wire.post(endpoint, {"request": request, **party.authentication()})
    assert answer.status == 201, answer.text
    body = answer.json()
    assert isinstance(body["expires_in"], int) and body["expires_in"] > 0
    assert len(body["request_uri"].rsplit(":", 1)[-1]) >= LEAST_HANDLE
    return {"client_id": claims["client_id"], "request_uri": body["request_uri"]}


def code_of(arrival: Arrival, party: RelyingParty, at: Provider) -> str:
    """The code at the callback; no state comes back where none was sent, and ``iss`` is the provider (RFC 9207)."""
    assert arrival.callback == party.callback, f"{arrival.status} {codes(arrival.page)}"
    assert "error" not in arrival.parameters and "state" not in arrival.parameters, arrival.parameters
    assert arrival.parameters["iss"] == at.entity_id
    return arrival.parameters["code"]


def redeemed(party: RelyingParty, at: Provider, code: str) -> dict[str, Any]:
    """Redeem a code; the ID token's claims (OpenID Connect Core §3.1.3.7), for this client alone (§12.1.1.1)."""
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.callback}
    answer = wire.post(at.metadata["token_endpoint"], {**grant, **party.authentication()})
    assert answer.status == 200, answer.text
    body = answer.json()
    assert body["token_type"].lower() in ("bearer", "dpop") and body["access_token"]
    claims = jose.verified(body["id_token"], at.keys("sig"))
    now = time.time()
    assert claims["iss"] == at.entity_id and claims["sub"]
    assert (
        claims["aud"] in (party.entity_id, [party.entity_id]) and claims.get("azp", party.entity_id) == party.entity_id
    )
    assert claims["exp"] > now - 300 and claims["iat"] < now + 300 and "nonce" not in claims
    return claims


def succeeds(
    visitor: Visitor, party: RelyingParty, at: Provider, *, method: str, parameters: Mapping[str, str]
) -> None:
    """The whole flow to a verified ID token, and the code a second time to nothing."""
    arrival = visitor.arrive(method, at.metadata["authorization_endpoint"], parameters)
    code = code_of(arrival, party, at)
    redeemed(party, at, code)
    again = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.callback}
    assert wire.post(at.metadata["token_endpoint"], {**again, **party.authentication()}).status == 400


def is_refused(arrival: Arrival, accepted: Collection[str]) -> None:
    """An error page of the provider, or an error at the callback; either names one of the ``accepted`` errors."""
    if arrival.callback is not None:
        assert "code" not in arrival.parameters and arrival.parameters.get("error") in accepted, arrival.parameters
        return
    assert 400 <= arrival.status < 500, arrival.status
    assert arrival.content_type.startswith("text/html")
    shown: Sequence[str] = codes(arrival.page)
    assert len(shown) == 1 and shown[0] in accepted, shown

"""What a client signs for itself (assertions, request objects, DPoP proofs), with anything at all in any place."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import authorization_details as rich
from idp.protocol import client_assertion, dpop, encrypted_response, jwk_set, jws, keys, request_object
from idp.protocol.refusals import Refusal

NOW = 1_800_000_000
ISSUER, CLIENT = "https://idp.hk.example", "https://messenger.example"
URL = f"{ISSUER}/oidc/token"
KEY = keys.generate()
KEYS = keys.KeySet([KEY.public])


class Kind(NamedTuple):
    """One kind of document: its sound claims, and how it is accepted; that gives who is behind it."""

    token_type: jws.TokenType
    claims: dict[str, Any]
    headers: dict[str, Any]
    accept: Callable[[str], str]
    sender: str

    def signed(self, claims: dict[str, Any] | None = None, headers: dict[str, Any] | None = None) -> str:
        return jws.sign(self.token_type, {**self.claims, **(claims or {})}, KEY, {**self.headers, **(headers or {})})


def accept_assertion(text: str) -> str:
    announced = client_assertion.announce(text, issuer=ISSUER, now=NOW, also={URL})
    found = client_assertion.verify(announced, client_id=CLIENT, keys=KEYS, now=NOW)
    assert found.jti and found.forget_at > NOW
    return found.client_id


def accept_request(text: str) -> str:
    announced = request_object.announce(text, issuer=ISSUER, now=NOW, require_nbf=False, of_anybody=True)
    found = request_object.verify(announced, client_id=CLIENT, keys=KEYS, now=NOW)
    assert found.jti and found.forget_at > NOW
    return found.client_id


def accept_proof(text: str) -> str:
    found = dpop.verify(text, method="POST", url=URL, now=NOW)
    assert found.jti and found.forget_at > NOW
    return found.jkt


COMMON = {"iss": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "j-1"}
JWK = {name: value for name, value in KEY.public.jwk().items() if name != "kid"}
PROOF = {"jti": "j-1", "htm": "POST", "htu": URL, "iat": NOW}
KINDS = {
    "assertion": Kind(client_assertion.CLIENT_ASSERTION, {**COMMON, "sub": CLIENT}, {}, accept_assertion, CLIENT),
    "request": Kind(request_object.REQUEST_OBJECT, {**COMMON, "client_id": CLIENT}, {}, accept_request, CLIENT),
    "proof": Kind(dpop.DPOP, PROOF, {"jwk": JWK}, accept_proof, KEY.public.thumbprint),
}
NAMES = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "client_id", "htm", "htu", "ath", "nonce", "scope", "cnf"]
HEADERS = ["typ", "cty", "kid", "jwk", "jku", "x5c", "crit", "b64", "trust_chain", "peer_trust_chain", "zip"]
_ANY = st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=20)
_NEAR = st.sampled_from([ISSUER, CLIENT, URL, "POST", NOW, NOW + 3600, NOW - 60, -(2**53), 2**53, float(NOW), [ISSUER]])
_JSON = st.recursive(
    _ANY | _NEAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def taken_or_refused(kind: Kind, text: str) -> None:
    """Nothing but a refusal comes out; and whoever is found is the one who signed."""
    try:
        assert kind.accept(text) == kind.sender
    except Refusal:
        return


@kinds
def test_the_sound_one_is_accepted(kind: Kind) -> None:
    """Properties of a document that is refused anyway would say nothing."""
    assert kind.accept(kind.signed()) == kind.sender


@kinds
@given(claims=st.dictionaries(st.sampled_from(NAMES), _JSON, max_size=3))
def test_any_claims_are_taken_or_refused(kind: Kind, claims: dict[str, Any]) -> None:
    """A parser that raises anything else ends as a server error."""
    taken_or_refused(kind, kind.signed(claims))


@kinds
@given(headers=st.dictionaries(st.sampled_from(HEADERS), _JSON, max_size=2))
def test_any_headers_are_taken_or_refused(kind: Kind, headers: dict[str, Any]) -> None:
    """As above; and a header that brings a key or a chain of its own changes nobody's name."""
    taken_or_refused(kind, kind.signed(headers=headers))


@kinds
@given(text=st.text(max_size=200) | st.text(alphabet="eyJ.abc_-", max_size=60))
def test_any_text_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(Refusal):
        kind.accept(text)


_VALUE = st.text(max_size=20) | st.integers(-9, 2**40) | st.booleans() | st.lists(st.text(max_size=5), max_size=2)


@given(st.dictionaries(st.sampled_from(["state", "scope", "nonce", "max_age", "claims", "x"]), _VALUE))
def test_parameters_of_a_request_come_out_as_they_went_in(parameters: dict[str, Any]) -> None:
    """A parameter that is lost, changed, or mixed up with the envelope."""
    text = request_object.sign(parameters, client_id=CLIENT, issuer=ISSUER, now=NOW, jti="r", signer=KEY)
    announced = request_object.announce(text, issuer=ISSUER, now=NOW, require_nbf=True)
    found = request_object.verify(announced, client_id=CLIENT, keys=KEYS, now=NOW)
    assert found.parameters == {**parameters, "client_id": CLIENT}


_PRINTABLE = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)


@given(jti=_PRINTABLE, nonce=st.none() | _PRINTABLE, method=st.sampled_from(["GET", "POST"]), token=_PRINTABLE)
def test_proof_says_what_it_was_made_for_and_nothing_else(jti: str, nonce: str | None, method: str, token: str) -> None:
    text = dpop.prove(method=method, url=URL, now=NOW, jti=jti, key=KEY, nonce=nonce, access_token=token)
    found = dpop.verify(text, method=method, url=URL, now=NOW, access_token=token)
    assert (found.jti, found.nonce, found.iat) == (jti, nonce, NOW)
    for other in ({"method": "PUT"}, {"url": f"{URL}s"}, {"access_token": f"{token}x"}):
        with pytest.raises(Refusal):
            dpop.verify(text, **{"method": method, "url": URL, "now": NOW, "access_token": token, **other})


@given(st.lists(st.sampled_from([".", "..", "", "a", "%7E", "%2f", "%zz", "é", "b;c", "~"]), max_size=6), st.booleans())
def test_a_normal_url_stays_as_it_is(segments: list[str], loud: bool) -> None:
    """Two forms of one URL that do not meet, or a URL that walks on each time."""
    url = f"{'HTTPS://IDP.example:443' if loud else 'https://idp.example'}/{'/'.join(segments)}"
    try:
        once = dpop.normal_url(url)
    except Refusal:
        return
    assert dpop.normal_url(once) == once and once.startswith("https://idp.example/")


# --- key sets -----------------------------------------------------------------------------------------------------

_RSA = keys.generate("RS256")
_KEYS = [JWK, KEY.public.jwk(), _RSA.public.jwk(), KEY.jwk(), {**JWK, "use": "enc", "alg": "ECDH-ES"}]
_ODD = st.builds(
    lambda key, changes: {**key, **changes},
    st.sampled_from(_KEYS),
    st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "kid", "use", "alg", "key_ops"]), _JSON),
)


@given(st.lists(_ODD | _JSON, max_size=3).map(lambda members: {"keys": members}) | _JSON)
def test_any_key_set_of_a_client_is_taken_or_refused(jwks: Any) -> None:
    """Whatever a client registers: what is taken can verify, and no private key is ever among it (row 70)."""
    try:
        jwk_set.check(jwks)
        found = jwk_set.signing_keys(jwks).jwks()["keys"]
    except Refusal:
        found = []
    assert not any("d" in key for key in found)
    for way in (("ECDH-ES", "A256GCM"), ("RSA-OAEP-256", "A128CBC-HS256")):
        to = encrypted_response.recipient(jwks, algorithm=way[0], encryption=way[1])
        assert to is None or (to.kid is None or isinstance(to.kid, str)), "what goes into the header of the answer"


# --- authorization details ----------------------------------------------------------------------------------------

_CROSSINGS = st.builds(
    lambda begin, span, **members: rich.BorderCrossing(valid_from=begin, valid_until=begin + span, **members),
    begin=st.integers(NOW, NOW + 10**6),
    span=st.integers(1, rich.MAX_SPAN),
    locations=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=8, unique=True).map(tuple),
    directions=st.sampled_from([("exit",), ("entry",), ("exit", "entry")]),
    document=st.none() | st.text(min_size=1, max_size=128),
    max_tokens=st.integers(1, rich.MAX_TOKENS),
    ahead=st.booleans(),
)


@given(_CROSSINGS)
def test_crossing_is_read_as_it_was_written(crossing: rich.BorderCrossing) -> None:
    """In a form, in a request object, and as it is kept."""
    (detail,) = rich.parse(json.dumps([crossing.wire()]))
    assert detail == rich.parse([crossing.wire()])[0] == crossing.wire()
    assert rich.parse_border_crossing(detail, now=NOW) == crossing


@given(st.lists(_CROSSINGS, min_size=1, max_size=4), st.data())
def test_narrowing_twice_is_narrowing_once(granted: list[rich.BorderCrossing], data: st.DataObject) -> None:
    """RFC 9396 §6: a part is as granted and never more, and the whole is a part."""
    whole = [crossing.wire() for crossing in granted]
    part = data.draw(st.lists(st.sampled_from(whole)))
    once = rich.narrow(part, whole)
    assert list(rich.narrow(whole, whole)) == whole
    assert rich.narrow(part, once) == once and all(detail in whole and detail in part for detail in once)

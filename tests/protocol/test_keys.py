"""A weak, private or malformed key is refused when it is read."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import keys, strict_json
from idp.protocol.refusals import Reason, Refusal

EC = keys.generate("ES256").public.jwk()
OKP = keys.generate("EdDSA").public.jwk()


def _rsa(bits: int, exponent: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    raw = {"n": numbers.n, "e": exponent}
    encoded = {
        name: strict_json.b64encode(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in raw.items()
    }
    return {"kty": "RSA", "kid": "r", **encoded}


def refused(jwk: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        keys.parse_public(jwk)
    assert caught.value.reason is Reason.MALFORMED
    return caught.value


def test_point_off_the_curve_is_refused() -> None:
    """invalid solely because y belongs to another point (row 70)."""
    other = keys.generate("ES256").public.jwk()
    refused({**EC, "y": other["y"]})


@pytest.mark.parametrize("member", sorted(keys.PRIVATE_MEMBERS))
def test_private_member_in_a_public_place_is_refused(member: str) -> None:
    """invalid solely because a private member stands in a published key (row 70)."""
    refused({**EC, member: "AAAA"})


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (2048, 1), (2048, 4)])
def test_weak_rsa_is_refused(bits: int, exponent: int) -> None:
    """invalid solely because the modulus is short or the exponent one or even (row 70)."""
    refused(_rsa(bits, exponent))


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, keys._Y8])
def test_small_order_point_is_refused(y: int) -> None:
    """invalid solely because the point has small order: one signature would verify for any message (row 70)."""
    refused({"kty": "OKP", "crv": "Ed25519", "kid": "o", "x": strict_json.b64encode(y.to_bytes(32, "little"))})


@pytest.mark.parametrize(
    "change",
    [
        {"kid": ""},
        {"kid": 7},
        {"kty": "oct"},
        {"kty": ["EC"]},
        {"crv": "secp256k1"},
        {"alg": "RS256"},
        {"alg": 3},
        {"x": "*"},
        {"x": None},
    ],
)
def test_malformed_key_is_refused(change: dict[str, Any]) -> None:
    """invalid solely because one member is not what RFC 7517 says."""
    refused({**EC, **change})


def test_kid_twice_in_a_set_is_refused() -> None:
    """invalid solely because two keys share a kid: which one signed would be a guess (row 3)."""
    with pytest.raises(Refusal):
        keys.parse_jwks({"keys": [EC, {**OKP, "kid": EC["kid"]}]})


@pytest.mark.parametrize("value", [None, {}, {"keys": []}, {"keys": "EC"}, {"keys": [EC] * 65}, [EC]])
def test_what_is_no_key_set_is_refused(value: object) -> None:
    """invalid solely because it is no JWK Set of 1 to 64 keys."""
    with pytest.raises(Refusal):
        keys.parse_jwks(value)


def test_thumbprint_is_that_of_the_standard() -> None:
    """Another order of members gives another thumbprint (the example of RFC 7638 §3.1)."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6"
        "4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9"
        "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert keys.thumbprint({"kty": "RSA", "e": "AQAB", "n": modulus}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_private_key_comes_back_from_the_store() -> None:
    """A stored key that no longer signs."""
    for algorithm in ("ES256", "EdDSA", "PS256"):
        key = keys.generate(algorithm)
        again = keys.parse_private(key.jwk())
        assert (again.kid, again.algorithm) == (key.kid, algorithm)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "d"]),
        st.text(max_size=50) | st.integers() | st.none(),
    )
)
def test_nothing_but_a_refusal_comes_out_of_a_wild_key(jwk: dict[str, Any]) -> None:
    """A library's own exception that escapes."""
    try:
        keys.parse_public(jwk)
    except Refusal as caught:
        assert caught.reason is Reason.MALFORMED

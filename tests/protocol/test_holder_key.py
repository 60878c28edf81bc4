"""Ways to have a border token bound to a key that the asker does not hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import holder_key, jws, keys
from idp.protocol.refusals import Reason, Refusal
from tests.simulators.wallet import WalletSimulator

NOW = 1_800_000_000
NODE, TOKEN = "https://idp.hk.example", "header.access.token"
WALLET, OTHER = WalletSimulator(), keys.generate()
GOOD = WALLET.prove_holder_key(authority="https://idp.cn.example", issuer=NODE, access_token=TOKEN, now=NOW)
HOLDER = WALLET.holder("https://idp.cn.example")
JWK = {name: HOLDER.public.jwk()[name] for name in ("kty", "crv", "x", "y")}
CLAIMS = jws.parse_unverified(GOOD, holder_key.HOLDER_PROOF).claims


def verify(text: str, **options: Any) -> keys.PublicKey:
    return holder_key.verify_holder_key(text, **{"audience": NODE, "access_token": TOKEN, "now": NOW, **options})


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify(text, **options)
    return caught.value.reason


def forged(changes: dict[str, Any], key: keys.PrivateKey = HOLDER, **header: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return jws.sign(holder_key.HOLDER_PROOF, claims, key, {"jwk": JWK, **header})


def test_a_sound_proof_gives_the_key() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert verify(GOOD).thumbprint == HOLDER.public.thumbprint
    assert verify(GOOD, holder_jwk=HOLDER.public.jwk()).thumbprint == HOLDER.public.thumbprint


def test_each_authority_gets_another_key() -> None:
    """One key for two authorities would link the traveller's tokens."""
    assert WALLET.public("https://idp.mo.example").thumbprint != HOLDER.public.thumbprint


def test_key_of_somebody_else_is_not_bound() -> None:
    """invalid solely because the key in the header did not sign, or another key was asked for."""
    assert reason_of(forged({}, OTHER)) is Reason.BAD_SIGNATURE
    assert reason_of(GOOD, holder_jwk=OTHER.public.jwk()) is Reason.KEY_BINDING_FAILED
    assert reason_of(GOOD, holder_jwk={**JWK, "d": "AA"}) is Reason.MALFORMED
    assert reason_of(GOOD, holder_jwk="key") is Reason.MALFORMED


def test_proof_for_another_access_token_is_refused() -> None:
    """invalid solely because it was made for another access token."""
    assert reason_of(GOOD, access_token="header.other.token") is Reason.KEY_BINDING_FAILED


def test_proof_for_another_node_is_refused() -> None:
    """invalid solely because another node is the audience, or one of two."""
    assert reason_of(GOOD, audience="https://idp.mo.example") is Reason.WRONG_AUDIENCE
    assert reason_of(forged({"aud": [NODE]})) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("skew", "reason"), [(-61, Reason.EXPIRED), (11, Reason.NOT_YET_VALID), (-60, None), (10, None)]
)
def test_proof_is_good_for_a_minute(skew: int, reason: Reason | None) -> None:
    """invalid solely because of iat."""
    text = forged({"iat": NOW + skew})
    if reason is None:
        assert verify(text).thumbprint == HOLDER.public.thumbprint
    else:
        assert reason_of(text) is reason


@pytest.mark.parametrize("name", ["iat", "aud", "jti", "ath"])
def test_proof_without_one_claim_is_refused(name: str) -> None:
    """invalid solely because one claim is missing."""
    assert reason_of(forged({name: ...})) in (Reason.MALFORMED, Reason.WRONG_AUDIENCE)


@pytest.mark.parametrize("header", [{"typ": "dpop+jwt"}, {"typ": "border-proof+jwt"}, {"typ": "JWT"}, {"jwk": None}])
def test_another_proof_of_the_same_key_is_not_taken_for_this_one(header: dict[str, Any]) -> None:
    """invalid solely because of typ, or because no key stands in the header (row 46)."""
    assert reason_of(forged({}, **header)) is Reason.MALFORMED


def test_key_of_another_kind_is_refused() -> None:
    """invalid solely because the key is Ed25519, which a CWT's holder cannot be."""
    key = keys.generate("EdDSA")
    jwk = {name: value for name, value in key.public.jwk().items() if name in ("kty", "crv", "x")}
    assert reason_of(forged({}, key, jwk=jwk)) is Reason.BAD_SIGNATURE


@given(st.text(max_size=200))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    """An exception of a library would become a 500."""
    reason_of(text)

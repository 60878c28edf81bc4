"""PKCE downgraded, left out or guessed (row 40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import pkce
from idp.protocol.refusals import Reason, Refusal

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_rfcs_example_holds() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert pkce.challenge_of(VERIFIER) == CHALLENGE
    assert pkce.check_challenge(CHALLENGE, "S256") == CHALLENGE
    pkce.verify(VERIFIER, CHALLENGE)


@pytest.mark.parametrize("method", ["plain", None, "s256", "S512", 5])
def test_weaker_method_is_refused(method: object) -> None:
    """invalid solely because the method is not S256."""
    with pytest.raises(Refusal) as caught:
        pkce.check_challenge(CHALLENGE, method)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "challenge", [None, "", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "=", f"{CHALLENGE}\n", 5]
)
def test_challenge_that_is_no_hash_is_refused(challenge: object) -> None:
    """invalid solely because the challenge is not 43 base64url characters."""
    with pytest.raises(Refusal):
        pkce.check_challenge(challenge, "S256")


@pytest.mark.parametrize("verifier", [None, "", "short", "a" * 129, VERIFIER + "\n", VERIFIER[:-1] + "é", 5])
def test_verifier_out_of_form_is_refused(verifier: object) -> None:
    """invalid solely because of the verifier's form (RFC 7636 §4.1)."""
    with pytest.raises(Refusal) as caught:
        pkce.verify(verifier, CHALLENGE)
    assert caught.value.reason is Reason.MALFORMED


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_another_verifier_is_refused(verifier: str) -> None:
    """invalid solely because the verifier is another one."""
    with pytest.raises(Refusal) as caught:
        pkce.verify(verifier, CHALLENGE)
    assert caught.value.reason is Reason.KEY_BINDING_FAILED

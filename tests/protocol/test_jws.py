"""Every way to make somebody accept a document that its signer did not mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, strict_json
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
PAPER = jws.TokenType("paper+jwt", required=("iss", "iat", "exp"))
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
KEYS = keys.KeySet([KEY.public, OTHER.public])
CLAIMS = {"iss": "https://a.example", "iat": NOW, "exp": NOW + 60}
GOOD = jws.sign(PAPER, CLAIMS, KEY)


def forge(header: dict[str, Any], claims: dict[str, Any] | None = None, key: keys.PrivateKey = KEY) -> str:
    """Sign any header at all, as an attacker with a key could."""
    head, body = (strict_json.b64encode(strict_json.dumps(part)) for part in (header, claims or CLAIMS))
    return f"{head}.{body}.{strict_json.b64encode(jws.LocalSigner(key).sign(f'{head}.{body}'.encode()))}"


def header(**changes: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in {"alg": "ES256", "typ": "paper+jwt", "kid": KEY.kid, **changes}.items()
        if value is not ...
    }


def reason_of(text: str, token_type: jws.TokenType = PAPER, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        jws.verify(text, token_type, KEYS, now=NOW, **options)
    return caught.value.reason


def test_a_sound_document_verifies() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert jws.verify(GOOD, PAPER, KEYS, now=NOW).claims == CLAIMS


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384", "", None, 5])
def test_algorithm_chosen_by_the_attacker_is_refused(algorithm: object) -> None:
    """invalid solely because alg is not the key's own (row 1, RFC 8725 §3.1)."""
    assert reason_of(forge(header(alg=algorithm))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", [..., "JWT", "at+jwt", "", 7, "paper"])
def test_document_of_another_type_is_refused(typ: object) -> None:
    """invalid solely because typ names another kind of document (row 2, RFC 8725 §3.11)."""
    assert reason_of(forge(header(typ=typ))) is Reason.MALFORMED


def test_long_form_of_a_media_type_is_the_same_type() -> None:
    """RFC 7515 §4.1.9 lets typ be written with and without application/."""
    assert jws.verify(forge(header(typ="application/Paper+JWT")), PAPER, KEYS, now=NOW)


@pytest.mark.parametrize("kid", ["", "nobody", "../../key", "' OR 1=1 --", ..., 3])
def test_kid_that_names_no_key_is_refused(kid: object) -> None:
    """invalid solely because kid is not exactly one of the issuer's (row 3)."""
    assert reason_of(forge(header(kid=kid))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "trust_chain", "peer_trust_chain", "crit", "b64"])
def test_header_that_brings_its_own_keys_is_refused(name: str) -> None:
    """invalid solely because of a header that such a document does not have (rows 4 and 12)."""
    assert reason_of(forge(header(**{name: []}))) is Reason.MALFORMED


def test_key_of_somebody_else_is_refused() -> None:
    """invalid solely because another key of the set signed than kid says."""
    assert reason_of(forge(header(), key=OTHER)) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({**CLAIMS, "exp": NOW - 10}, Reason.EXPIRED),
        ({**CLAIMS, "iat": NOW + 11}, Reason.NOT_YET_VALID),
        ({**CLAIMS, "nbf": NOW + 11}, Reason.NOT_YET_VALID),
        ({**CLAIMS, "exp": float(NOW + 60)}, Reason.MALFORMED),
        ({**CLAIMS, "exp": str(NOW + 60)}, Reason.MALFORMED),
        ({**CLAIMS, "exp": True}, Reason.MALFORMED),
        ({**CLAIMS, "iss": ["https://a.example"]}, Reason.MALFORMED),
        ({**CLAIMS, "jti": ""}, Reason.MALFORMED),
        ({"iss": "https://a.example", "iat": NOW}, Reason.MALFORMED),
    ],
)
def test_wrong_times_and_types_are_refused(claims: dict[str, Any], reason: Reason) -> None:
    """invalid solely because one claim is out of its time or of another type (rows 5 and 72)."""
    assert reason_of(forge(header(), claims)) is reason


@pytest.mark.parametrize("skew", [-9, 0, 10])
def test_small_clock_difference_is_accepted(skew: int) -> None:
    """A peer whose clock is ten seconds off was shut out (FAPI 2.0 accepts 8 to 10 s)."""
    claims = {**CLAIMS, "iat": NOW + skew, "nbf": NOW + skew, "exp": NOW + max(skew, -9)}
    assert jws.verify(forge(header(), claims), PAPER, KEYS, now=NOW)


@pytest.mark.parametrize("audience", [["https://b.example"], "https://b.example/", "HTTPS://b.example", None, {"a": 1}])
def test_audience_in_any_other_form_is_refused(audience: object) -> None:
    """invalid solely because aud is not this recipient alone, as a string (rows 26, 32, 71)."""
    with pytest.raises(Refusal) as caught:
        jws.sole_audience({"aud": audience}, "https://b.example")
    assert caught.value.reason is Reason.WRONG_AUDIENCE


def test_oversized_document_is_refused_before_it_is_parsed() -> None:
    """invalid solely because it is longer than its type may be."""
    assert reason_of(forge(header(), {**CLAIMS, "x": "y" * 70_000})) is Reason.MALFORMED


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_any_changed_character_is_refused(place: int, char: str) -> None:
    """A character whose change goes unseen, such as unused bits in the last one."""
    changed = GOOD[:place] + char + GOOD[place + 1 :]
    if changed != GOOD:
        assert reason_of(changed) in (Reason.MALFORMED, Reason.BAD_SIGNATURE)


@given(
    st.text(max_size=120) | st.builds(".".join, st.lists(st.text("abcABC012-_=", max_size=20), min_size=3, max_size=3))
)
def test_nothing_but_a_refusal_comes_out(text: str) -> None:
    """A parser error that escapes as a 500."""
    with pytest.raises(Refusal):
        jws.verify(text, PAPER, KEYS, now=NOW)

"""Every way to use a proof for another request, another token or another time (RFC 9449 §4.3, rows 46 to 50)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import dpop, jws, keys, strict_json
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
URL = "https://idp.hk.example/oidc/token"
TOKEN = "eyJ.an-access.token"
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
RSA = keys.generate("RS256")
CLAIMS = {"jti": "j-1", "htm": "POST", "htu": URL, "iat": NOW}


def forge(*, header: dict[str, Any] | None = None, key: keys.PrivateKey = KEY, **claims: Any) -> str:
    """Sign any header and claims; ``...`` leaves a member out."""
    jwk = {name: value for name, value in key.public.jwk().items() if name != "kid"}
    head = {"alg": key.algorithm, "typ": "dpop+jwt", "jwk": jwk, **(header or {})}
    parts = [{name: value for name, value in part.items() if value is not ...} for part in (head, {**CLAIMS, **claims})]
    encoded = ".".join(strict_json.b64encode(strict_json.dumps(part)) for part in parts)
    return f"{encoded}.{strict_json.b64encode(jws.LocalSigner(key).sign(encoded.encode()))}"


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        dpop.verify(text, **{"method": "POST", "url": URL, "now": NOW, **options})
    return caught.value.reason


def test_a_sound_proof_verifies_and_names_its_key() -> None:
    """A verifier that refuses everything would pass all the others."""
    made = dpop.prove(method="POST", url=f"{URL}?a=b#c", now=NOW, jti="j", key=KEY, access_token=TOKEN, nonce="n" * 64)
    proof = dpop.verify(made, method="POST", url=URL, now=NOW, access_token=TOKEN, jkt=KEY.public.thumbprint)
    assert (proof.jkt, proof.jti, proof.iat, proof.nonce) == (KEY.public.thumbprint, "j", NOW, "n" * 64)
    assert proof.forget_at > NOW + dpop.MAX_AGE + jws.LEEWAY
    assert "kid" not in jws.parse_unverified(made, dpop.DPOP).header["jwk"]


def test_unknown_claims_are_ignored() -> None:
    """RFC 9449 §4.2 lets a proof carry more."""
    assert dpop.verify(forge(extra={"a": 1}), method="POST", url=URL, now=NOW).jti == "j-1"


@pytest.mark.parametrize("typ", [..., "JWT", "at+jwt", "dpop", 5])
def test_proof_of_another_type_is_refused(typ: object) -> None:
    """invalid solely because typ is not dpop+jwt (row 46)."""
    assert reason_of(forge(header={"typ": typ})) is Reason.MALFORMED


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", ...])
def test_algorithm_that_the_key_does_not_allow_is_refused(alg: object) -> None:
    """invalid solely because alg is none, symmetric or another key's (row 46)."""
    assert reason_of(forge(header={"alg": alg})) is Reason.BAD_SIGNATURE


def test_rs256_is_refused_even_by_a_key_that_could() -> None:
    """invalid solely because RS256 is not in the profile (row 46)."""
    assert reason_of(forge(header={"alg": "RS256"}, key=RSA)) is Reason.BAD_SIGNATURE


def test_private_key_in_the_header_is_refused() -> None:
    """invalid solely because jwk holds d (row 46): whoever reads the proof has the key."""
    private = {name: value for name, value in KEY.jwk().items() if name not in ("kid", "alg")}
    assert reason_of(forge(header={"jwk": private})) is Reason.MALFORMED


@pytest.mark.parametrize("jwk", [..., None, "key", {}, {"kty": "oct", "k": "AA"}])
def test_proof_without_a_public_key_is_refused(jwk: object) -> None:
    """invalid solely because there is no public jwk (row 46)."""
    assert reason_of(forge(header={"jwk": jwk})) is Reason.MALFORMED


def test_signature_by_another_key_is_refused() -> None:
    """invalid solely because the key in the header did not sign (row 46)."""
    stolen = {name: value for name, value in OTHER.public.jwk().items() if name != "kid"}
    assert reason_of(forge(header={"jwk": stolen})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
def test_missing_claim_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing (RFC 9449 §4.2)."""
    assert reason_of(forge(**{claim: ...})) is Reason.MALFORMED


@pytest.mark.parametrize("htm", ["GET", "post", ""])
def test_proof_for_another_method_is_refused(htm: str) -> None:
    """invalid solely because htm is another method (row 47)."""
    assert reason_of(forge(htm=htm)) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    "htu",
    [
        "http://idp.hk.example/oidc/token",
        "https://idp.mo.example/oidc/token",
        "https://idp.hk.example/oidc/tokens",
        "https://idp.hk.example/oidc/token/",
        "https://idp.hk.example/OIDC/token",
        "https://idp.hk.example:8443/oidc/token",
        "https://idp.hk.example.evil.example/oidc/token",
        "https://idp.hk.example/oidc%2Ftoken",
    ],
)
def test_proof_for_another_url_is_refused(htu: str) -> None:
    """invalid solely because htu is another URL (row 47)."""
    assert reason_of(forge(htu=htu)) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    "htu", ["/oidc/token", "https://user@idp.hk.example/oidc/token", "token", "https://é.example/"]
)
def test_url_that_is_not_absolute_is_refused(htu: str) -> None:
    """invalid solely because htu is no absolute URL without user information."""
    assert reason_of(forge(htu=htu)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://IDP.HK.EXAMPLE/oidc/token",
        "https://idp.hk.example:443/oidc/token",
        "https://idp.hk.example:/oidc/token",
        "https://idp.hk.example/oidc/token?x=1#y",
        "https://idp.hk.example/oidc/./a/../token",
        "https://idp.hk.example/oidc/%74oken",
    ],
)
def test_other_spellings_of_the_same_url_are_accepted(htu: str) -> None:
    """RFC 9449 §4.3 asks for normalisation by syntax and scheme; a strict client must not be locked out."""
    assert dpop.verify(forge(htu=htu), method="POST", url=URL, now=NOW).jti == "j-1"


@pytest.mark.parametrize(
    ("shift", "reason"),
    [(-3600, Reason.EXPIRED), (-61, Reason.EXPIRED), (3600, Reason.NOT_YET_VALID), (11, Reason.NOT_YET_VALID)],
)
def test_proof_of_another_time_is_refused(shift: int, reason: Reason) -> None:
    """invalid solely because of its time (row 48)."""
    assert reason_of(forge(iat=NOW + shift)) is reason


@pytest.mark.parametrize("shift", [-60, -10, 0, 10])
def test_clock_difference_within_the_window_is_accepted(shift: int) -> None:
    """The conformance suite demands ten seconds either way."""
    assert dpop.verify(forge(iat=NOW + shift), method="POST", url=URL, now=NOW).iat == NOW + shift


@pytest.mark.parametrize("iat", [True, 1.5e9, "1800000000", -1])
def test_time_that_is_no_integer_is_refused(iat: object) -> None:
    """invalid solely because iat is no integer (row 72)."""
    assert reason_of(forge(iat=iat)) is Reason.MALFORMED


@pytest.mark.parametrize("ath", [..., "", dpop.token_hash("another"), 5, "é"])
def test_proof_without_the_hash_of_this_token_is_refused(ath: object) -> None:
    """invalid solely because ath is missing or another token's (row 50)."""
    assert reason_of(forge(ath=ath), access_token=TOKEN) is Reason.KEY_BINDING_FAILED


def test_proof_by_another_key_than_the_tokens_is_refused() -> None:
    """invalid solely because the proof is sound but by another key (row 50)."""
    assert reason_of(forge(), jkt=OTHER.public.thumbprint) is Reason.KEY_BINDING_FAILED


@pytest.mark.parametrize("text", ["", "a.b", "not a jwt", "x" * 9000, f"{forge()},{forge()}"])
def test_what_is_no_jwt_is_refused(text: str) -> None:
    """invalid solely because it is not one compact JWS (row 46: two headers arrive joined by a comma)."""
    assert reason_of(text) is Reason.MALFORMED


@given(st.text("/.%25eE:@?#a", max_size=60).map(lambda text: f"https://a{text}") | st.text(max_size=60))
def test_url_normalisation_never_fails_otherwise(text: str) -> None:
    """A parser that raises something else than a Refusal is a 500 for whoever finds the text."""
    try:
        normal = dpop.normal_url(text)
    except Refusal:
        return
    assert dpop.normal_url(normal) == normal

"""Key sets that somebody else signed, or that are none (OpenID Federation 1.0 §5.2.1)."""

from typing import Any

import pytest

from idp.protocol import jwk_set, jws, keys
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
OWNER = "https://rp.example"
FEDERATION, PROTOCOL = keys.generate(), keys.generate()
JWKS = keys.KeySet([PROTOCOL.public]).jwks()


def forge(*, signer: keys.PrivateKey = FEDERATION, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iss": OWNER, "sub": OWNER, "iat": NOW, "exp": NOW + 60, **JWKS, **changes}
    kept = {name: value for name, value in claims.items() if value is not ...}
    return jws.sign(jwk_set.JWK_SET, kept, signer, header)


def accept(text: str) -> tuple[dict[str, Any], int | None]:
    return jwk_set.verify_signed(text, owner=OWNER, federation_keys=keys.KeySet([FEDERATION.public]), now=NOW)


def test_our_own_set_is_accepted_and_says_how_long() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert accept(jwk_set.sign(JWKS, owner=OWNER, now=NOW, expires_at=NOW + 9, signer=FEDERATION)) == (JWKS, NOW + 9)
    assert accept(forge(exp=..., iat=...)) == (JWKS, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": ...}, Reason.MALFORMED),
        ({"sub": ...}, Reason.MALFORMED),
        ({"keys": ...}, Reason.MALFORMED),
        ({"keys": []}, Reason.MALFORMED),
        ({"keys": "x"}, Reason.MALFORMED),
        ({"keys": [{"kty": "oct", "k": "AA", "kid": "x"}]}, Reason.MALFORMED),
        ({"keys": [PROTOCOL.jwk()]}, Reason.MALFORMED),
        ({"iss": "https://b.example"}, Reason.UNTRUSTED_ISSUER),
        ({"sub": "https://b.example"}, Reason.UNTRUSTED_ISSUER),
        ({"exp": NOW - 60}, Reason.EXPIRED),
        ({"signer": PROTOCOL}, Reason.BAD_SIGNATURE),
        ({"header": {"typ": "JWT"}}, Reason.MALFORMED),
        ({"header": {"typ": "entity-statement+jwt"}}, Reason.MALFORMED),
        ({"header": {"kid": ""}}, Reason.MALFORMED),
        ({"header": {"alg": "none"}}, Reason.BAD_SIGNATURE),
    ],
)
def test_set_with_one_wrong_thing_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim, header or key; a private key in it is compromised (row 70)."""
    with pytest.raises(Refusal) as caught:
        accept(forge(**changes))
    assert caught.value.reason is reason


def test_encryption_keys_are_left_out() -> None:
    """A key that is for encryption only would verify signatures."""
    sealing = {**keys.generate().public.jwk(), "use": "enc", "alg": "ECDH-ES"}
    assert [key.kid for key in jwk_set.signing_keys({"keys": [sealing, *JWKS["keys"]]}).keys] == [PROTOCOL.kid]
    for nothing in ({"keys": [sealing]}, {"keys": {}}, [], None, "x", 5):
        with pytest.raises(Refusal):
            jwk_set.signing_keys(nothing)


@pytest.mark.parametrize(
    ("said", "encrypts"),
    [
        ({"use": "enc"}, True),
        ({"use": "sig"}, False),
        ({"use": None, "alg": "RSA-OAEP"}, False),
        ({}, False),
        ({"alg": "ES256"}, False),
        ({"alg": "ECDH-ES"}, True),
        ({"alg": "ECDH-ES+A256KW"}, True),
        ({"alg": "RSA-OAEP-256"}, True),
        ({"alg": "RSA1_5"}, True),
        ({"use": "sig", "alg": "RSA-OAEP"}, False),
        ({"alg": 5}, False),
    ],
)
def test_key_says_what_it_is_for_by_use_or_else_by_algorithm(said: dict[str, Any], encrypts: bool) -> None:
    """A set whose encryption key has no ``use`` would be refused as a whole, with the client's signing keys."""
    key = {**PROTOCOL.public.jwk(), "kid": "other"}
    del key["alg"]
    assert jwk_set.encrypts({**key, **said}) is encrypts
    if encrypts:
        both = {"keys": [{**key, **said}, *JWKS["keys"]]}
        assert [found.kid for found in jwk_set.signing_keys(both).keys] == [PROTOCOL.kid]
        assert not jwk_set.names(both, "other") and jwk_set.names(both, PROTOCOL.kid) and jwk_set.names(both, None)


def test_set_of_nothing_but_encryption_keys_is_sound_where_nobody_signs() -> None:
    """A client that authenticates by a secret has no other."""
    sealing = {**keys.generate().public.jwk(), "use": "enc"}
    jwk_set.check({"keys": [sealing]})
    for bad in ({"keys": []}, {"keys": [sealing] * 65}, {"keys": [sealing, {"kty": "oct", "kid": "x"}]}, None):
        with pytest.raises(Refusal):
            jwk_set.check(bad)


@pytest.mark.parametrize("member", sorted(keys.PRIVATE_MEMBERS))
def test_published_private_key_is_refused_also_among_those_for_encryption(member: str) -> None:
    """invalid solely because a private member stands there: everybody can read what it opens (row 70)."""
    sealing = {**keys.generate().public.jwk(), "use": "enc", "kid": "s", member: "AA"}
    for read in (jwk_set.check, jwk_set.signing_keys):
        with pytest.raises(Refusal) as caught:
            read({"keys": [sealing, *JWKS["keys"]]})
        assert caught.value.reason is Reason.MALFORMED

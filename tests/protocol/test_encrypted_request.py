"""Encrypted request objects that would open with other means than the one that we offer (row 69)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import cose, encrypted_request, keys, request_object, sealing, strict_json
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
KEY, OLD, OTHER, EPHEMERAL = (keys.generate() for _ in range(4))
INSIDE = request_object.sign(
    {"scope": "openid"}, client_id="https://rp.example", issuer="https://idp.example", now=NOW, jti="r", signer=OTHER
)


def rewritten(*, plaintext: str = INSIDE, **changes: Any) -> str:
    """A JWE whose sender chose every header member, and encrypted soundly under it."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": KEY.kid, "epk": cose.jwk(EPHEMERAL.public.raw), **changes}  # type: ignore[arg-type]
    header = {name: value for name, value in header.items() if value is not ...}
    protected = strict_json.b64encode(strict_json.dumps(header))
    apu, apv = (strict_json.b64decode(str(header.get(name, ""))) for name in ("apu", "apv"))
    secret = sealing._exchange(EPHEMERAL, KEY.public.raw)  # type: ignore[arg-type]
    content_key = sealing.concat_kdf(secret, apu=apu, apv=apv)
    sealed = AESGCM(content_key).encrypt(bytes(12), plaintext.encode(), protected.encode())
    return ".".join([protected, "", *(strict_json.b64encode(part) for part in (bytes(12), sealed[:-16], sealed[-16:]))])


def reason_of(text: str, *keyring: keys.PrivateKey) -> Reason:
    with pytest.raises(Refusal) as caught:
        encrypted_request.open_request(text, keys=keyring or (KEY,))
    return caught.value.reason


def test_request_opens_with_any_of_our_keys() -> None:
    """A provider that rolled its key would refuse who still knows the one before."""
    sealed = encrypted_request.seal_request(INSIDE, recipient=OLD.public)
    assert encrypted_request.is_encrypted(sealed) and not encrypted_request.is_encrypted(INSIDE)
    assert encrypted_request.open_request(sealed, keys=(KEY, OLD)) == INSIDE


@pytest.mark.parametrize(
    "changes",
    [{}, {"kid": ...}, {"typ": "JWT"}, {"cty": "JWT"}, {"cty": "oauth-authz-req+jwt"}, {"apu": "QQ", "apv": "Qg"}],
)
def test_what_foreign_libraries_write_opens(changes: dict[str, Any]) -> None:
    """Relying parties name no key, or say what is inside, or who they are (RFC 7518 §4.6.1)."""
    assert encrypted_request.open_request(rewritten(**changes), keys=(OLD, KEY)) == INSIDE


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "dir"},
        {"alg": "RSA1_5"},
        {"alg": "RSA-OAEP"},
        {"alg": "RSA-OAEP-256"},
        {"alg": "ECDH-ES+A256KW"},
        {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AA"},
        {"p2c": 1},
        {"zip": "DEF"},
        {"enc": "A128CBC-HS256"},
        {"enc": "A128GCM"},
        {"crit": ["x"]},
        {"jku": "https://rp.example/keys"},
        {"jwk": KEY.public.jwk()},
        {"cty": "entity-statement+jwt"},
        {"kid": "another"},
        {"epk": ...},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {
            "epk": {
                "kty": "EC",
                "crv": "P-256",
                "x": strict_json.b64encode(bytes(32)),
                "y": strict_json.b64encode(b"\1" * 32),
            }
        },
    ],
)
def test_other_means_of_encryption_are_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of one header member (rows 69, 70)."""
    assert reason_of(rewritten(**changes)) is Reason.MALFORMED


def test_another_providers_key_opens_nothing() -> None:
    """invalid solely because it was sealed for another key."""
    assert reason_of(encrypted_request.seal_request(INSIDE, recipient=KEY.public), OTHER) is Reason.MALFORMED
    assert reason_of(rewritten(kid=...), OTHER, OLD) is Reason.MALFORMED


def test_request_beyond_the_limit_is_refused() -> None:
    """invalid solely because it has more than 64 KiB."""
    assert reason_of(rewritten(plaintext="a" * 65_536)) is Reason.MALFORMED


def test_unsigned_request_inside_stays_unsigned() -> None:
    """invalid solely because what was nested has alg none: encryption is no signature (row 69)."""
    head = strict_json.b64encode(b'{"alg":"none"}')
    body = INSIDE.split(".")[1]
    opened = encrypted_request.open_request(rewritten(plaintext=f"{head}.{body}."), keys=(KEY,))
    with pytest.raises(Refusal) as caught:
        request_object.announce(opened, issuer="https://idp.example", now=NOW, require_nbf=False)
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_published_key_says_what_it_is_for_and_verifies_nothing() -> None:
    """A relying party that took it for a signing key would trust whatever it signs."""
    published = encrypted_request.public_jwk(KEY.public)
    assert (published["use"], published["alg"], published["kid"]) == (
        "enc",
        "ECDH-ES",
        KEY.kid,
    ) and "d" not in published
    assert keys.parse_public(published).algorithms == ("ECDH-ES",)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80) | st.binary(max_size=60).map(strict_json.b64encode))
def test_no_input_makes_opening_fail_otherwise(part: str) -> None:
    """Junk is refused; it raises nothing else."""
    good = rewritten().split(".")
    for position in range(5):
        text = ".".join([*good[:position], part, *good[position + 1 :]])
        try:
            assert encrypted_request.open_request(text, keys=(KEY,)) == INSIDE
        except Refusal as refusal:
            assert refusal.reason is Reason.MALFORMED


# --- by RSA-OAEP ---------------------------------------------------------------------------------------------------

RSA, OLD_RSA = keys.generate("RS256"), keys.generate("RS256")


def wrapped(
    *, recipient: keys.PrivateKey = RSA, alg: str = "RSA-OAEP", content_key: bytes = b"k" * 32, **changes: Any
) -> str:
    """A JWE by RSA-OAEP whose sender chose every header member; ``tag`` and ``key`` replace what goes with it."""
    tag, encrypted_key = changes.pop("tag", None), changes.pop("key", None)
    digest = hashes.SHA256() if alg == "RSA-OAEP-256" else hashes.SHA1()  # noqa: S303
    header = {"alg": alg, "enc": "A256GCM", "kid": recipient.kid, "cty": "JWT", **changes}
    protected = strict_json.b64encode(strict_json.dumps({name: v for name, v in header.items() if v is not ...}))
    if encrypted_key is None:
        oaep = padding.OAEP(padding.MGF1(digest), digest, label=None)
        encrypted_key = recipient.public.raw.encrypt(content_key, oaep)  # type: ignore[union-attr]
    sealed = AESGCM(content_key.ljust(32)[:32]).encrypt(bytes(12), INSIDE.encode(), protected.encode())
    parts = (encrypted_key, bytes(12), sealed[:-16], tag or sealed[-16:])
    return ".".join([protected, *(strict_json.b64encode(part) for part in parts)])


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("changes", [{}, {"kid": ...}, {"cty": ...}, {"typ": "JWT"}], ids=str)
def test_what_most_relying_parties_write_opens(alg: str, changes: dict[str, Any]) -> None:
    keyring = (KEY, OLD_RSA, RSA)  # of both kinds, and an older one
    assert encrypted_request.open_request(wrapped(alg=alg, **changes), keys=keyring) == INSIDE


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "RSA1_5"},
        {"alg": ["RSA-OAEP"]},
        {"enc": "A128GCM"},
        {"zip": "DEF"},
        {"p2c": 1},
        {"crit": ["x"]},
        {"epk": {}},
        {"kid": "another"},
        {"kid": KEY.kid},
        {"cty": "entity-statement+jwt"},
        {"key": b""},
        {"key": bytes(256)},
        {"key": bytes(512)},
        {"tag": bytes(16)},
        {"tag": bytes(12)},
        {"content_key": b"k" * 16},
        {"recipient": OLD_RSA},
    ],
    ids=range(17),
)
def test_other_means_and_changed_texts_are_refused_by_rsa_too(changes: dict[str, Any]) -> None:
    """Invalid solely because of one header member or part (row 69)."""
    members = {name: value for name, value in changes.items() if name != "alg"}
    text = wrapped(**members)
    if "alg" in changes:
        head = strict_json.loads_object(strict_json.b64decode(text.split(".")[0]))
        text = ".".join([strict_json.b64encode(strict_json.dumps({**head, **changes})), *text.split(".")[1:]])
    assert reason_of(text, KEY, RSA) is Reason.MALFORMED


def test_a_key_does_not_open_what_was_meant_for_the_other_kind() -> None:
    """Invalid solely because the provider has only keys of the other kind."""
    assert reason_of(wrapped(kid=...), KEY) is Reason.MALFORMED
    sealed = encrypted_request.seal_request(INSIDE, recipient=KEY.public)
    assert reason_of(sealed, RSA) is Reason.MALFORMED


def test_an_rsa_key_is_published_for_both_algorithms_and_verifies_nothing() -> None:
    published = encrypted_request.public_jwk(RSA.public)
    assert (published["use"], published["kid"]) == ("enc", RSA.kid)
    assert "alg" not in published and "d" not in published


@given(st.text(alphabet="AZaz09-_.", max_size=400))
def test_no_five_parts_do_more_than_refuse(text: str) -> None:
    with pytest.raises(Refusal):
        encrypted_request.open_request(text, keys=(KEY, RSA))

"""Ways in which what is sealed for one checkpoint could be opened, changed or moved by somebody else."""

import dataclasses
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import cose, keys, sealing, strict_json
from idp.protocol.refusals import Reason, Refusal

KEY, OTHER, EPHEMERAL = (keys.generate() for _ in range(3))
SECRET = b"a template and a name"
JWE = sealing.seal_jwe(SECRET, recipient=KEY.public, apu=b"place")
BOX = sealing.seal_cose(SECRET, recipient=KEY.public, external_aad=b"place")

# RFC 7518 Appendix C: Bob's key, and what Alice and he agree on.
BOB = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "bob",
    "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
}
AGREED = bytes.fromhex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
# Made with the foreign library cwt 3.3.0 for Bob's key; its ephemeral key written with a compressed point.
FOREIGN = (
    "d8608443a10103a1054c000102030405060708090a0b582b9a2afc8b77f6c3e6e268d2382ae577c68969257fba0a40d8"
    "d410f68ec0821f227139eea052a990c3721f95818344a1013818a20448572e7b5eb02b52b520a401022001215820aea2"
    "db938bc8237a466ab587c2ab48949113e1087b3c81045c240a5ef7f8228c22f540"
)


def reason_of_jwe(text: str, *keyring: keys.PrivateKey, apu: bytes = b"place") -> Reason:
    with pytest.raises(Refusal) as caught:
        sealing.open_jwe(text, keys=keyring or (KEY,), apu=apu)
    return caught.value.reason


def reason_of_box(data: bytes, *keyring: keys.PrivateKey, aad: bytes = b"place") -> Reason:
    with pytest.raises(Refusal) as caught:
        sealing.open_cose(data, keys=keyring or (KEY,), external_aad=aad)
    return caught.value.reason


def rewritten_jwe(**changes: Any) -> str:
    """A JWE whose sender chose every header member, and encrypted soundly under it."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": KEY.kid, "epk": cose.jwk(EPHEMERAL.public.raw), **changes}  # type: ignore[arg-type]
    header = {name: value for name, value in header.items() if value is not ...}
    protected = strict_json.b64encode(strict_json.dumps(header))
    content_key = sealing.concat_kdf(sealing._exchange(EPHEMERAL, KEY.public.raw))  # type: ignore[arg-type]
    sealed = AESGCM(content_key).encrypt(bytes(12), SECRET, protected.encode())
    return ".".join([protected, "", *(strict_json.b64encode(part) for part in (bytes(12), sealed[:-16], sealed[-16:]))])


def test_both_forms_open_again_with_any_key_of_the_checkpoint() -> None:
    """A lane that has rotated must still open what was sealed for its last key."""
    assert sealing.open_jwe(JWE, keys=(OTHER, KEY), apu=b"place") == SECRET
    assert sealing.open_cose(BOX, keys=(OTHER, KEY), external_aad=b"place") == SECRET
    assert sealing.open_jwe(rewritten_jwe(), keys=(KEY,)) == SECRET


def test_key_derivation_gives_the_published_key() -> None:
    """RFC 7518 Appendix C, byte for byte."""
    derived = sealing.concat_kdf(AGREED, algorithm="A128GCM", bits=128, apu=b"Alice", apv=b"Bob")
    assert strict_json.b64encode(derived) == "VqqN6vgjbSBcIijNcacQGg"


def test_box_of_a_foreign_library_opens() -> None:
    """A key derivation context that only we write would show here."""
    bob = keys.parse_private(BOB)
    opened = sealing.open_cose(bytes.fromhex(FOREIGN), keys=(bob,), external_aad=b"place")
    assert opened == b"content of a foreign sealer"


@given(st.binary(max_size=600), st.binary(max_size=40))
def test_any_content_goes_there_and_back(content: bytes, place: bytes) -> None:
    """A length that one form cannot carry would show here."""
    jwe = sealing.seal_jwe(content, recipient=KEY.public, apu=place, ephemeral=EPHEMERAL)
    box = sealing.seal_cose(content, recipient=KEY.public, external_aad=place, ephemeral=EPHEMERAL)
    assert sealing.open_jwe(jwe, keys=(KEY,), apu=place) == content
    assert sealing.open_cose(box, keys=(KEY,), external_aad=place) == content


def test_nothing_is_sealed_twice_alike() -> None:
    """Equal boxes would link two tokens of one traveller."""
    again = sealing.seal_cose(SECRET, recipient=KEY.public, external_aad=b"place")
    assert again[40:] != BOX[40:]
    assert not set(JWE.split(".")[2:]) & set(sealing.seal_jwe(SECRET, recipient=KEY.public, apu=b"place").split("."))


def test_iv_differs_where_only_the_content_does() -> None:
    """One ephemeral key used twice by mistake must not use one IV for two contents (it would give both away)."""
    boxes = [
        cbor2.loads(sealing.seal_cose(content, recipient=KEY.public, external_aad=place, ephemeral=EPHEMERAL)[2:])
        for content, place in ((b"one", b""), (b"two", b""), (b"one", b"place"))
    ]
    assert len({box[1][cose.IV] for box in boxes}) == 3


def test_another_checkpoint_opens_nothing() -> None:
    """invalid solely because the key is another."""
    assert reason_of_jwe(JWE, OTHER) is Reason.FACE_UNSEALABLE
    assert reason_of_box(BOX, OTHER) is Reason.FACE_UNSEALABLE
    renamed = dataclasses.replace(OTHER, public=dataclasses.replace(OTHER.public, kid=KEY.kid))
    assert reason_of_jwe(JWE, renamed) is Reason.FACE_UNSEALABLE


def test_moved_to_another_token_it_does_not_open() -> None:
    """invalid solely because issuer, audience or jti is not the one that it was sealed with."""
    assert reason_of_jwe(JWE, apu=b"elsewhere") is Reason.FACE_UNSEALABLE
    assert reason_of_jwe(JWE, apu=b"") is Reason.FACE_UNSEALABLE
    assert reason_of_box(BOX, aad=b"elsewhere") is Reason.FACE_UNSEALABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "dir"},
        {"alg": "RSA1_5"},
        {"alg": "RSA-OAEP"},
        {"alg": "ECDH-ES+A256KW"},
        {"alg": "PBES2-HS256+A128KW", "p2c": 2_000_000_000, "p2s": "AA"},
        {"alg": "none"},
        {"alg": ...},
        {"enc": "A128GCM"},
        {"enc": "A256CBC-HS512"},
        {"enc": ...},
        {"zip": "DEF"},
        {"crit": ["exp"], "exp": 1},
        {"cty": "JWT"},
        {"jku": "https://evil.example/keys"},
        {"jwk": cose.jwk(EPHEMERAL.public.raw)},  # type: ignore[arg-type]
        {"apv": "Qm9i"},
        {"apu": "Qm9i"},
        {"kid": ...},
        {"kid": 5},
        {"kid": "another"},
        {"epk": ...},
        {"epk": []},
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "d": "AA"}},  # type: ignore[arg-type]
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "crv": "P-384"}},  # type: ignore[arg-type]
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "kty": "OKP"}},  # type: ignore[arg-type]
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "x": strict_json.b64encode(bytes(32))}},  # type: ignore[arg-type]
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "x": strict_json.b64encode(bytes(31))}},  # type: ignore[arg-type]
        {"epk": {**cose.jwk(EPHEMERAL.public.raw), "y": 7}},  # type: ignore[arg-type]
    ],
)
def test_jwe_of_another_kind_is_refused_before_any_work(changes: dict[str, Any]) -> None:
    """invalid solely because of one header member: algorithm, compression, a point off the curve (rows 69 and 70)."""
    assert reason_of_jwe(rewritten_jwe(**changes), apu=b"") is Reason.FACE_UNSEALABLE


@pytest.mark.parametrize("part", range(5))
def test_each_part_of_a_jwe_is_needed_and_canonical(part: int) -> None:
    """invalid solely because one part is missing, longer, or changed in its last character."""
    parts = JWE.split(".")
    for replacement in ("", parts[part] + "AAAA", parts[part][:-1] + "_" if parts[part] else "AAAA"):
        changed = [*parts[:part], replacement, *parts[part + 1 :]]
        if changed != parts:
            assert reason_of_jwe(".".join(changed)) is Reason.FACE_UNSEALABLE
    assert reason_of_jwe(".".join(parts[:part] + parts[part + 1 :])) is Reason.FACE_UNSEALABLE


def test_short_authentication_tag_is_refused() -> None:
    """invalid solely because the tag has four bytes, which an attacker guesses."""
    parts = JWE.split(".")
    assert reason_of_jwe(".".join([*parts[:4], parts[4][:6]])) is Reason.FACE_UNSEALABLE


def test_tag_that_begins_in_the_ciphertext_is_refused() -> None:
    """invalid solely because half of the tag stands in the part before: the same bytes in a second spelling."""
    parts = JWE.split(".")
    ciphertext, tag = strict_json.b64decode(parts[3]), strict_json.b64decode(parts[4])
    moved = [*parts[:3], strict_json.b64encode(ciphertext + tag[:8]), strict_json.b64encode(tag[8:])]
    assert reason_of_jwe(".".join(moved)) is Reason.FACE_UNSEALABLE


def _set(path: tuple[Any, ...], value: object) -> bytes:
    message = cbor2.loads(BOX[2:])
    place = message
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return b"\xd8\x60" + cbor2.dumps(message)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), cbor2.dumps({1: 1})),
        ((0,), cbor2.dumps({1: 30})),
        ((0,), b""),
        ((1,), {}),
        ((1, 5), bytes(11)),
        ((1, 5), bytes(12)),
        ((1, 6), b"partial"),
        ((2,), b""),
        ((2,), None),
        ((3,), []),
        ((3, 0), []),
        ((3, 0, 0), cbor2.dumps({1: -6})),
        ((3, 0, 0), cbor2.dumps({1: -29})),
        ((3, 0, 1), {}),
        ((3, 0, 1, -1), b"key"),
        ((3, 0, 1, -1, -2), (1).to_bytes(32)),
        ((3, 0, 1, -1, 1), 1),
        ((3, 0, 1, 4), bytes(8)),
        ((3, 0, 1, 4), 5),
        ((3, 0, 1, 22), 0),
        ((3, 0, 2), b"wrapped key"),
    ],
)
def test_box_of_another_kind_is_refused(path: tuple[Any, ...], value: object) -> None:
    """invalid solely because of one part: algorithm, IV, recipient, a point off the curve, a wrapped key."""
    assert reason_of_box(_set(path, value)) is Reason.FACE_UNSEALABLE


def test_box_with_two_recipients_is_refused() -> None:
    """invalid solely because somebody else was given the key too."""
    recipients = cbor2.loads(BOX[2:])[3]
    assert reason_of_box(_set((3,), recipients * 2)) is Reason.FACE_UNSEALABLE


@given(st.data())
def test_one_changed_byte_is_never_opened(data: st.DataObject) -> None:
    """A part that the authentication tag does not cover would show here."""
    for sealed, reason_of in ((BOX, reason_of_box), (JWE.encode(), lambda raw: reason_of_jwe(raw.decode("latin-1")))):
        changed = bytearray(sealed)
        changed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
        assert reason_of(bytes(changed)) is Reason.FACE_UNSEALABLE


@given(st.binary(max_size=300), st.text(max_size=300))
def test_no_input_makes_opening_fail_otherwise(data: bytes, text: str) -> None:
    """An exception of a library would be an internal error at the gate."""
    assert reason_of_box(b"\xd8\x60" + data) is Reason.FACE_UNSEALABLE
    assert reason_of_jwe(text) is Reason.FACE_UNSEALABLE


@pytest.mark.parametrize("kind", ["EdDSA", "RS256"])
def test_sealing_key_of_another_kind_is_refused(kind: str) -> None:
    """invalid solely because a checkpoint published a key that cannot agree."""
    for seal in (
        lambda key: sealing.seal_jwe(SECRET, recipient=key),
        lambda key: sealing.seal_cose(SECRET, recipient=key, external_aad=b""),
    ):
        with pytest.raises(Refusal) as caught:
            seal(keys.generate(kind).public)
        assert caught.value.reason is Reason.MALFORMED

"""Ways to have a COSE message or a CBOR item mean something that its signer did not say."""

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import cose, keys, strict_json
from idp.protocol.cose import Sign1
from idp.protocol.jws import LocalSigner
from idp.protocol.refusals import Reason, Refusal

TYP = "application/paper+cwt"
KEY, OTHER = keys.generate(), keys.generate()
GOOD = Sign1.sign(b"said", typ=TYP, signer=KEY, header={cose.KID: cose.key_id(KEY.public)})
ITEMS = st.recursive(
    st.integers(0, 2**53) | st.text(max_size=8) | st.binary(max_size=8) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-(2**53), 2**53) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


def forge(
    header: object, *, payload: object = b"said", unprotected: object = None, key: keys.PrivateKey = KEY, tag: int = 18
) -> bytes:
    """Sign any header at all, as an attacker with a key could."""
    protected = header if isinstance(header, bytes) else cbor2.dumps(header)
    signature = LocalSigner(key).sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return cbor2.dumps(cbor2.CBORTag(tag, [protected, {} if unprotected is None else unprotected, payload, signature]))


def reason_of(message: bytes, key: keys.PublicKey = KEY.public) -> Reason:
    with pytest.raises(Refusal) as caught:
        Sign1.parse(message, typ=TYP).verify(key.raw)
    return caught.value.reason


def test_a_sound_message_verifies() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert Sign1.parse(GOOD, typ=TYP).verify(KEY.public.raw) == b"said"


def test_the_fully_specified_name_of_the_algorithm_is_accepted() -> None:
    """A peer that writes ESP256 (RFC 9864) says the same."""
    message = Sign1.parse(forge({cose.ALG: cose.ESP256, cose.TYP: TYP}), typ=TYP)
    assert message.verify(KEY.public.raw) == b"said"


@pytest.mark.parametrize("algorithm", [-7.0, -35, -36, -8, -257, 5, 0, 7, "ES256", None, True, [-7]])
def test_algorithm_chosen_by_the_attacker_is_refused(algorithm: object) -> None:
    """invalid solely because alg is not ES256 (RFC 8725 §3.1)."""
    assert reason_of(forge({cose.ALG: algorithm, cose.TYP: TYP})) is Reason.BAD_SIGNATURE


def test_missing_algorithm_is_refused() -> None:
    """invalid solely because alg is missing."""
    assert reason_of(forge({cose.TYP: TYP})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", ["application/other+cwt", "paper+cwt", "", None, 61, b"application/paper+cwt"])
def test_another_kind_of_message_is_not_taken_for_this_one(typ: object) -> None:
    """invalid solely because typ is another (RFC 8725 §3.11)."""
    assert reason_of(forge({cose.ALG: -7, cose.TYP: typ})) is Reason.MALFORMED


@pytest.mark.parametrize(
    "extra", [{2: [4]}, {2: []}, {33: b"x5chain"}, {35: "https://evil.example"}, {"kid": b"x"}, {True: 1}]
)
def test_header_that_asks_for_more_than_we_know_is_refused(extra: dict[Any, Any]) -> None:
    """invalid solely because of crit, a certificate, an address to fetch keys from, or an unknown label."""
    assert reason_of(forge({cose.ALG: -7, cose.TYP: TYP} | extra)) in (Reason.MALFORMED, Reason.BAD_SIGNATURE)


def test_unprotected_header_is_refused() -> None:
    """invalid solely because a header stands where no signature covers it."""
    assert reason_of(forge({cose.ALG: -7, cose.TYP: TYP}, unprotected={cose.KID: b"12345678"})) is Reason.MALFORMED


def test_true_is_not_read_as_the_label_one() -> None:
    """invalid solely because the label is true, which equals 1 in Python."""
    with pytest.raises(Refusal):
        cose.loads(cbor2.dumps({True: -7}))


@pytest.mark.parametrize("tag", [17, 61, 96, 98])
def test_other_tags_are_refused(tag: int) -> None:
    """invalid solely because the tag names another kind of message."""
    assert reason_of(forge({cose.ALG: -7, cose.TYP: TYP}, tag=tag)) is Reason.MALFORMED


def test_signature_of_another_key_is_refused() -> None:
    """invalid solely because the key is another."""
    assert reason_of(GOOD, OTHER.public) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
def test_signature_of_no_value_or_length_is_refused(signature: bytes) -> None:
    """invalid solely because r or s is out of range, or the length is not 64."""
    parts = cbor2.loads(GOOD[1:])
    assert reason_of(GOOD[:1] + cbor2.dumps([*parts[:3], signature])) is Reason.BAD_SIGNATURE


def test_signature_with_a_zero_put_in_is_refused() -> None:
    """invalid solely because s has a byte more: the same numbers in a second spelling."""
    parts = cbor2.loads(GOOD[1:])
    longer = parts[3][:32] + b"\0" + parts[3][32:]
    assert reason_of(GOOD[:1] + cbor2.dumps([*parts[:3], longer])) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_key_on_another_curve_verifies_nothing(curve: ec.EllipticCurve) -> None:
    """invalid solely because the key is not on P-256, whatever the header says."""
    with pytest.raises(Refusal) as caught:
        Sign1.parse(GOOD, typ=TYP).verify(ec.generate_private_key(curve).public_key())
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_detached_payload_cannot_be_forgotten_or_doubled() -> None:
    """invalid solely because the payload is missing, or given beside the one inside."""
    detached = Sign1.parse(Sign1.sign(b"said", typ=TYP, signer=KEY, detached=True), typ=TYP)
    assert detached.verify(KEY.public.raw, payload=b"said") == b"said"
    for message, payload in ((detached, None), (Sign1.parse(GOOD, typ=TYP), b"said")):
        with pytest.raises(Refusal) as caught:
            message.verify(KEY.public.raw, payload=payload)
        assert caught.value.reason is Reason.MALFORMED
    with pytest.raises(Refusal) as caught:
        detached.verify(KEY.public.raw, payload=b"unsaid")
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_only_es256_is_signed_with() -> None:
    """A key of ours of another kind is our mistake, not a peer's."""
    with pytest.raises(RuntimeError):
        Sign1.sign(b"said", typ=TYP, signer=keys.generate("EdDSA"))


@given(st.data())
def test_one_changed_byte_is_never_accepted(data: st.DataObject) -> None:
    """A part that no signature covers would show here."""
    place = data.draw(st.integers(0, len(GOOD) - 1))
    changed = bytearray(GOOD)
    changed[place] ^= data.draw(st.integers(1, 255))
    reason_of(bytes(changed))


@given(st.binary(max_size=200) | ITEMS.map(cbor2.dumps) | ITEMS.map(lambda item: b"\xd2" + cbor2.dumps(item)))
def test_no_bytes_make_the_parser_fail_otherwise(data: bytes) -> None:
    """An exception of the library would become a 500, or a gate that stands still."""
    with pytest.raises(Refusal):
        Sign1.parse(data, typ=TYP)


@given(ITEMS)
def test_strict_cbor_reads_what_it_writes(item: object) -> None:
    """A reader that refuses everything would pass all the others."""
    assert cose.loads(cose.dumps(item)) == item


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("a201010102", id="a key twice"),
        pytest.param("a20101180102", id="a key twice, once in a longer form"),
        pytest.param("bf0101ff", id="a map without a length"),
        pytest.param("9f01ff", id="an array without a length"),
        pytest.param("5f4101ff", id="a byte string without a length"),
        pytest.param("1801", id="an integer in a longer form"),
        pytest.param("1b0000000000000001", id="an integer in the longest form"),
        pytest.param("580101", id="a length in a longer form"),
        pytest.param("0100", id="something after the end"),
        pytest.param("", id="nothing"),
        pytest.param("a1", id="a map cut off"),
        pytest.param("a1810101", id="an array as a key"),
        pytest.param("a1410101", id="bytes as a key"),
        pytest.param("a1f600", id="null as a key"),
        pytest.param("f93c00", id="a float in a shorter form than the one we would write"),
        pytest.param("62c328", id="text that is not UTF-8"),
        pytest.param("81" * 9 + "01", id="nested more deeply than anything of ours"),
        pytest.param("9b7fffffffffffffff", id="an array of more items than there are"),
        pytest.param("5b7fffffffffffffff", id="more bytes than there are"),
        pytest.param("c001", id="a tag"),
        pytest.param("c249010000000000000000", id="a big number"),
        pytest.param("d81c81d81d00", id="an array that contains itself"),
        pytest.param("c4820118ff", id="a decimal fraction"),
    ],
)
def test_cbor_of_a_second_spelling_is_refused(data: str) -> None:
    """invalid solely because of what its id says (RFC 8949 §4.1, §5.6)."""
    with pytest.raises(Refusal) as caught:
        cose.loads(bytes.fromhex(data))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("tag", [*range(300), 1004, 43000, 55799, 2**32])
def test_no_tag_reaches_a_decoder_of_the_library(tag: int) -> None:
    """invalid solely because of the tag: patterns would be compiled, addresses and dates parsed."""
    for item in (0, "a", "2026-01-01T00:00:00Z", b"\x01", [1, 2], {}):
        with pytest.raises(Refusal):
            cose.loads(cbor2.dumps(cbor2.CBORTag(tag, item)))


def test_too_long_an_item_is_not_even_read() -> None:
    """invalid solely because it is longer than the bound."""
    with pytest.raises(Refusal):
        cose.loads(cose.dumps(bytes(100)), max_bytes=100)


def test_key_goes_to_cose_and_back() -> None:
    """The sign of y exchanged would give another point; sixteen keys make both signs all but certain."""
    for key in [keys.generate() for _ in range(16)]:
        point = cose.decode_key(cose.encode_key(key.public.raw))
        assert point == key.public.raw
        assert cose.thumbprint(point) == key.public.thumbprint
        assert cose.key_id(key.public) == strict_json.b64decode(key.public.thumbprint)[:8]


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (1, 1),
        (1, 2.0),
        (-1, True),
        (-1, 2),
        (-2, bytes(31)),
        (-2, bytes(33)),
        (-2, b"\xff" * 32),
        (-2, (1).to_bytes(32)),
        (-2, "x" * 32),
        (-3, bytes(32)),
        (-3, 1),
        (-3, None),
        (-4, bytes(32)),
        (3, -7),
        (-2, ...),
    ],
)
def test_key_that_is_not_a_compressed_point_of_the_curve_is_refused(label: int, value: object) -> None:
    """invalid solely because of one member: kind, curve, length, a point off the curve, a private part (row 70)."""
    good = cose.encode_key(KEY.public.raw)
    bad = {name: item for name, item in {**good, label: value}.items() if item is not ...}
    with pytest.raises(Refusal) as caught:
        cose.decode_key(bad)
    assert caught.value.reason is Reason.MALFORMED


def test_kid_finds_one_key_or_none() -> None:
    """A short kid that fits two keys must not let the verifier try both."""
    both = keys.KeySet([KEY.public, OTHER.public])
    assert cose.find_key(both, cose.key_id(OTHER.public)) is OTHER.public
    twin = keys.parse_public({**KEY.public.jwk(), "kid": "another name"})
    for key_set, kid in ((both, bytes(8)), (both, b""), (keys.KeySet([KEY.public, twin]), cose.key_id(KEY.public))):
        with pytest.raises(Refusal) as caught:
            cose.find_key(key_set, kid)
        assert caught.value.reason is Reason.BAD_SIGNATURE

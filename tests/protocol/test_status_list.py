"""Status lists: what is not exactly the issuer's own list for the address says nothing, and costs no memory."""

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, strict_json
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.status_list import (
    MAX_DECOMPRESSED,
    STATUS_LIST,
    StatusList,
    decode,
    encode,
    sign_status_list,
    subject,
    verify_status_list,
)

NOW = 1_800_000_000
URI = "https://a.example/status/1"
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
KEYS = keys.KeySet([KEY.public])


def signed(**changes: Any) -> str:
    """A list signed by the right key, with claims changed or (...) left out."""
    claims = {"sub": URI, "iat": NOW, "exp": NOW + 60, "status_list": encode(StatusList.blank(size=16)), **changes}
    return jws.sign(STATUS_LIST, {name: value for name, value in claims.items() if value is not ...}, KEY)


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify_status_list(text, **{"keys": KEYS, "uri": URI, "now": NOW, **options})
    return caught.value.reason


def test_draft_example_of_one_bit_reads_as_printed() -> None:
    """The published example (§4.1): 0xB9 0xA3, least significant bit first; the reverse is a common bug."""
    statuses = StatusList(bits=1, data=bytes([0xB9, 0xA3]))
    assert [statuses.get(idx) for idx in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    assert decode({"bits": 1, "lst": "eNrbuRgAAhcBXQ"}).tobytes() == bytes([0xB9, 0xA3])


def test_draft_example_of_two_bits_reads_as_printed() -> None:
    """The published example (§4.1) with two bits: 0xC9 0x44 0xF9."""
    statuses = decode({"bits": 2, "lst": "eNo76fITAAPfAgc"})
    assert [statuses.get(idx) for idx in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.dictionaries(st.integers(0, 299), st.integers(0, 255), max_size=40),
)
def test_what_is_set_is_read_and_nothing_else_changes(bits: int, wanted: dict[int, int]) -> None:
    """Setting one index must not touch its neighbours in the same byte."""
    statuses = StatusList.blank(size=300, bits=bits)
    fitting = {idx: status & ((1 << bits) - 1) for idx, status in wanted.items()}
    for idx, status in fitting.items():
        statuses.set(idx, 0xFF & ((1 << bits) - 1))
        statuses.set(idx, status)
    again = decode(encode(statuses))
    assert [again.get(idx) for idx in range(300)] == [fitting.get(idx, 0) for idx in range(300)]


@pytest.mark.parametrize("idx", [-1, 16, 10**9])
def test_index_outside_the_list_is_not_valid(idx: int) -> None:
    """invalid solely because idx is outside the list (row 61); -1 would be Python's last one."""
    with pytest.raises(Refusal) as caught:
        StatusList.blank(size=16).get(idx)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("status", [-1, 2])
def test_publisher_cannot_set_a_status_that_does_not_fit(status: int) -> None:
    """A status cut to its bits would mark somebody else."""
    with pytest.raises(RuntimeError):
        StatusList.blank(size=8).set(0, status)


@pytest.mark.parametrize("bits", [3, 0, 16, 1.0, True, "1", None, [1]])
def test_bits_of_no_known_size_are_refused(bits: object) -> None:
    """invalid solely because bits is not 1, 2, 4 or 8 (row 61)."""
    with pytest.raises(Refusal):
        decode({"bits": bits, "lst": encode(StatusList.blank(size=8))["lst"]})


def test_decompression_is_bounded() -> None:
    """invalid solely because it decompresses beyond the bound (row 61): 64 MiB of nothing in 64 kB."""
    bomb = strict_json.b64encode(zlib.compress(bytes(1 << 26), 9))
    with pytest.raises(Refusal):
        decode({"bits": 1, "lst": bomb})
    with pytest.raises(Refusal):
        decode({"bits": 1, "lst": strict_json.b64encode(zlib.compress(bytes(MAX_DECOMPRESSED + 1)))})
    at_bound = strict_json.b64encode(zlib.compress(bytes(MAX_DECOMPRESSED), 9))
    assert decode({"bits": 1, "lst": at_bound}).size == MAX_DECOMPRESSED * 8


@pytest.mark.parametrize(
    "damaged",
    [b"", zlib.compress(b"abc")[:-1], zlib.compress(b"abc") + b"x", zlib.compress(b"abc")[2:], b"\x1f\x8b\x08plain"],
    ids=["empty", "cut-short", "something-behind", "raw-deflate", "gzip"],
)
def test_damaged_compression_is_refused(damaged: bytes) -> None:
    """invalid solely because lst is not one whole zlib stream (RFC 1950)."""
    with pytest.raises(Refusal):
        decode({"bits": 1, "lst": strict_json.b64encode(damaged)})


def test_signed_list_verifies() -> None:
    """A verifier that refuses everything would pass all the others."""
    statuses = StatusList.blank(size=8)
    statuses.set(3, 1)
    text = sign_status_list(statuses, uri=URI, signer=KEY, now=NOW, lifetime=60, ttl=30, aggregation_uri=URI)
    verified = verify_status_list(text, keys=KEYS, uri=URI, now=NOW)
    assert (verified.get(3), verified.get(4), verified.issued_at, verified.expires_at, verified.ttl) == (
        1,
        0,
        NOW,
        NOW + 60,
        30,
    )
    assert subject(text) == URI


@pytest.mark.parametrize("uri", [URI + "/", URI.upper(), "https://a.example/status/2"])
def test_list_for_another_address_is_refused(uri: str) -> None:
    """invalid solely because sub is not the uri, code point by code point (row 61)."""
    assert reason_of(signed(), uri=uri) is Reason.POLICY_VIOLATION


def test_list_of_another_key_is_refused() -> None:
    """invalid solely because another issuer's key signed it (row 61)."""
    assert reason_of(signed(), keys=keys.KeySet([OTHER.public])) is Reason.BAD_SIGNATURE


def test_list_of_another_type_is_refused() -> None:
    """invalid solely because typ is another (row 61)."""
    other = jws.TokenType("jwt", required=())
    claims = {"sub": URI, "iat": NOW, "status_list": encode(StatusList.blank(size=8))}
    assert reason_of(jws.sign(other, claims, KEY)) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 10}, Reason.EXPIRED),
        ({"iat": NOW + 11}, Reason.NOT_YET_VALID),
        ({"iat": ...}, Reason.MALFORMED),
        ({"status_list": ...}, Reason.MALFORMED),
        ({"status_list": []}, Reason.MALFORMED),
        ({"ttl": 0}, Reason.MALFORMED),
        ({"ttl": "30"}, Reason.MALFORMED),
        ({"ttl": 10**7}, Reason.MALFORMED),
    ],
    ids=str,
)
def test_claims_that_do_not_hold_are_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of the claim named (row 61; TSL §5.1)."""
    assert reason_of(signed(**changes)) is reason


def test_list_without_expiry_is_read() -> None:
    """exp is only recommended (§5.1); how old it may be is the gate's policy."""
    assert verify_status_list(signed(exp=...), keys=KEYS, uri=URI, now=NOW + 10**6).expires_at is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(json_values | st.fixed_dictionaries({"bits": st.sampled_from([1, 8]), "lst": st.text(max_size=40)}))
def test_only_refusals_come_out_of_any_claim(value: object) -> None:
    """A parser that raises something else would end as an internal error at the gate."""
    try:
        decode(value)
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED


@given(st.binary(max_size=200))
def test_only_refusals_come_out_of_any_bytes(data: bytes) -> None:
    """Whatever is behind base64url, zlib's own errors stay inside."""
    try:
        decode({"bits": 1, "lst": strict_json.b64encode(data)})
    except Refusal:
        return
    assert zlib.decompress(data) is not None

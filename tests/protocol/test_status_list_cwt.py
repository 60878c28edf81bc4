"""Status lists as CWT, and the draft's own examples in both forms."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import cose, jws, keys
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.status_list import (
    STATUS_LIST,
    Contents,
    StatusList,
    decode,
    encode,
    pack,
    sign_jwt,
    verify_status_list,
)
from idp.protocol.status_list_cwt import TYP, decode_cbor, sign_cwt, verify_cwt

NOW = 1_800_000_000
URI = "https://a.example/status/1"
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
KEYS = keys.KeySet([KEY.public])
PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors/status_lists.json").read_text("utf-8"))["lists"]
# The payload of the draft's example (§5.2): tagged and signed it is what `verify_cwt` reads.
EXAMPLE = bytes.fromhex(
    "a502782168747470733a2f2f6578616d706c652e636f6d2f7374617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c0"
    "19fffda2646269747301636c73744a78dadbb918000217015d"
)


def contents(**changes: Any) -> Contents:
    facts = {"uri": URI, "now": NOW, "lifetime": 60, "ttl": 30, "aggregation_uri": "https://a.example/status/all"}
    return pack(changes.pop("statuses", StatusList.blank(size=16)), **{**facts, **changes})


def signed(*, typ: str = TYP, key: keys.PrivateKey = KEY, **changes: Any) -> bytes:
    """A list signed by the right key, with claims (by label, as ``c2``) changed or (...) left out."""
    claims = {2: URI, 6: NOW, 4: NOW + 60, 65533: {"bits": 1, "lst": contents().lst}}
    claims |= {int(label[1:]): value for label, value in changes.items()}
    payload = cbor2.dumps({label: value for label, value in claims.items() if value is not ...}, canonical=True)
    return cose.Sign1.sign(payload, typ=typ, signer=key, header={cose.KID: cose.key_id(key.public)})


def reason_of(data: bytes, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify_cwt(data, **{"keys": KEYS, "uri": URI, "now": NOW, **options})
    return caught.value.reason


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: f"{vector['bits']}-bit")
def test_published_lists_read_alike_in_both_forms(vector: dict[str, Any]) -> None:
    """A wrong order of bits or bytes marks somebody else's token."""
    wanted = dict(vector["set"])
    for found in (
        decode({"bits": vector["bits"], "lst": vector["lst"]}),
        decode_cbor(cose.loads(bytes.fromhex(vector["cbor"]))),
    ):
        assert found.size == vector["size"]
        assert {idx: found.get(idx) for idx in range(found.size) if found.get(idx)} == wanted


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: f"{vector['bits']}-bit")
def test_published_lists_are_written_as_published(vector: dict[str, Any]) -> None:
    """zlib may choose other blocks: the array is what has to be the same."""
    statuses = StatusList.blank(size=vector["size"], bits=vector["bits"])
    for idx, value in vector["set"]:
        statuses.set(idx, value)
    assert statuses.tobytes() == decode({"bits": vector["bits"], "lst": vector["lst"]}).tobytes()
    assert decode(encode(statuses)).tobytes() == statuses.tobytes()


def test_published_token_is_read() -> None:
    """The labels of the example (§5.2), signed with a key of ours: its own has a kid of two bytes."""
    data = cose.Sign1.sign(EXAMPLE, typ=TYP, signer=KEY, header={cose.KID: cose.key_id(KEY.public)})
    found = verify_cwt(data, keys=KEYS, uri="https://example.com/statuslists/1", now=1_686_920_170)
    assert (found.issued_at, found.expires_at, found.ttl) == (1_686_920_170, 2_291_720_170, 43_200)
    assert [found.get(idx) for idx in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.dictionaries(st.integers(0, 199), st.integers(0, 255), max_size=20),
    st.integers(1, 10_000),
)
def test_both_forms_say_the_same(bits: int, wanted: dict[int, int], lifetime: int) -> None:
    statuses = StatusList.blank(size=200, bits=bits)
    for idx, value in wanted.items():
        statuses.set(idx, value & ((1 << bits) - 1))
    said = contents(statuses=statuses, lifetime=lifetime)
    as_cwt = verify_cwt(sign_cwt(said, KEY), keys=KEYS, uri=URI, now=NOW)
    as_jwt = verify_status_list(sign_jwt(said, KEY), keys=KEYS, uri=URI, now=NOW)
    assert as_cwt.statuses.tobytes() == as_jwt.statuses.tobytes() == statuses.tobytes()
    assert (as_cwt.uri, as_cwt.issued_at, as_cwt.expires_at, as_cwt.ttl) == (
        as_jwt.uri,
        as_jwt.issued_at,
        as_jwt.expires_at,
        as_jwt.ttl,
    )


def test_both_forms_name_the_aggregation() -> None:
    said = contents()
    claims = jws.verify(sign_jwt(said, KEY), STATUS_LIST, KEYS, now=NOW).claims
    payload = cose.Sign1.parse(sign_cwt(said, KEY), typ=TYP).payload
    assert payload is not None
    assert claims["status_list"]["aggregation_uri"] == cose.loads(payload)[65533]["aggregation_uri"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"c4": NOW - 10}, Reason.EXPIRED),
        ({"c6": NOW + 11}, Reason.NOT_YET_VALID),
        ({"c6": ...}, Reason.MALFORMED),
        ({"c6": float(NOW)}, Reason.MALFORMED),
        ({"c2": URI + "/"}, Reason.POLICY_VIOLATION),
        ({"c2": ...}, Reason.MALFORMED),
        ({"c65534": 0}, Reason.MALFORMED),
        ({"c65534": 10**7}, Reason.MALFORMED),
        ({"c65533": ...}, Reason.MALFORMED),
        ({"c65533": []}, Reason.MALFORMED),
        ({"c65533": {"bits": 3, "lst": contents().lst}}, Reason.MALFORMED),
        ({"c65533": {"bits": True, "lst": contents().lst}}, Reason.MALFORMED),
        ({"c65533": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}}, Reason.MALFORMED),
        ({"c65533": {"bits": 1, "lst": b"plain"}}, Reason.MALFORMED),
        ({"typ": "application/border-token+cwt"}, Reason.MALFORMED),
        ({"key": OTHER}, Reason.BAD_SIGNATURE),
    ],
    ids=lambda value: "another key" if value == {"key": OTHER} else str(value),
)
def test_list_that_does_not_hold_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of what is named (row 61)."""
    assert reason_of(signed(**changes)) is reason


def test_list_that_does_not_expire_is_read() -> None:
    """exp and ttl are only recommended (§5.2)."""
    found = verify_cwt(signed(c4=...), keys=KEYS, uri=URI, now=NOW + 10**6)
    assert (found.expires_at, found.ttl) == (None, None)


def test_tag_of_a_cwt_before_the_message_is_refused() -> None:
    """invalid solely because of tag 61, which must not be there (§5.2)."""
    assert reason_of(b"\xd8\x3d" + signed()) is Reason.MALFORMED


def test_array_beyond_its_bound_is_refused() -> None:
    """invalid solely because it decompresses beyond the bound (row 61)."""
    bomb = pack(StatusList.blank(size=1 << 25), uri=URI, now=NOW, lifetime=60).lst
    assert reason_of(signed(c65533={"bits": 1, "lst": bomb})) is Reason.MALFORMED


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: signed()[:40] + tail))
def test_only_refusals_come_out_of_any_bytes(data: bytes) -> None:
    """A parser that raises something else would end as an internal error."""
    with pytest.raises(Refusal):
        verify_cwt(data, keys=KEYS, uri=URI, now=NOW)


@given(st.data())
def test_no_byte_of_a_signed_list_may_change(data: st.DataObject) -> None:
    whole = bytearray(signed())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refusal):
        verify_cwt(bytes(whole), keys=KEYS, uri=URI, now=NOW)

"""The watch list: keyed, blind to spelling, readable by nobody without the key, and found whatever its size."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.refusals import Reason, Refusal
from idp.protocol.strict_json import b64encode
from idp.protocol.watch_list import EMPTY, WIDTH, WatchList, pack, parse_watch_list, read, watch_hash

KEY = bytes(range(32))
FEW = pack(watch_hash(KEY, f"C{number}") for number in range(20))


def test_hash_is_hmac_sha256_of_the_bare_number() -> None:
    """The node that fills the list and the gate that looks it up must agree."""
    assert watch_hash(KEY, "A1234563") == hmac.new(KEY, b"A1234563", hashlib.sha256).digest()


@pytest.mark.parametrize("spelling", ["A123456(3)", "a1234563", "A 123456-3"])
def test_spelling_does_not_hide_a_number(spelling: str) -> None:
    """A bracket or a small letter must not carry anybody past the list."""
    assert watch_hash(KEY, spelling) == watch_hash(KEY, "A1234563")


def test_another_key_or_none_finds_nothing() -> None:
    """A list looked up without the key would tell everybody whom an authority looks for."""
    hashes = {watch_hash(key, "A1234563") for key in (KEY, bytes(range(1, 33)), None)}
    assert len(hashes) == 3


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.binary(min_size=32, max_size=32))
def test_every_number_on_the_list_is_found_and_no_other(hashes: list[bytes], other: bytes) -> None:
    """A search that misses the first, the last or the only entry lets that one person pass."""
    listed = pack(hashes)
    prefixes = {found[:WIDTH] for found in hashes}
    assert len(listed) == len(prefixes)
    assert all(found in listed for found in hashes)
    assert (other in listed) is (other[:WIDTH] in prefixes)
    assert parse_watch_list(b64encode(listed.content), claim=listed.claim()) == listed
    assert listed.with_hash(other) == pack([*hashes, other])


@pytest.mark.parametrize(
    "content",
    [FEW.content[:-1], FEW.content[WIDTH:] + FEW.content[:WIDTH], FEW.content[:WIDTH] + FEW.content],
    ids=["cut short", "out of order", "twice"],
)
def test_list_that_would_be_searched_in_vain_is_refused(content: bytes) -> None:
    """invalid solely because of its order or length: a search by halving would pass numbers over."""
    with pytest.raises(Refusal) as caught:
        read(b64encode(content))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("text", "claim", "reason"),
    [
        (None, FEW.claim(), Reason.TRUST_STALE),
        (b64encode(FEW.content[WIDTH:]), FEW.claim(), Reason.TRUST_STALE),
        ("", FEW.claim(), Reason.TRUST_STALE),
        (None, {**EMPTY.claim(), "count": 1}, Reason.TRUST_STALE),
        (None, {**EMPTY.claim(), "version": 2}, Reason.MALFORMED),
        (None, {"hashes": []}, Reason.MALFORMED),
        (None, None, Reason.MALFORMED),
        ("*", FEW.claim(), Reason.MALFORMED),
    ],
    ids=str,
)
def test_list_that_is_not_the_signed_one_is_refused(text: str | None, claim: Any, reason: Reason) -> None:
    """invalid solely because of one part: a list that somebody shortened on its way is a list not applied."""
    with pytest.raises(Refusal) as caught:
        parse_watch_list(text, claim=claim)
    assert caught.value.reason is reason


def test_list_that_is_here_is_not_sent_again() -> None:
    """With a million numbers it would be eight megabytes every half minute."""
    assert parse_watch_list(None, claim=FEW.claim(), known=FEW) is FEW


def test_a_hit_takes_the_same_steps_as_none() -> None:
    """A search that stops where it finds would tell a hit by its time."""

    class Counted(bytes):
        slices = 0

        def __getitem__(self, key: Any) -> Any:
            Counted.slices += 1
            return bytes(self)[key]

    listed = WatchList(Counted(FEW.content))
    steps = set()
    for number in range(40):  # the first twenty are on it
        Counted.slices = 0
        assert (watch_hash(KEY, f"C{number}") in listed) is (number < 20)
        steps.add(Counted.slices)
    assert max(steps) - min(steps) <= 1  # halving twenty takes four steps or five, wherever the number lies
    on, off = ([_steps(listed, Counted, number) for number in numbers] for numbers in (range(20), range(20, 40)))
    assert set(on) == set(off)


def _steps(listed: WatchList, counted: Any, number: int) -> int:
    counted.slices = 0
    _ = watch_hash(KEY, f"C{number}") in listed
    return int(counted.slices)

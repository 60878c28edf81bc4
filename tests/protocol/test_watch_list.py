"""The watch list: keyed, blind to spelling, and readable by nobody without the key."""

import hashlib
import hmac

import pytest

from idp.protocol.refusals import Refusal
from idp.protocol.watch_list import parse_hashes, watch_hash

KEY = bytes(range(32))


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


@pytest.mark.parametrize("value", [None, {}, "00" * 32, ["00" * 31], ["0" * 63 + "G"], ["AB" * 32], [7]], ids=str)
def test_list_that_cannot_be_read_is_refused(value: object) -> None:
    """invalid solely because an entry is not a lower-case SHA-256; a list skipped is a list not applied."""
    with pytest.raises(Refusal):
        parse_hashes(value)


def test_hashes_are_read() -> None:
    """A reader that refuses everything would pass all the others."""
    assert parse_hashes([watch_hash(KEY, "A1").hex()]) == {watch_hash(KEY, "A1")}

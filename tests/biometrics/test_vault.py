"""What is sealed opens only as what it is, and only for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics import vault


@given(st.binary(max_size=200))
def test_what_goes_in_comes_out(data: bytes) -> None:
    sealed = vault.seal(data, kind="capture", owner="job-1")
    assert vault.unseal(sealed, kind="capture", owner="job-1") == data
    assert sealed != vault.seal(data, kind="capture", owner="job-1"), "equal pictures must not look equal"


@pytest.mark.parametrize(("kind", "owner"), [("portrait", "job-1"), ("capture", "job-2"), ("capture:job", "1")])
def test_what_was_moved_does_not_open(kind: str, owner: str) -> None:
    """invalid solely because it is read as another kind, or another's."""
    with pytest.raises(RuntimeError, match="does not open"):
        vault.unseal(vault.seal(b"face", kind="capture", owner="job-1"), kind=kind, owner=owner)


@given(st.integers(0, 12 + 4 + 16 - 1), st.integers(1, 255))
def test_what_was_altered_does_not_open(place: int, change: int) -> None:
    """invalid solely because one byte differs."""
    sealed = bytearray(vault.seal(b"face", kind="capture", owner="job-1"))
    sealed[place] ^= change
    with pytest.raises(RuntimeError, match="does not open"):
        vault.unseal(bytes(sealed), kind="capture", owner="job-1")


@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_what_was_cut_does_not_open(length: int) -> None:
    """invalid solely because the end is missing."""
    with pytest.raises(RuntimeError, match="does not open"):
        vault.unseal(vault.seal(b"face", kind="capture", owner="job-1")[:length], kind="capture", owner="job-1")

"""Ways in which a QR code's text could be read as other bytes than were written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import base45
from idp.protocol.refusals import Reason, Refusal


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
        (b"\xff\xff", "FGW"),
        (b"\xff", "U5"),
        (b"\0\0\0", "00000"),
    ],
)
def test_published_vectors_are_written_and_read(data: bytes, text: str) -> None:
    """RFC 9285 §4.3 and §4.4, with the ends of the ranges."""
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=1500))
def test_what_is_written_is_read_again(data: bytes) -> None:
    """A digit in the wrong place would show here."""
    assert base45.decode(base45.encode(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("GGW", id="three characters beyond 65535"),
        pytest.param(":::", id="the largest three characters"),
        pytest.param("BB8:::BB8", id="beyond its range in the middle, where a carry could hide it"),
        pytest.param("V5", id="two characters beyond 255"),
        pytest.param("::", id="the largest two characters"),
        pytest.param("A", id="a single character"),
        pytest.param("BB8A", id="a single character left over"),
        pytest.param("bb8", id="small letters"),
        pytest.param("BB\n", id="a line end"),
        pytest.param("BB８", id="a digit of full width"),
        pytest.param("\x00B8", id="a zero byte"),
        pytest.param("000" * 1433, id="longer than any QR code"),
    ],
)
def test_text_that_no_writer_makes_is_refused(text: str) -> None:
    """invalid solely because of what its id says (RFC 9285 §6)."""
    with pytest.raises(Refusal) as caught:
        base45.decode(text)
    assert caught.value.reason is Reason.MALFORMED


@given(st.text(alphabet=base45.ALPHABET.decode(), max_size=300) | st.text(max_size=60))
def test_any_text_has_one_reading_or_none(text: str) -> None:
    """Two texts with the same bytes would let one code pass for two."""
    try:
        data = base45.decode(text)
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED
    else:
        assert base45.encode(data) == text

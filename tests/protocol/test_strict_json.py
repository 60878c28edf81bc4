"""One reading of JSON: what other parsers let pass is refused here."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"x":{"a":1,"a":1}}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        "9007199254740993",
        "[" * 40 + "]" * 40,
        '"\\ud800"'.join(['{"a":', "}"]),
        '["\\ud83d\\u4e00"]',
        '{"\\uDC00":1}',
        '{"a":1}{}',
        "{",
        "",
        "\ufeff{}",
        "{'a':1}",
    ],
)
def test_text_with_two_readings_is_refused(text: str) -> None:
    """invalid solely because another parser may read something else: row 72 of the negative cases."""
    with pytest.raises(Refusal) as refused:
        strict_json.loads(text)
    assert refused.value.reason is Reason.MALFORMED


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """invalid solely because the bytes are not UTF-8."""
    with pytest.raises(Refusal):
        strict_json.loads(b'{"a":"\xff"}')


def test_brackets_in_a_string_are_not_nesting() -> None:
    """A long run of brackets inside a string was counted as depth."""
    assert strict_json.loads(json.dumps({"a": "[" * 100 + '\\"'})) == {"a": "[" * 100 + '\\"'}


@pytest.mark.parametrize("value", [1.0, True, "5", None, -1, [1]])
def test_time_that_is_not_an_integer_is_refused(value: object) -> None:
    """invalid solely because exp is no whole number of seconds."""
    with pytest.raises(Refusal):
        strict_json.integer({"exp": value}, "exp")


@pytest.mark.parametrize("text", ["QQ==", "QR", "QUJ", "Q", "QQQQ=", "Q-_=", "a b", "Q\nQ", "QUI+", "QUI/", "QQé"])
def test_second_spelling_of_base64url_is_refused(text: str) -> None:
    """invalid solely because the same bytes have a canonical form, and this is another one."""
    with pytest.raises(Refusal):
        strict_json.b64decode(text)


def test_an_escaped_character_beyond_the_first_plane_is_read() -> None:
    """Two halves of one character were taken for lone surrogates."""
    assert strict_json.loads(b' {"a":["\\ud83d\\ude00"]}\n') == {"a": ["\U0001f600"]}


@given(st.binary(max_size=200))
def test_base64url_comes_back(data: bytes) -> None:
    """Encoding and decoding disagreed about padding or alphabet."""
    assert strict_json.b64decode(strict_json.b64encode(data)) == data


@given(ANY_JSON)
def test_json_comes_back(value: object) -> None:
    """A document that we write and cannot read."""
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_nothing_but_a_refusal_comes_out(text: str | bytes) -> None:
    """A parser error of the standard library that escapes as a 500."""
    try:
        strict_json.loads(text)
    except Refusal as refused:
        assert refused.reason is Reason.MALFORMED

"""What an officer reads of a policy is what it says, and what is written is what is stored."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.office.trust import policy_text
from idp.office.trust.policy_text import Unreadable
from idp.protocol.metadata_policy import OPERATORS

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["true", "null", "1", "{", '"a"', " a", "a\nb", "", "[]", "ES256", "1e5", "NaN"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=2)),
    max_leaves=6,
)


@given(st.sampled_from(OPERATORS), values)
def test_a_value_comes_back_as_another(operator: str, value: Any) -> None:
    if operator in policy_text.ARRAYS and not isinstance(value, list):
        value = [value]
    found = policy_text.read(operator, policy_text.written(operator, value))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("operator", "text", "value"),
    [
        ("subset_of", "ES256\n\n RS256 ", ["ES256", "RS256"]),
        ("subset_of", "[]", []),
        ("value", "null", None),
        ("value", "authorization code", "authorization code"),
        ("value", '"true"', "true"),
        ("essential", "true", True),
        ("add", "ES256", ["ES256"]),
    ],
)
def test_words_are_read_otherwise_than_an_officer_means_them(operator: str, text: str, value: Any) -> None:
    assert policy_text.read(operator, text) == value


@pytest.mark.parametrize(("operator", "text"), [("value", ""), ("add", " \n"), ("value", '{"a": '), ("add", '["a"')])
def test_a_slip_in_json_becomes_a_word(operator: str, text: str) -> None:
    with pytest.raises(Unreadable):
        policy_text.read(operator, text)

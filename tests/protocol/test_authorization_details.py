"""Details that say more than they should, or that two readers take for two things (row 54)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import authorization_details as rich
from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
DETAIL = {
    "type": "border_crossing",
    "locations": ["https://idp.hk.example/checkpoints/lok-ma-chau"],
    "directions": ["exit"],
    "valid_from": NOW,
    "valid_until": NOW + 86_400,
    "max_tokens": 2,
    "ahead": False,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**DETAIL, **changes}.items() if value is not ...}


def reason_of(detail: dict[str, Any]) -> Reason:
    with pytest.raises(Refusal) as caught:
        rich.parse_border_crossing(detail, now=NOW)
    return caught.value.reason


@pytest.mark.parametrize("document", [..., "doc-7"])
def test_a_sound_detail_goes_there_and_back(document: object) -> None:
    """A parser that refuses everything would pass all the others."""
    detail = changed(document=document)
    assert rich.parse_border_crossing(detail, now=NOW).wire() == detail


@pytest.mark.parametrize(
    "value", ["", "{}", "[]", "[1]", '["x"]', '[{"a":1}]', '[{"type":5}]', "[" * 50, None, {}, [{}] * 9]
)
def test_parameter_that_is_no_array_of_typed_objects_is_refused(value: object) -> None:
    """invalid solely because of its form (RFC 9396 §2)."""
    with pytest.raises(Refusal) as caught:
        rich.parse(value)
    assert caught.value.reason is Reason.MALFORMED


def test_member_that_stands_twice_is_refused() -> None:
    """invalid solely because two readers would see two directions (row 72)."""
    with pytest.raises(Refusal):
        rich.parse('[{"type":"border_crossing","directions":["exit"],"directions":["entry"]}]')


def test_text_and_array_are_read_alike() -> None:
    """A form carries text, a request object the array."""
    assert rich.parse(strict_json.dumps([DETAIL]).decode()) == rich.parse([DETAIL]) == (DETAIL,)


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"type": "other"},
        {"locations": ...},
        {"locations": []},
        {"locations": "https://a.example"},
        {"locations": ["a", "a"]},
        {"locations": [5]},
        {"locations": [f"https://{n}.example" for n in range(9)]},
        {"directions": ["exit", "exit"]},
        {"directions": ["transit"]},
        {"document": ""},
        {"document": 5},
        {"valid_from": str(NOW)},
        {"valid_until": NOW},
        {"valid_until": NOW + 7 * 86_400 + 1},
        {"valid_until": 1.5e300},
        {"max_tokens": 0},
        {"max_tokens": 33},
        {"max_tokens": True},
        {"ahead": 1},
    ],
)
def test_member_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of one member (row 54)."""
    assert reason_of(changed(**changes)) is Reason.MALFORMED


def test_authorization_that_is_over_is_refused() -> None:
    """invalid solely because valid_until is past."""
    assert reason_of(changed(valid_from=NOW - 100, valid_until=NOW)) is Reason.EXPIRED


def test_narrowing_keeps_what_was_granted_and_refuses_the_rest() -> None:
    """invalid solely because the second detail was never granted (RFC 9396 §6)."""
    other = changed(directions=["entry"])
    assert rich.narrow([other], [DETAIL, other]) == (other,)
    with pytest.raises(Refusal) as caught:
        rich.narrow([changed(max_tokens=3)], [DETAIL, other])
    assert caught.value.reason is Reason.POLICY_VIOLATION


def test_true_is_not_one() -> None:
    """invalid solely because Python takes 1 for True where JSON does not."""
    with pytest.raises(Refusal):
        rich.narrow([changed(ahead=0)], [DETAIL])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_raises_anything_but_a_refusal(value: object) -> None:
    """A parser that raises something else is a 500 for whoever finds the value."""
    try:
        for detail in rich.parse(value):
            rich.parse_border_crossing({**DETAIL, **detail, "locations": value}, now=NOW)
    except Refusal:
        pass

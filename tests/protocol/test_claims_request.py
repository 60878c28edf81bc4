"""The claims parameter: what is not its form is refused, and what is, is kept to the letter."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import claims_request
from idp.protocol.claims_request import MAX_BYTES, MAX_CLAIMS, parse
from idp.protocol.refusals import Reason, Refusal

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ONE = st.none() | st.fixed_dictionaries(
    {}, optional={"essential": st.booleans(), "value": JSON, "values": st.lists(JSON, max_size=3)}
)
PLACE = st.dictionaries(TEXT.filter(lambda name: name != "verified_claims"), ONE, max_size=4)


@given(st.fixed_dictionaries({}, optional={"userinfo": PLACE, "id_token": PLACE}))
def test_what_has_the_form_comes_back_as_it_was_as_text_and_as_object(asked: dict[str, Any]) -> None:
    assert parse(asked) == asked
    if len(text := json.dumps(asked)) <= MAX_BYTES:
        assert parse(text) == asked


@given(JSON | st.dictionaries(st.sampled_from(["userinfo", "id_token", "other"]), JSON))
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    """And what is read has only known places and members."""
    try:
        asked = parse(value)
    except Refusal as error:
        assert error.reason is Reason.MALFORMED
        return
    for place, requests in asked.items():
        assert place in claims_request.PLACES
        for name, request in requests.items():
            assert request is None or name == "verified_claims" or set(request) <= {"essential", "value", "values"}


@given(JSON.filter(lambda value: not isinstance(value, bool)))
def test_essential_is_a_boolean(value: Any) -> None:
    """invalid solely because essential is something else."""
    with pytest.raises(Refusal, match="essential"):
        parse({"userinfo": {"name": {"essential": value}}})


@given(JSON.filter(lambda value: not isinstance(value, list)))
def test_values_is_an_array(value: Any) -> None:
    """invalid solely because values is something else."""
    with pytest.raises(Refusal, match="values"):
        parse({"id_token": {"acr": {"essential": True, "values": value}}})


@pytest.mark.parametrize("value", ["", "[]", "null", '"x"', "{", [], 3, None, '{"userinfo": {}, "userinfo": {}}'])
def test_what_is_no_object_is_refused(value: object) -> None:
    """invalid solely because the whole is no JSON object, or one that two readers read differently."""
    with pytest.raises(Refusal):
        parse(value)


@pytest.mark.parametrize("place", claims_request.PLACES)
@pytest.mark.parametrize("value", [[], "name", 1, False])
def test_a_place_is_an_object(place: str, value: object) -> None:
    """invalid solely because the claims of a place are no object."""
    with pytest.raises(Refusal, match="one place"):
        parse({place: value})


@pytest.mark.parametrize("item", [[], "x", 1, True])
def test_a_request_is_null_or_an_object(item: object) -> None:
    """invalid solely because one claim's request is neither."""
    with pytest.raises(Refusal, match="neither null nor an object"):
        parse({"userinfo": {"name": item}})


def test_as_many_claims_as_are_allowed_and_not_one_more() -> None:
    """invalid solely because of the last claim."""
    many: dict[str, Any] = {f"c{number}": None for number in range(MAX_CLAIMS)}
    assert parse({"userinfo": many, "id_token": many}) == {"userinfo": many, "id_token": many}
    for place in claims_request.PLACES:
        with pytest.raises(Refusal, match="too many"):
            parse({place: {**many, "last": None}})


def test_as_long_as_is_allowed_and_not_one_more() -> None:
    """invalid solely because of the last byte."""
    empty = len(json.dumps({"userinfo": {"": None}}))
    fitting = json.dumps({"userinfo": {"x" * (MAX_BYTES - empty): None}})
    assert len(fitting) == MAX_BYTES and len(parse(fitting)["userinfo"]) == 1
    with pytest.raises(Refusal, match="too long"):
        parse(f"{fitting} ")


def test_a_place_that_is_null_is_absent_and_what_we_do_not_know_is_ignored() -> None:
    """OpenID Connect Core §5.5."""
    asked = {"userinfo": None, "id_token": {"acr": {"value": "a", "purpose": "p"}}, "elsewhere": 3}
    assert parse(asked) == {"id_token": {"acr": {"value": "a"}}}


@pytest.mark.parametrize("asked", [{"userinfo": {"a\x00": None}}, {"id_token": {"acr": {"value": "\x00"}}}])
def test_null_characters_are_refused(asked: dict[str, Any]) -> None:
    """invalid solely because PostgreSQL could not keep it."""
    with pytest.raises(Refusal, match="null character"):
        parse(asked)
    with pytest.raises(Refusal, match="null character"):
        parse(json.dumps(asked))

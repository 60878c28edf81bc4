"""Face references in JSON: what goes in comes out, and what is none is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import face_references
from idp.protocol.refusals import Reason, Refusal

MODELS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)
ONE = {"model": "m-1", "face_reference": "AQID"}


@given(st.dictionaries(MODELS, st.binary(min_size=1, max_size=face_references.MAX_BYTES), max_size=8))
def test_what_is_written_is_read(references: dict[str, bytes]) -> None:
    assert face_references.parse(face_references.wire(references)) == references


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "AQID",
        [ONE["face_reference"]],
        [ONE, ONE],
        [{**ONE, "model": str(number)} for number in range(9)],
        [{"model": "m-1"}],
        [{"face_reference": "AQID"}],
        [{**ONE, "model": ""}],
        [{**ONE, "model": "m" * 65}],
        [{**ONE, "model": "m\0"}],
        [{**ONE, "face_reference": "AQI="}],
        [{**ONE, "face_reference": "AQJ"}],
        [{**ONE, "face_reference": ""}],
        [{**ONE, "face_reference": 7}],
        [{**ONE, "face_reference": "A" * (face_references.MAX_BYTES * 4 // 3 + 1)}],
    ],
)
def test_what_is_no_list_of_references_is_refused(value: Any) -> None:
    """invalid solely because of one thing in it."""
    with pytest.raises(Refusal) as refused:
        face_references.parse(value)
    assert refused.value.reason is Reason.MALFORMED


NEARLY = st.dictionaries(st.sampled_from(["model", "face_reference"]), st.none() | st.text() | st.integers())


@given(st.lists(NEARLY | st.text() | st.none(), max_size=9) | NEARLY | st.none() | st.text())
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        assert len(face_references.parse(value)) == len(value)
    except Refusal as refused:
        assert refused.reason is Reason.MALFORMED

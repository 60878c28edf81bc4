"""Statements of books: whole, in order, by whom they say, and with nothing besides."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys
from idp.protocol.crossing_statement import (
    BEGINNING,
    CROSSING_STATEMENT,
    MAX_CROSSINGS,
    Statement,
    Told,
    follows,
    sign_statement,
    unverified_issuer,
    verify_statement,
)
from idp.protocol.refusals import Reason, Refusal

KEY = keys.generate()
CN, HK, NOW = "https://idp.cn.example", "https://idp.hk.example", 1_800_000_000
PAGE = Statement(
    CN, HK, NOW, "confirmed", 100, 200, BEGINNING, (Told(100, "a", "c", "exit"), Told(199, "b", "c", "entry")), False
)
CROSSINGS = st.lists(
    st.builds(Told, st.integers(100, 199), st.text("abc", min_size=1, max_size=3), st.just("c"), st.just("exit")),
    unique_by=lambda told: told.place,
    max_size=9,
).map(sorted)


def verify(text: str, **changes: Any) -> Statement:
    facts = {"keys": keys.KeySet([KEY.public]), "issuer": CN, "audience": HK, "now": NOW, **changes}
    return verify_statement(text, **facts)


def test_a_statement_is_read_as_it_was_made() -> None:
    text = sign_statement(PAGE, signer=KEY)
    assert verify(text) == PAGE and unverified_issuer(text) == CN


def _claims() -> dict[str, Any]:
    return dict(jws.parse_unverified(sign_statement(PAGE, signer=KEY), CROSSING_STATEMENT).claims)


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "x"},
        {"book": "secret"},
        {"more": 1},
        {"since": 101},
        {"until": 199},
        {"since": -1},
        {"after": [100, "a"]},
        {"after": [0]},
        {"after": [0, 1]},
        {"after": ["0", ""]},
        {"crossings": {}},
        {"crossings": [["a", "c", "exit"]]},
        {"crossings": ["abcd"]},
        {"crossings": [["a", "c", "in", 100]]},
        {"crossings": [["a", "c", "exit", "100"]]},
        {"crossings": [["", "c", "exit", 100]]},
        {"crossings": [["b", "c", "exit", 150], ["a", "c", "exit", 150]]},
        {"crossings": [["a", "c", "exit", 150]] * 2},
        {"crossings": [], "more": True},
        {"crossings": [[str(number), "c", "exit", 100] for number in range(1000, 1001 + MAX_CROSSINGS)]},
    ],
)
def test_what_is_not_a_page_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of one claim."""
    with pytest.raises(Refusal) as refused:
        verify(jws.sign(CROSSING_STATEMENT, {**_claims(), **changes}, KEY))
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"keys": keys.KeySet([keys.generate().public])}, Reason.BAD_SIGNATURE),
        ({"issuer": "https://idp.mo.example"}, Reason.UNTRUSTED_ISSUER),
        ({"audience": "https://idp.mo.example"}, Reason.WRONG_AUDIENCE),
        ({"now": NOW - 3600}, Reason.NOT_YET_VALID),
    ],
)
def test_another_key_issuer_audience_or_time_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Refusal) as refused:
        verify(sign_statement(PAGE, signer=KEY), **changes)
    assert refused.value.reason is reason


def test_what_would_be_refused_is_not_signed() -> None:
    with pytest.raises(Refusal):
        sign_statement(replace(PAGE, until=199), signer=KEY)


def test_the_longest_page_can_be_read() -> None:
    """A peer that names its checkpoints at length must not be unable to state its books."""
    rows = tuple(Told(100, f"{number:0128}", "c" * 255, "entry") for number in range(MAX_CROSSINGS))
    assert len(verify(sign_statement(replace(PAGE, crossings=rows), signer=KEY)).crossings) == MAX_CROSSINGS


@given(CROSSINGS, st.integers(1, 4))
def test_pages_follow_each_other_and_no_other_way(crossings: list[Told], size: int) -> None:
    """A page left out, or one that comes twice, is a book that agrees by omission."""
    parts = [tuple(crossings[at : at + size]) for at in range(0, len(crossings), size)] or [()]
    pages, after = [], BEGINNING
    for part in parts:
        pages.append(replace(PAGE, crossings=part, after=after, more=part is not parts[-1]))
        after = part[-1].place if part else after
    assert follows(pages)
    for order in itertools.islice(itertools.permutations(pages), 1, 6):
        assert not follows(order)
    for left_out in range(len(pages)):
        assert not follows(pages[:left_out] + pages[left_out + 1 :])
    assert not follows([*pages, pages[-1]])

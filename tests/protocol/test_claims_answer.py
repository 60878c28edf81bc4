"""What is told of what is known: the value that was asked for, in the language that was asked for, or nothing."""

from typing import Any

import pytest

from idp.protocol.claims_answer import Facts, answer

CHAN = {"name": {"zh-Hant": "陳大文", "en": "CHAN, TAI MAN"}, "family_name": {"en": "CHAN"}}


@pytest.mark.parametrize(
    ("request_", "is_told"),
    [
        (None, True),
        ({"essential": True}, True),
        ({"value": "1990-01-01"}, True),
        ({"values": ["1980-01-01", "1990-01-01"]}, True),
        ({"value": "1980-01-01"}, False),
        ({"values": []}, False),
        ({"value": 1990}, False),
        ({"value": None}, False),
    ],
)
def test_a_value_that_is_not_wanted_is_left_out(request_: Any, is_told: bool) -> None:
    """Core §5.5.1."""
    told = answer({"birthdate": request_}, Facts({"birthdate": "1990-01-01"}, {}))
    assert told == ({"birthdate": "1990-01-01"} if is_told else {})


def test_false_is_not_nought() -> None:
    """Python says that they are equal."""
    assert answer({"email_verified": {"value": 0}}, Facts({"email_verified": False}, {})) == {}


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("zh-Hant", "陳大文"),
        ("ZH-hant", "陳大文"),
        ("zh-HK", "陳大文"),
        ("zh", "陳大文"),
        ("zh-Hant-HK", "陳大文"),
        ("en", "CHAN, TAI MAN"),
        ("en-GB", "CHAN, TAI MAN"),
        ("zh-Hans", None),
        ("zh-CN", None),
        ("e", None),
        ("pt", None),
    ],
)
def test_a_language_is_met_or_left_out(tag: str, text: str | None) -> None:
    """Nobody's name is written in a script that the document does not have."""
    assert answer({f"name#{tag}": None}, Facts({}, CHAN)) == ({f"name#{tag}": text} if text else {})


def test_a_claim_without_languages_has_none() -> None:
    """invalid solely because a date has no language."""
    assert answer({"birthdate#en": None}, Facts({"birthdate": "1990-01-01"}, {})) == {}


def test_an_unknown_locale_falls_back_to_how_it_is_written_at_home() -> None:
    told = answer({"name": None}, Facts({}, CHAN), locales="fr ko")
    assert told == {"name": "陳大文", "name#zh-Hant": "陳大文", "name#en": "CHAN, TAI MAN"}

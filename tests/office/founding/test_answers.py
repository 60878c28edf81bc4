"""What a new operator may write wrong, and is told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.office.founding import answers
from idp.office.founding.answers import UnableToFound

GOOD: dict[str, Any] = {
    "entity_id": "https://idp.hk.example",
    "name": {"en": "Hong Kong's Immigration Authority", "zh-Hant": "香港入境機關"},
    "jurisdiction": "HKG",
    "contact": "duty@idp.hk.example",
    "data_dir": "/srv/causeway/data",
}


def test_answers_become_settings_and_what_has_a_default_may_be_left_out() -> None:
    found = answers.variables(GOOD)
    assert found["CAUSEWAY_ENTITY_ID"] == "https://idp.hk.example"
    assert found["CAUSEWAY_LANGUAGE"] == "en"
    assert found["DATABASE_URL"] == ""
    assert "DEBUG" not in found
    assert json.loads(found["CAUSEWAY_NAME"]) == GOOD["name"]
    assert "'" not in found["CAUSEWAY_NAME"], "an apostrophe would end the value in a shell"


@pytest.mark.parametrize(
    ("member", "value", "reason"),
    [
        ("entity_id", "http://idp.hk.example", "https URL"),
        ("entity_id", "http://hk.localhost:8801", "https URL"),
        ("entity_id", "https://idp.hk.example/", "slash"),
        ("entity_id", "", "has to be given"),
        ("entity_id", 7, "Identifier"),
        ("jurisdiction", "HK", "CHN, HKG, MAC"),
        ("contact", "the duty room", "e-mail"),
        ("contact", "http://idp.hk.example", "e-mail"),
        ("language", "zh", "one of en"),
        ("data_dir", "data", "whole path"),
        ("data_dir", __file__, "file at this place"),
        ("data_dir", "/srv/it's", "apostrophe"),
        ("key_dir", "/srv/keys\nDEBUG=1", "control character"),
        ("database", "mysql://host/name", "postgres://"),
        ("database", "postgres", "postgres://"),
        ("broker", "kafka://host", "redis://"),
        ("name", {"zh-Hant": "香港入境機關"}, "English"),
        ("name", {"en": "A", "Chinese name": "B"}, "language tag"),
        ("name", {"en": "A", "pt": " "}, "empty"),
        ("name", "Authority", "English"),
        ("insecure_loopback_http", "yes", "true or false"),
        ("behind_tls_proxy", 1, "true or false"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else None,
)
def test_a_bad_answer_is_refused_with_the_reason(member: str, value: object, reason: str) -> None:
    with pytest.raises(UnableToFound, match=reason) as refused:
        answers.variables({**GOOD, member: value})
    assert member in str(refused.value)


def test_loopback_is_for_trying_and_says_so_in_the_settings() -> None:
    trying = {**GOOD, "entity_id": "http://hk.localhost:8801", "insecure_loopback_http": True}
    found = answers.variables(trying)
    assert (found["DEBUG"], found["INSECURE_LOOPBACK_HTTP"]) == ("1", "1")


def test_a_slip_in_the_file_is_not_left_out_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text('entity_id = "https://idp.hk.example"\njuristiction = "HKG"\n')
    with pytest.raises(UnableToFound, match="juristiction"):
        answers.read(file)
    file.write_text("entity_id = ")
    with pytest.raises(UnableToFound, match="TOML"):
        answers.read(file)
    with pytest.raises(UnableToFound, match="cannot be read"):
        answers.read(tmp_path / "none.toml")


def told(lines: Iterator[str]) -> Callable[[str], str]:
    return lambda text: next(lines)


def test_who_sits_there_is_asked_again_after_a_bad_answer() -> None:
    lines = iter(
        [
            *("http://idp.hk.example", "https://idp.hk.example"),
            *("", "", "", "", "Authority", "", "香港入境機關", ""),
            *("HK", "HKG", "duty@idp.hk.example", "zh-hant", "/srv/causeway/data", "", "", ""),
        ]
    )
    said: list[str] = []
    given = answers.asked(told(lines), said.append, insecure_loopback_http=False)
    assert next(lines, None) is None
    assert len(said) == 3
    assert given["name"] == {"en": "Authority", "zh-Hant": "香港入境機關"}
    assert answers.variables(given)["CAUSEWAY_LANGUAGE"] == "zh-hant"

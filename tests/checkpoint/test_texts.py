"""What is said: to every reason an officer's sentence, to every helpful one a traveller's, in every language."""

import re
import string
from pathlib import Path

import pytest

from idp.checkpoint import texts
from idp.checkpoint.deciding import Verdict
from idp.protocol import journal
from idp.protocol.gate_decisions import REFUSED, Refer, Refuse
from idp.protocol.refusals import Reason

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {"page", "traveller", "officer", "desk", "ground"}
SIMPLIFIED, TRADITIONAL = "这证验简关边检马门车见时无图请读码", "這證驗簡關邊檢馬門車見時無圖請讀碼"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_catalogue_says_the_same_things_with_the_same_blanks(language: str) -> None:
    english, other = texts.catalogue("en"), texts.catalogue(language)
    assert other.keys() == SECTIONS
    for section in SECTIONS:
        assert other[section].keys() == english[section].keys()
        for name, text in other[section].items():
            assert text.strip() == text != ""
            assert placeholders(text) == placeholders(english[section][name]), (section, name)


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    found = {path.stem for path in Path(texts.__file__).parent.glob("*.json")}
    assert found == set(texts.LANGUAGES)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_reason_is_explained_to_the_officer(language: str) -> None:
    assert texts.catalogue(language)["officer"].keys() == {reason.value for reason in Reason}
    assert len({texts.for_officer(reason, language) for reason in Reason}) == len(Reason)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_helpful_reason_helps_the_traveller(language: str) -> None:
    said = texts.catalogue(language)["traveller"]
    assert said.keys() == {reason.value for reason in texts.HELPFUL} | {"admit", "officer"}
    assert len(set(said.values())) == len(said)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in texts.HELPFUL])
def test_every_other_reason_is_one_neutral_sentence(language: str, reason: Reason) -> None:
    decision = (Refuse if reason in REFUSED else Refer)(reason, 9)
    said = texts.for_traveller(Verdict(decision, 1, 1.0, None), language)
    assert said == texts.catalogue(language)["traveller"]["officer"]


def test_the_watch_list_is_never_helpful() -> None:
    assert Reason.WATCHLIST not in texts.HELPFUL


@pytest.mark.parametrize(("language", "foreign"), [("zh-hans", TRADITIONAL), ("zh-hant", SIMPLIFIED)])
def test_no_chinese_sentence_is_in_the_other_script(language: str, foreign: str) -> None:
    sentences = [text for section in texts.catalogue(language).values() for text in section.values()]
    assert not [text for text in sentences if set(text) & set(foreign)]
    assert all(re.search("[\u4e00-\u9fff]", text) for text in sentences)


def test_no_portuguese_sentence_was_left_in_english() -> None:
    english, other = texts.catalogue("en"), texts.catalogue("pt")
    same = {name for section in SECTIONS for name, text in other[section].items() if text == english[section][name]}
    assert same == {"hours", "minutes", "seconds"}


def test_the_page_asks_for_no_word_that_is_not_there() -> None:
    page = texts.catalogue("en")["page"]
    html = (ROOT / "templates/checkpoint/gate.html").read_text("utf-8")
    script = "".join(path.read_text("utf-8") for path in (ROOT / "static/checkpoint").glob("*.js"))
    asked = set(re.findall(r'data-text="(\w+)"', html)) | set(re.findall(r"(?<!found\.)words\.(\w+)", script))
    asked |= set(re.findall(r'(?:key|head): "(\w+)"', script)) | {"entry", "exit", "admit", "refer", "refuse"}
    asked |= {"seconds", "minutes", "hours", "camera_lost", "no_camera", "joint"}
    assert asked - page.keys() == set()
    assert page.keys() - asked == set()


def test_every_ground_has_words_and_no_other() -> None:
    grounds = {ground for grounds in journal.GROUNDS.values() for ground in grounds}
    assert texts.catalogue("en")["ground"].keys() == grounds


def test_the_officers_page_asks_for_no_word_that_is_not_there() -> None:
    desk = texts.catalogue("en")["desk"]
    html = (ROOT / "templates/checkpoint/officers.html").read_text("utf-8")
    script = (ROOT / "static/officers/officers.js").read_text("utf-8")
    asked = set(re.findall(r'data-text="(\w+)"', html)) | set(re.findall(r"(?<!found\.)words\.(\w+)", script))
    asked |= set(re.search(r'FACTS = "([a-z_ ]+)"', script)[1].split())  # type: ignore[index]
    asked |= {"seconds", "minutes", "hours", "entry", "exit", "refer", "refuse", "only_look", "not_releasable"}
    asked |= {"low", "middle", "high", "nothing", "done_release", "done_decline"}
    asked |= {"not_found", "decided", "not_acknowledged", "wrong_ground", "second_officer", "storage"}  # problem codes
    assert asked - desk.keys() == set()
    assert desk.keys() - asked == set()

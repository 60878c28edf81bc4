"""Catalogues: complete where they claim to be, and true to the placeholders and markup of the text."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.conf import settings

LANGUAGES = ["zh_Hans", "zh_Hant", "pt"]


@pytest.fixture(scope="module")
def updating() -> ModuleType:
    spec = importlib.util.spec_from_file_location("update", Path(settings.BASE_DIR) / "locale" / "update.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def messages(updating: ModuleType, language: str) -> dict[object, Message]:
    with updating.path(language).open("rb") as file:
        return {message.id: message for message in read_po(file, locale=language) if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(updating: ModuleType, language: str) -> None:
    """A text that was added or changed needs ``make locale`` and a translation."""
    known = messages(updating, language)
    wanted = {message.id for message in updating.extracted() if message.id}
    assert wanted - known.keys() == set()
    assert [name for name in wanted if not all(_strings(known[name].string))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_placeholders_and_the_markup(updating: ModuleType, language: str) -> None:
    for name, message in messages(updating, language).items():
        first = _strings(name)[0]
        for text in _strings(message.string):
            assert _marks(text) == _marks(first), first


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_says_its_charset_so_that_it_is_compiled(updating: ModuleType, language: str) -> None:
    assert "charset=utf-8" in updating.path(language).read_text()


def _strings(text: object) -> list[str]:
    return [text] if isinstance(text, str) else list(text)  # type: ignore[call-overload]


def _marks(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd]|</?\w+[^>]*>", text))

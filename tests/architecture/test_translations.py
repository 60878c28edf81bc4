"""Every text is there in every language, with its placeholders: pages of the node, of the gate and of the phone."""

import importlib.util
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh_Hans", "zh_Hant", "pt")
DEVICES = {"gate": ROOT / "idp/checkpoint/texts", "phone": ROOT / "static/wallet/messages"}

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")
# Characters of frequent words that differ between the two scripts: one in the other's catalogue was forgotten there.
_SIMPLIFIED, _TRADITIONAL = "证关与还这说过时间记录", "證關與還這說過時間記錄"


@pytest.fixture(scope="module")
def update() -> ModuleType:
    spec = importlib.util.spec_from_file_location("locale_update", ROOT / "locale/update.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def extracted(update: ModuleType) -> Catalog:
    return update.extracted()


def catalogue(language: str) -> Catalog:
    with (ROOT / "locale" / language / "LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale=language)


def strings(text: object) -> list[str]:
    return [text] if isinstance(text, str) else list(text)  # type: ignore[call-overload]


def marks(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_its_placeholders(extracted: Catalog, language: str) -> None:
    """A text that a traveller would read in English, or a placeholder that would stand on the page."""
    known = catalogue(language)
    for message in extracted:
        if not message.id:
            continue
        found = known.get(message.id, context=message.context)
        assert found is not None, message.id
        for text in strings(found.string):
            assert text.strip(), message.id
            assert marks(text) == marks(strings(message.id)[-1]), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_holds_nothing_else(extracted: Catalog, language: str) -> None:
    """A translation of a text that is gone: ``make locale`` was forgotten."""
    wanted = {(message.context, str(message.id)) for message in extracted if message.id}
    assert {(message.context, str(message.id)) for message in catalogue(language) if message.id} == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    """One form too many or too few shows an empty text for some numbers."""
    known = catalogue(language)
    for message in known:
        if message.id and message.pluralizable:
            assert len(message.string) == known.num_plurals


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_compiles(language: str) -> None:
    """What is made at install from what is committed."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    assert compiled.getvalue()[:4] == b"\xde\x12\x04\x95"


def test_every_language_of_the_settings_has_a_catalogue() -> None:
    tags = {language.replace("_", "-").lower() for language in LANGUAGES}
    assert {code for code, _ in settings.LANGUAGES} == {"en", *tags}


@pytest.mark.parametrize(("language", "foreign"), [("zh_Hans", _TRADITIONAL), ("zh_Hant", _SIMPLIFIED)])
def test_the_two_scripts_are_not_mixed(language: str, foreign: str) -> None:
    own = set(_SIMPLIFIED if language == "zh_Hans" else _TRADITIONAL)
    for message in catalogue(language):
        for text in strings(message.string) if message.id else []:
            assert not (set(text) & set(foreign)) - own, text


@pytest.mark.parametrize("device", DEVICES)
def test_devices_speak_every_language_alike(device: str) -> None:
    """Gate and phone run without Django and keep their texts in JSON: same names, same placeholders."""
    english = _flat(json.loads((DEVICES[device] / "en.json").read_text("utf-8")))
    assert english
    for code, _ in settings.LANGUAGES:
        texts = _flat(json.loads((DEVICES[device] / f"{code}.json").read_text("utf-8")))
        assert texts.keys() == english.keys(), code
        for name, text in texts.items():
            assert text.strip(), (code, name)
            assert marks(text) == marks(english[name]), (code, name)


def _flat(value: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {f"{prefix}{name}": str(item)}
    return found

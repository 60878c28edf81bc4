"""Brings the catalogues up to the texts in the code: ``python locale/update.py``, then fill in what is empty.

Babel reads the Python files; for templates Django itself turns each into calls of gettext, which are collected here.
The gate, the wallet and the demonstration run without Django and have texts of their own.
"""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PLURALS = {
    "zh_Hans": "nplurals=1; plural=0;",
    "zh_Hant": "nplurals=1; plural=0;",
    "pt": "nplurals=2; plural=(n != 1);",
}
IGNORED = ("idp/checkpoint/", "idp/wallet/", "idp/demo/", "templates/wallet/", "templates/checkpoint/")
HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: Causeway\n"
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plurals}\n"

"""
_QUOTED = r"(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
_CALL = re.compile(rf"\b(gettext|ngettext|pgettext|npgettext)\(((?:\s*u?{_QUOTED}\s*,?)+)")
_TEXT = re.compile(rf"u?({_QUOTED})", re.S)


def extracted() -> Catalog:
    """Every text of the code and the templates."""
    if not settings.configured:
        settings.configure()
        django.setup()
    catalog = Catalog()
    for folder, methods in (("idp", [("**.py", "python")]), ("templates", [("**.html", _template)])):
        found = extract_from_dir(ROOT / folder, methods, keywords=DEFAULT_KEYWORDS)  # type: ignore[arg-type]
        for name, _, message, _, context in found:
            if not f"{folder}/{name}".startswith(IGNORED):
                catalog.add(message, context=context)
    return catalog


def path(language: str) -> Path:
    """Where the catalogue of ``language`` lies."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def update() -> None:
    """Rewrite every catalogue with the texts there are, keeping the translations there were."""
    for language, plurals in PLURALS.items():
        with path(language).open("rb") as file:
            known = read_po(file, locale=language)
        current = Catalog(locale=language)  # with the language's own number of plural forms
        for found in extracted():
            if found.id:
                old = known.get(found.id, context=found.context)
                blank = ("",) * current.num_plurals if found.pluralizable else ""
                current.add(found.id, old.string if old else blank, flags=found.flags, context=found.context)
        buffer = io.BytesIO()
        write_po(buffer, current, width=110, omit_header=True, no_location=True, sort_output=True)
        path(language).write_bytes(HEADER.format(language=language, plurals=plurals).encode() + buffer.getvalue())


def _template(fileobj: IO[bytes], keywords: Any, tags: Any, options: Any) -> Iterator[tuple[int, str, Any, list[str]]]:
    source = templatize(fileobj.read().decode("utf-8"))
    for call in _CALL.finditer(source):
        texts = tuple(ast.literal_eval(text) for text in _TEXT.findall(call.group(2)))
        yield source.count("\n", 0, call.start()) + 1, call.group(1), texts if len(texts) > 1 else texts[0], []


if __name__ == "__main__":
    update()

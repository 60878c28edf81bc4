"""Values of metadata policy as an officer writes them: plain words where they are words, JSON for everything else.

Operators on arrays take an item a line, or one JSON array. A word that would read as JSON stands in quotation marks.
"""

import json
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

ARRAYS = frozenset({"add", "one_of", "subset_of", "superset_of"})
MAX_VALUE = 20_000  # characters


class Unreadable(Exception):
    """Not a value for this operator."""


def read(operator: str, text: str) -> Any:
    """The value that ``text`` stands for; raises `Unreadable`. Whether it may stand there, the policy's rules say."""
    text = text.strip()
    if not text:
        raise Unreadable("empty")
    if operator not in ARRAYS:
        return _item(text)
    if text.startswith("["):
        return _item(text)
    return [_item(line.strip()) for line in text.split("\n") if line.strip()]


def written(operator: str, value: Any) -> str:
    """The text that `read` takes back to ``value``."""
    if operator in ARRAYS and isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
        return "\n".join(map(_written, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else _written(value)


def _item(text: str) -> Any:
    if text.startswith(("{", "[", '"')):  # meant as JSON: a slip in it is no word
        try:
            return strict_json.loads(text.encode())
        except (Refusal, UnicodeError) as error:
            raise Unreadable("JSON") from error
    try:
        return strict_json.loads(text.encode())
    except (Refusal, UnicodeError):
        return text


def _written(value: Any) -> str:
    plain = isinstance(value, str) and value == value.strip() != "" and len(value.splitlines()) == 1
    if plain and not value.startswith(("{", "[", '"')) and _item(value) == value:
        return str(value)
    return json.dumps(value, ensure_ascii=False)

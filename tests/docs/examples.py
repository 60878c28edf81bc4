"""The examples of docs/api.md: pairs of HTTP blocks, a request as it is sent and the answer as it comes."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_DECLARED = re.compile(r"^\| `\{([a-z_]+)\}` \|", re.MULTILINE)
MORE = "…"


@dataclass(frozen=True)
class Message:
    """One HTTP message as it is written down."""

    first: str
    headers: dict[str, str]
    body: str

    @property
    def placeholders(self) -> set[str]:
        return set(_PLACEHOLDER.findall("\n".join([self.first, *self.headers.values(), self.body])))


@dataclass(frozen=True)
class Example:
    """A request and its answer."""

    request: Message
    answer: Message

    @property
    def method(self) -> str:
        return self.request.first.split(" ")[0]

    @property
    def target(self) -> str:
        return self.request.first.split(" ")[1]

    @property
    def status(self) -> int:
        return int(self.answer.first.split(" ")[1])


def read(text: str) -> list[Example]:
    """Every block is a half of an example; raises ValueError for one without its other half."""
    messages = [_message(block) for block in _BLOCK.findall(text)]
    requests, answers = messages[::2], messages[1::2]
    for message, answers_it in [(each, False) for each in requests] + [(each, True) for each in answers]:
        if message.first.startswith("HTTP/1.1 ") != answers_it:
            raise ValueError(f"a request without its answer, or the reverse: {message.first}")
    return [Example(*pair) for pair in zip(requests, answers, strict=True)]


def declared(text: str) -> set[str]:
    """The placeholders that the page explains."""
    return set(_DECLARED.findall(text))


def differs(shown: Any, real: Any, place: str = "") -> str:
    """Where the form of an answer is not as shown: members, types, and that lists have something; "" where it is.

    A text that ends in `MORE`, a number and a null stand for any of their kind; null also for what may be missing.
    Other texts must be there as they stand only where they name a thing: codes, states, decisions.
    """
    if isinstance(shown, dict) and isinstance(real, dict):
        if MORE in shown:
            shown = {name: value for name, value in shown.items() if name != MORE}
            real = {name: value for name, value in real.items() if name in shown}
        if set(shown) != set(real):
            return f"{place}: {sorted(set(shown) ^ set(real))}"
        return next(filter(None, (differs(shown[name], real[name], f"{place}/{name}") for name in shown)), "")
    if isinstance(shown, list) and isinstance(real, list):
        wanted = [each for each in shown if each != MORE]
        if len(real) < len(wanted) or (len(real) != len(wanted) and MORE not in shown):
            return f"{place}: {len(real)} items"
        pairs = enumerate(zip(wanted, real, strict=False))
        return next(filter(None, (differs(one, other, f"{place}/{at}") for at, (one, other) in pairs)), "")
    if shown is None or (real is None and isinstance(shown, int)):
        return "" if real is None or isinstance(real, int | str) else f"{place}: {real!r}"
    if type(shown) is not type(real):
        return f"{place}: {real!r} is no {type(shown).__name__}"
    return f"{place}: {real!r}" if place.rpartition("/")[2] in EXACT and shown != real else ""


EXACT = {"code", "type", "status", "title", "state", "decision", "direction", "format", "fields", "versions", "revoked"}


def parsed(text: str) -> Any:
    return json.loads(text)


def _message(block: str) -> Message:
    head, _, body = block.partition("\n\n")
    first, *lines = head.strip().split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Message(first, headers, body.strip())

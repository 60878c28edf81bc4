"""What is told when claims are asked for: names in each script, values as they stand (Core §5.2, §5.5.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol import requested_claim

_SAME_SCRIPT = {"zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-tw": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}


@dataclass(frozen=True)
class Facts:
    """Claims by name: ``values`` as they stand, ``texts`` by language, the one of home first."""

    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def answer(wanted: Mapping[str, requested_claim.Wanted], facts: Facts, *, locales: str = "") -> dict[str, Any]:
    """What is told of ``facts``: what is wanted and known, in the languages of ``locales`` (``claims_locales``).

    A value that is not among those asked for is left out, and so is what nobody knows (Core §5.3.2, §5.5.1).
    """
    told: dict[str, Any] = {}
    for name, request in wanted.items():
        plain, _, tag = name.partition("#")
        if plain in facts.texts:
            found = _in_languages(plain, facts.texts[plain], tag=tag, locales=locales.split())
        else:
            found = {plain: facts.values[plain]} if plain in facts.values and not tag else {}
        told.update({key: value for key, value in found.items() if requested_claim.accepts(request, value)})
    return told


def _in_languages(name: str, texts: Mapping[str, str], *, tag: str, locales: Iterable[str]) -> dict[str, Any]:
    """A text that stands in several scripts (Core §5.2). The first of ``texts`` is how it is written at home."""
    if tag:
        match = _matching(tag, texts)
        return {f"{name}#{tag}": texts[match]} if match else {}
    chosen = [match for match in (_matching(locale, texts) for locale in locales) if match]
    first = chosen[0] if chosen else next(iter(texts))
    return {name: texts[first], **{f"{name}#{language}": texts[language] for language in chosen or texts}}


def _matching(tag: str, texts: Mapping[str, str]) -> str | None:
    """The language of ``texts`` that ``tag`` names, more or less exactly (RFC 4647 §3.3.1, §3.4)."""
    wanted = _SAME_SCRIPT.get(tag.lower(), tag.lower())
    for language in texts:
        known = language.lower()
        if known == wanted or known.startswith(f"{wanted}-") or wanted.startswith(f"{known}-"):
            return language
    return None

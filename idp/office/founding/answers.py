"""What a new authority has to be told, where it is read from, and what is refused, with the reason.

This is before Django starts: nothing here needs settings or a database.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from idp.accounts.checks import CONTACT, JURISDICTIONS, faults_of_entity_id

LANGUAGES = ("en", "zh-hans", "zh-hant", "pt")
DATABASES = ("sqlite", "postgres", "postgresql")
BROKERS = ("filesystem", "redis", "rediss", "amqp", "amqps")
FILE_MEMBERS = frozenset({"name", "officers", "insecure_loopback_http", "behind_tls_proxy"})
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class UnableToFound(Exception):
    """Nothing goes on from here; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Question:
    """One thing to be told. ``check`` raises `UnableToFound`; an empty answer is the ``default``, None where it must be
    given."""

    name: str  # in the file
    variable: str  # in the environment
    text: str
    check: Callable[[str], str]
    default: str | None = None


def _entity_id(insecure: bool) -> Callable[[str], str]:
    def check(text: str) -> str:
        for fault in faults_of_entity_id(text, insecure_loopback_http=insecure):
            raise UnableToFound(f"{fault.msg} {fault.hint or ''}".strip())
        return text

    return check


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in known:
            raise UnableToFound(f"It is one of {', '.join(known)}.")
        return text

    return check


def _contact(text: str) -> str:
    if not CONTACT.fullmatch(text):
        raise UnableToFound("It is one e-mail address, or an https URL.")
    return text


def _directory(text: str) -> str:
    path = Path(text)
    if not path.is_absolute():
        raise UnableToFound("It is the whole path of a directory, from / on: the node is started from anywhere.")
    if path.exists() and not path.is_dir():
        raise UnableToFound("There is a file at this place.")
    return str(path)


def _url(schemes: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text and (urlsplit(text).scheme not in schemes or "://" not in text):
            raise UnableToFound(f"It is a URL that begins with {', '.join(f'{scheme}://' for scheme in schemes)}.")
        return text

    return check


def questions(*, insecure_loopback_http: bool) -> tuple[Question, ...]:
    """All of one line, in the order in which they are asked; the name is asked by `asked` in each language."""
    where = "http://NAME.localhost:PORT" if insecure_loopback_http else "as in https://idp.hk.example"
    return (
        Question(
            "entity_id",
            "CAUSEWAY_ENTITY_ID",
            f"Identifier and public address of this authority, {where}; it stays for good",
            _entity_id(insecure_loopback_http),
        ),
        Question(
            "jurisdiction", "CAUSEWAY_JURISDICTION", "Whose authority it is: CHN, HKG or MAC", _one_of(JURISDICTIONS)
        ),
        Question("contact", "CAUSEWAY_CONTACTS", "Where peers reach a person: e-mail address or https URL", _contact),
        Question(
            "language",
            "CAUSEWAY_LANGUAGE",
            f"Language: {', '.join(LANGUAGES)}",
            _one_of(LANGUAGES),
            "en",
        ),
        Question(
            "data_dir", "CAUSEWAY_DATA_DIR", "Directory for data, on a local disk, as in /srv/causeway/data", _directory
        ),
        Question("key_dir", "CAUSEWAY_KEY_DIR", "Directory for keys; empty: in the data directory", _directory, ""),
        Question(
            "database", "DATABASE_URL", "Database, as in postgres://USER@HOST/NAME; empty: SQLite", _url(DATABASES), ""
        ),
        Question(
            "broker", "CELERY_BROKER_URL", "Broker, as in redis://HOST/0; empty: files, for one host", _url(BROKERS), ""
        ),
    )


def names(given: object) -> str:
    """The authority's name by language tag as the setting has it, JSON. Raises `UnableToFound`."""
    if not isinstance(given, Mapping) or not given.get("en"):
        raise UnableToFound("name: a name in English (en) is needed; others are by language tag, as in zh-Hant.")
    for tag, name in given.items():
        if not _TAG.fullmatch(str(tag)) or not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UnableToFound(f"name: {tag} is no language tag, or its name is empty.")
    return json.dumps(given, ensure_ascii=False).replace("'", "\\u0027")  # environment files quote with apostrophes


def read(path: Path) -> dict[str, Any]:
    """The answers in a TOML file. Raises `UnableToFound`; a member that nobody asks for is refused, as a slip."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnableToFound(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeError, tomllib.TOMLDecodeError) as error:
        raise UnableToFound(f"{path} is not TOML: {error}.") from error
    known = FILE_MEMBERS | {question.name for question in questions(insecure_loopback_http=False)}
    if unknown := sorted(set(given) - known):
        raise UnableToFound(f"{path}: {', '.join(unknown)}: unknown. Known are {', '.join(sorted(known))}.")
    return given


def variables(given: Mapping[str, Any], *, whole: bool = True) -> dict[str, str]:
    """The environment that the answers in a file stand for. Raises `UnableToFound`, naming the member.

    ``whole`` demands what has no default; without it, only what is given.
    """
    insecure = _switch(given, "insecure_loopback_http")
    found = {"CAUSEWAY_NAME": names(given.get("name"))} if whole or "name" in given else {}
    for question in questions(insecure_loopback_http=insecure):
        if question.name not in given and not whole:
            continue
        value = given.get(question.name, question.default)
        if not isinstance(value, str):
            raise UnableToFound(f"{question.name}: {question.text}.")
        try:
            found[question.variable] = checked(question, value)
        except UnableToFound as error:
            raise UnableToFound(f"{question.name}: {error}") from error
    if _switch(given, "behind_tls_proxy"):
        found["CAUSEWAY_BEHIND_TLS_PROXY"] = "1"
    if insecure:
        found |= {"DEBUG": "1", "INSECURE_LOOPBACK_HTTP": "1"}
    return found


def checked(question: Question, text: str) -> str:
    """``text`` as the answer, or the default for none. Raises `UnableToFound`."""
    text = text.strip()
    if not text and question.default is not None:
        return question.default
    if not text:
        raise UnableToFound("This has to be given.")
    if not text.isprintable() or "'" in text:
        raise UnableToFound("No apostrophe and no control character: it stands in a file that a shell reads.")
    return question.check(text)


def asked(ask: Callable[[str], str], say: Callable[[str], object], *, insecure_loopback_http: bool) -> dict[str, Any]:
    """The same from somebody at the terminal, asked again after a bad answer, as a file would have them."""
    given: dict[str, Any] = {"insecure_loopback_http": insecure_loopback_http}
    for question in questions(insecure_loopback_http=insecure_loopback_http):
        given[question.name] = _asked(question, ask, say)
        if question.name == "entity_id":
            given["name"] = _asked_names(ask, say)
    return given


def _asked(question: Question, ask: Callable[[str], str], say: Callable[[str], object]) -> str:
    while True:
        hint = f" [{question.default}]" if question.default else ""
        try:
            return checked(question, ask(f"{question.text}{hint}: "))
        except UnableToFound as error:
            say(str(error))


def _asked_names(ask: Callable[[str], str], say: Callable[[str], object]) -> dict[str, str]:
    while True:
        given = {tag: ask(f"Name of the authority in {tag}: ").strip() for tag in ("en", "zh-Hans", "zh-Hant", "pt")}
        given = {tag: name for tag, name in given.items() if name}
        try:
            names(given)
        except UnableToFound as error:
            say(str(error))
        else:
            return given


def _switch(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise UnableToFound(f"{name} is true or false.")
    return value

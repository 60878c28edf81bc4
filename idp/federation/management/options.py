"""Options of ``manage.py federation`` that take more than a word: terms of recognition, types of trust marks."""

import dataclasses
import datetime
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from idp.federation import mark_types, terms
from idp.federation.terms import Terms
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

NOTHING = "none"  # as a value: leave this end of the period open, allow every type, take the text away


def add_terms(parser: ArgumentParser) -> None:
    """What `terms_from` reads. An option that is not given leaves that term as it is."""
    parser.add_argument("--policy", dest="metadata_policy", help="JSON file: metadata policy that narrows our own")
    parser.add_argument("--max-path-length", type=int, help="0: the peer alone; 1: its own entities too")
    parser.add_argument(
        "--naming",
        dest="naming_constraints",
        help="JSON file: permitted and excluded",
    )
    types = f"what it may vouch for, of {' '.join(terms.PEER_TYPES)}; none: all of them"
    parser.add_argument("--types", dest="allowed_entity_types", nargs="+", help=types)
    parser.add_argument("--from", dest="valid_from", help="date or time from which recognition stands, or none")
    parser.add_argument("--until", dest="valid_until", help="last date, or time, until which it stands, or none")
    parser.add_argument("--legal-basis", help="text")
    parser.add_argument("--contract", help="text")


def terms_from(options: dict[str, Any], before: Terms) -> Terms | None:
    """The terms with the options given put over those ``before``; None where no option was given."""
    given = {name: read(options[name]) for name, read in _READERS.items() if options.get(name) is not None}
    return dataclasses.replace(before, **given) if given else None


def moment(text: str, *, last: bool) -> int | None:
    """Seconds since 1970 of an ISO date or time, in this project's time zone unless it says another.

    A date alone is its first second or, where it is the ``last`` one, the first second after it.
    """
    if text == NOTHING:
        return None
    try:
        if "T" in text or " " in text:
            read = datetime.datetime.fromisoformat(text)
        else:
            day = datetime.date.fromisoformat(text) + datetime.timedelta(days=1 if last else 0)
            read = datetime.datetime.combine(day, datetime.time())
    except (ValueError, OverflowError) as error:
        raise CommandError(f"not a date or time as in 2027-01-31 or 2027-01-31T18:00: {text}") from error
    return int((timezone.make_aware(read) if read.tzinfo is None else read).timestamp())


def add_mark_types(parser: ArgumentParser, officer: str) -> None:
    """``mark-type add|list``."""
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("list")
    add = what.add_parser("add")
    add.add_argument("type", help="its identifier, a URL")
    add.add_argument("--description", default="")
    add.add_argument("--issuer", dest="issuers", action="append", help="who may give it; without any: this node alone")
    add.add_argument("--any-issuer", action="store_true", help="whoever is in the federation may give it")
    add.add_argument("--owner", default="", help="entity identifier of its owner, if that is another")
    add.add_argument("--owner-jwks", help="file with the owner's federation keys, a JWK Set")
    add.add_argument("--delegation", help="file with the owner's delegation to this node, a JWT")
    add.add_argument("--lifetime", type=int, default=mark_types.LIFETIME, help="seconds that a mark lives")
    add.add_argument("--officer", default=officer)


def add_marks(parser: ArgumentParser, officer: str) -> None:
    """``mark give|revoke TYPE ENTITY``."""
    parser.add_argument("what", choices=["give", "revoke"])
    parser.add_argument("type")
    parser.add_argument("entity")
    parser.add_argument("--officer", default=officer)


def json_file(path: str) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        return strict_json.loads_object(text_file(path))
    except Refusal as refusal:
        raise CommandError(f"{path}: {refusal.detail}") from refusal


def text_file(path: str) -> str:
    """The text in a file, without the line end."""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "metadata_policy": json_file,
    "max_path_length": int,
    "naming_constraints": json_file,
    "allowed_entity_types": lambda types: None if types == [NOTHING] else tuple(types),
    "valid_from": lambda text: moment(text, last=False),
    "valid_until": lambda text: moment(text, last=True),
    "legal_basis": lambda text: "" if text == NOTHING else text,
    "contract": lambda text: "" if text == NOTHING else text,
}

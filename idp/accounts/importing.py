"""Taking the authority's register of documents in, from its issuing system's file.

The file is JSON: ``{"documents": [{"type", "number", "name_native", "name_latin", "birth_date", "sex", "nationality",
"issued_on" (absent or null: not known), "expires_on" (absent or null: does not expire), "residence" ("permanent",
"temporary"; absent: not said), "status" (absent: valid), "endorsements": [{"kind", "destination", "valid_from",
"valid_to", "entries_left" (absent or null: without limit), "stay_days", "weekly", "place" (of issue, in the issuing
system's code; absent: not said), "withdrawn" (absent: false)}], "guardians": [{"type", "number"}] (of a child: its
guardians' documents)}]}``.
Dates are YYYY-MM-DD.
"""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from idp import clock
from idp.accounts import guardians
from idp.accounts.documents import canonical_number
from idp.accounts.models import Endorsement, RegisteredGuardian, TravelDocument
from idp.accounts.models.registry import NEVER
from idp.audit import events
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

MAX_BYTES = 256 << 20  # half a million documents
_DOCUMENT = {"type", "number", "name_native", "name_latin", "birth_date", "sex", "nationality"}
_DOCUMENT_OPTIONAL = {"issued_on", "expires_on", "residence", "status", "endorsements", "guardians"}
_ENDORSEMENT = {"kind", "destination", "valid_from", "valid_to", "stay_days"}
_ENDORSEMENT_OPTIONAL = {"entries_left", "weekly", "place", "withdrawn"}


class UnableToImport(Exception):
    """Nothing was imported. The message names the place in the file, and holds no personal data."""


@dataclass(frozen=True)
class Imported:
    created: int
    updated: int


@transaction.atomic
def import_register(*, content: bytes, issued_by: str, actor: str) -> Imported:
    """Take the whole file in, or nothing of it. Raises `UnableToImport`.

    A document that is known (type and number) is brought up to date and stays linked. An endorsement that is known
    (kind, destination, dates) keeps its entries left, which the crossings count down; one not listed is withdrawn.
    So is a guardian, and whoever answered for the child by that word answers for it no more.
    """
    created = updated = 0
    for position, entry in enumerate(_documents(content)):
        try:
            is_new = _take(entry, issued_by)
        except (ValidationError, ValueError, TypeError) as error:
            raise UnableToImport(f"document {position}: {_places(error)}") from error
        created, updated = created + is_new, updated + (not is_new)
    events.record(
        kind="accounts.register_imported",
        actor=actor,
        data={"created": created, "updated": updated, "sha256": hashlib.sha256(content).hexdigest()},
    )
    return Imported(created, updated)


def _documents(content: bytes) -> list[Any]:
    try:
        entries = strict_json.loads_object(content, max_bytes=MAX_BYTES).get("documents")
    except Refusal as error:
        raise UnableToImport(f"the file is not JSON: {error.detail}") from error
    if not isinstance(entries, list):
        raise UnableToImport("the file has no list of documents")
    return entries


def _take(entry: object, issued_by: str) -> bool:
    facts = _members(entry, _DOCUMENT, _DOCUMENT_OPTIONAL)
    endorsements, named = _list(facts, "endorsements"), _list(facts, "guardians")
    facts["number"] = canonical_number(str(facts["number"]))
    facts["birth_date"] = _date(facts, "birth_date")
    facts["issued_on"] = _date(facts, "issued_on") if facts.get("issued_on") else None
    facts["expires_on"] = _date(facts, "expires_on") if facts.get("expires_on") else NEVER
    key = {"issued_by": issued_by, "type": facts.pop("type"), "number": facts.pop("number")}
    document = TravelDocument.objects.filter(**key).first() or TravelDocument(**key)
    is_new = document._state.adding
    for name, value in facts.items():
        setattr(document, name, value)
    document.full_clean(exclude=["traveller"])
    document.save()
    _endorse(document, endorsements)
    _name_guardians(document, named)
    return is_new


def _name_guardians(document: TravelDocument, entries: list[Any]) -> None:
    kept = []
    for entry in entries:
        facts = _members(entry, {"type", "number"}, set())
        facts["number"] = canonical_number(str(facts["number"]))
        if (facts["type"], facts["number"]) == (document.type, document.number):
            raise ValueError("guardians: the child itself")
        row = document.guardians.filter(**facts).first()
        if row is None:
            row = RegisteredGuardian(document=document, **facts)
            row.full_clean()
            row.save()
        kept.append(row.pk)
    removed, _ = document.guardians.exclude(pk__in=kept).delete()
    if removed:
        guardians.follow_register(document=document, now=clock.now())


def _endorse(document: TravelDocument, entries: list[Any]) -> None:
    kept, now = [], clock.now()
    for entry in entries:
        facts = _members(entry, _ENDORSEMENT, _ENDORSEMENT_OPTIONAL)
        key = {
            "kind": facts["kind"],
            "destination": facts["destination"],
            "valid_from": _date(facts, "valid_from"),
            "valid_to": _date(facts, "valid_to"),
        }
        endorsement = document.endorsements.filter(**key).first()
        if endorsement is None:
            endorsement = Endorsement(document=document, entries_left=facts.get("entries_left"), **key)
        endorsement.stay_days, endorsement.weekly = facts["stay_days"], facts.get("weekly", False)
        endorsement.place = facts.get("place", "")
        withdrawn = facts.get("withdrawn", False)
        if not isinstance(withdrawn, bool):
            raise ValueError("withdrawn: not true or false")  # noqa: TRY004
        endorsement.withdrawn_at = (endorsement.withdrawn_at or now) if withdrawn else None
        endorsement.full_clean()
        endorsement.save()
        kept.append(endorsement.pk)
    document.endorsements.filter(withdrawn_at=None).exclude(pk__in=kept).update(withdrawn_at=now)


def _members(entry: object, required: set[str], optional: set[str]) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise ValueError("not an object")  # noqa: TRY004
    if missing := required - entry.keys():
        raise ValueError(f"{min(missing)}: missing")
    if unknown := entry.keys() - required - optional:
        raise ValueError(f"{min(unknown)}: unknown")
    return dict(entry)


def _list(facts: dict[str, Any], name: str) -> list[Any]:
    value = facts.pop(name, [])
    if not isinstance(value, list):
        raise ValueError(f"{name}: not a list")  # noqa: TRY004  a fault of the file, as the others
    return value


def _date(facts: Mapping[str, Any], name: str) -> datetime.date:
    value = facts[name]
    try:
        return datetime.datetime.strptime(value, "%Y-%m-%d").date()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: not a date") from error


def _places(error: Exception) -> str:
    """The members at fault without their values."""
    if isinstance(error, ValidationError):
        return ", ".join(f"{name}: not acceptable" for name in sorted(error.message_dict))
    return str(error) if isinstance(error, ValueError) else "a value of the wrong kind"

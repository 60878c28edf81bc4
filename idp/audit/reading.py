"""Looks at personal data: each is an event, with who looked, at whose, at what of it and to what end.

The end is one of a closed list, because free text about a traveller would itself be personal data in a record that is
never changed; a file number may stand beside it. Words, where an end needs them, are a row beside the event.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from django.db import models
from django.utils.translation import gettext_lazy as _

from idp.audit import events
from idp.audit.models import AuditEvent, LookWords, SeenPerson

KIND = "personal_data.read"
MAX_WORDS = 200  # characters
MAX_PEOPLE = 500  # of one look: a list has fewer rows


class Reason(models.TextChoices):
    """To what end somebody looks."""

    REFERRAL = "referral", _("a referral, or a case that waits for a decision")
    TRAVELLER_REQUEST = "traveller_request", _("the traveller asked")
    COMPLAINT = "complaint", _("a complaint")
    CORRECTION = "correction", _("something in the data is to be put right")
    INVESTIGATION = "investigation", _("an investigation with a file number")
    SUPERVISION = "supervision", _("audit or data protection")
    MAINTENANCE = "maintenance", _("a technical fault")
    OTHER = "other", _("other work, in a few words")


class Shown(models.TextChoices):
    """What kinds of data were shown."""

    ACCOUNT = "account", _("user name, logins and passkeys")
    DOCUMENTS = "documents", _("travel documents")
    PHONES = "phones", _("phones")
    FACES = "faces", _("facts about face comparisons")
    TEMPLATE = "template", _("the face, as numbers that it is compared by")
    PICTURES = "pictures", _("pictures of the face")
    TOKENS = "tokens", _("border tokens")
    CROSSINGS = "crossings", _("crossings")
    FAMILY = "family", _("who answers for which child")
    USES = "uses", _("uses of the data")


REASONS = tuple(reason.value for reason in Reason)
WITHOUT_WORDS = tuple(reason.value for reason in Reason if reason != Reason.OTHER)
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,63}\Z")
# A number of a document or a telephone, or an address: the words are for the work, not for the person.
_PERSONAL = re.compile(r"\d{5}|@")

RolesOf = Callable[[str], Sequence[str]]
_roles_of: list[RolesOf] = []  # filled by AppConfig.ready and by nobody later


def contribute_roles(source: RolesOf) -> None:
    """Have a higher room say which roles an actor ("account:7") holds. Called from its ``AppConfig.ready``."""
    _roles_of.append(source)


def fault(*, reason: str, case: str = "", words: str = "") -> str:
    """What is wrong with a reason: unknown, no_case, bad_case, no_words or personal_words; "" when it will do."""
    if reason not in REASONS:
        return "unknown"
    if case and not _CASE.match(case):
        return "bad_case"
    if reason == Reason.INVESTIGATION and not case:
        return "no_case"
    if reason == Reason.OTHER and not words.strip():
        return "no_words"
    return "personal_words" if len(words) > MAX_WORDS or _PERSONAL.search(words) else ""


def note(
    *,
    actor: str,
    subject: str,
    what: str,
    reason: str,
    case: str = "",
    words: str = "",
    kinds: Iterable[str] = (),
    fields: Iterable[str] = (),
    whose: Iterable[str] = (),
) -> AuditEvent:
    """Record one look, in the caller's transaction: nothing may be shown that was not noted.

    ``subject`` is an identifier of ours ("document:…"), never a number or name; ``what`` is a constant of the caller's
    that says which part was shown, ``kinds`` of `Shown`, ``fields`` their names. ``whose``: "traveller:ID" or
    "document:ID" of everybody whose data were shown; they read of it on their page of uses. Raises ValueError for a
    reason with a `fault`.
    """
    if wrong := fault(reason=reason, case=case, words=words):
        raise ValueError(f"a look at personal data has a reason: {wrong}")
    facts = {"case": case, "kinds": sorted(kinds), "fields": list(fields), "roles": _roles(actor)}
    data = {"what": what, "reason": reason, **{name: value for name, value in facts.items() if value}}
    event = events.record(kind=KIND, actor=actor, subject=subject[:255], data=data)
    if words.strip():
        LookWords.objects.create(event_id=event.pk, words=words.strip())
    people = sorted(set(whose))[:MAX_PEOPLE]
    SeenPerson.objects.bulk_create([SeenPerson(event_id=event.pk, whose=person, at=event.at) for person in people])
    return event


def _roles(actor: str) -> list[str]:
    return [role for source in _roles_of for role in source(actor)]

"""What was done with a traveller's data: when, by whom, to what end, and with which kinds of data.

Rooms above contribute what they did in ``AppConfig.ready``; this room tells of officers' looks and changes, and of
logins. An officer is named by role, never by name. An investigation is shown when its time has come
(docs/decisions/0036).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from idp import clock
from idp.accounts import guardians
from idp.accounts.models import Account, TravelDocument, Traveller
from idp.accounts.roles import Role
from idp.audit.models import AuditEvent, SeenPerson
from idp.audit.reading import Reason, Shown
from idp.conf import authority

DAY = 86_400
GROUPS = {
    "officers": _("Officers"),
    "gates": _("Gates"),
    "applications": _("Applications"),
    "faces": _("Face comparisons"),
    "logins": _("Logins"),
}
_CHANGED = ("admin.changed", "admin.added")
_WAS_DUTY = _("work of before, when no reason was asked")


@dataclass(frozen=True)
class Use:
    """One use. ``at`` in seconds since 1970; ``whose``: the traveller's or a child's id; texts are translated."""

    at: int
    whose: UUID
    group: str  # of `GROUPS`
    what: Any
    who: Any = ""
    why: Any = ""
    kinds: tuple[Any, ...] = ()


Source = Callable[[Sequence[UUID], int, int], Iterable[Use]]  # of these people, before this time, at most so many

_sources: list[Source] = []


def contribute(source: Source) -> None:
    """Have ``source`` tell its uses, the newest first. Called from ``AppConfig.ready``."""
    _sources.append(source)


def of(*, traveller: Traveller, now: int, before: int, limit: int, group: str = "") -> tuple[list[Use], int | None]:
    """The newest uses before a time, and the time to go on from (None: there is nothing older).

    The data are the traveller's and those of the children for whom they answer. A page ends between two seconds, so
    that none is lost or shown twice.
    """
    people = [person.pk for person in guardians.answered_for(traveller=traveller, now=now)]
    found = [use for source in (_looks, _changes, _logins, *_sources) for use in source(people, before, limit + 1)]
    found = sorted((use for use in found if group in ("", use.group)), key=lambda use: -use.at)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1].at
    return [use for use in found if use.at >= last], last


def _looks(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """Officers' looks; not yet those for an investigation that is young."""
    whose = _names(people)
    shown = clock.now() - authority().investigation_shown_days * DAY
    rows = SeenPerson.objects.filter(whose__in=list(whose), at__lt=before).select_related("event")
    rows = rows.filter(Q(at__lt=shown) | ~Q(event__data__reason=Reason.INVESTIGATION.value))
    found: dict[tuple[int, UUID], Use] = {}
    for row in rows.order_by("-at", "-event")[: limit * 2]:
        found.setdefault((row.event_id, whose[row.whose]), _look(row.event, whose[row.whose]))
    return list(found.values())[:limit]


def _look(event: AuditEvent, whose: UUID) -> Use:
    reasons = {reason.value: reason.label for reason in Reason}
    kinds = tuple(kind.label for kind in Shown if kind.value in event.data.get("kinds", ()))
    why = reasons.get(event.data.get("reason", ""), _WAS_DUTY)
    return Use(event.at, whose, "officers", _("An officer looked at your data"), _roles(event), why, kinds)


def _roles(event: AuditEvent) -> str:
    """The roles that the officer held then."""
    held = event.data.get("roles", ())
    return ", ".join(str(role.label) for role in Role if role.value in held) or str(_("an officer"))


def _names(people: Sequence[UUID]) -> dict[str, UUID]:
    """Whom the record calls what."""
    documents = TravelDocument.objects.filter(traveller__in=people).values_list("pk", "traveller_id")
    return {**{f"traveller:{pk}": pk for pk in people}, **{f"document:{pk}": whose for pk, whose in documents}}


def _changes(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    """What officers changed at the admin site."""
    whose = {f"accounts.{name.replace('document', 'traveldocument')}": pk for name, pk in _names(people).items()}
    accounts = Account.objects.filter(traveller__in=people).values_list("pk", "traveller")
    whose |= {f"accounts.account:{pk}": traveller for pk, traveller in accounts}
    rows = AuditEvent.objects.filter(subject__in=list(whose), kind__in=_CHANGED, at__lt=before)
    text = _("An officer changed your data")
    return [Use(row.at, whose[row.subject], "officers", text) for row in rows.order_by("-at", "-id")[:limit]]


def _logins(people: Sequence[UUID], before: int, limit: int) -> list[Use]:
    whose = {
        f"account:{pk}": traveller
        for pk, traveller in Account.objects.filter(traveller__in=people).values_list("pk", "traveller")
    }
    rows = AuditEvent.objects.filter(actor__in=list(whose), kind="accounts.logged_in", at__lt=before)
    kinds, text = (Shown.ACCOUNT.label,), _("Somebody logged in to your account")
    return [Use(row.at, whose[row.actor], "logins", text, kinds=kinds) for row in rows.order_by("-at", "-id")[:limit]]

"""What the rules say of one traveller at one checkpoint at one time, rule by rule, for an officer."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction

from idp.accounts.models import Account, TravelDocument, Traveller
from idp.audit import reading
from idp.border import destinations, eligibility
from idp.border.models import Checkpoint
from idp.conf import authority
from idp.protocol.opening_hours import is_open, parse_opening
from idp.protocol.refusals import Refusal, Unavailable
from idp.protocol.travel_rules import Verdict

WHAT = "travel rules explained"


class UnableToExplain(Exception):
    """There is no such traveller, document, checkpoint or direction."""


@dataclass(frozen=True)
class Place:
    """A checkpoint of ours or of a peer. ``opening`` None: a peer's hours are its own affair."""

    entity_id: str
    jurisdiction: str
    neighbour: str
    directions: tuple[str, ...]
    opening: object = None

    def leg(self, direction: str) -> tuple[str, str]:
        inward = (self.neighbour, self.jurisdiction)
        return inward if direction == "entry" else (inward[1], inward[0])


@dataclass(frozen=True)
class Explained:
    """One document at one side of the checkpoint; ``opened`` None: not known."""

    document: TravelDocument
    direction: str
    leg: tuple[str, str]
    verdict: Verdict
    opened: bool | None


@transaction.atomic
def explain(
    *,
    traveller: Traveller,
    place: Place,
    at: int,
    actor: str,
    reason: str,
    case: str = "",
    directions: Sequence[str] = (),
    document: str = "",
) -> list[Explained]:
    """The verdict for each of the traveller's documents at ``place`` at ``at``, recorded as a look at personal data.

    ``directions`` empty: those of the checkpoint; ``document`` empty: all that are valid, else an id or a type. Days of
    the past are judged by the book as it is known now. Raises `UnableToExplain`.
    """
    if not set(directions) <= set(place.directions):
        raise UnableToExplain("the checkpoint has no such direction")
    held = [item for item in traveller.documents.order_by("pk") if document in ("", str(item.pk), item.type)]
    held = [item for item in held if item.status == TravelDocument.Status.VALID]
    if not held:
        raise UnableToExplain("no such valid document of this traveller")
    whose, kinds = f"traveller:{traveller.pk}", [reading.Shown.DOCUMENTS]
    reading.note(actor=actor, subject=whose, what=WHAT, reason=reason, case=case, kinds=kinds, whose=[whose])
    return [_explained(item, place, direction, at) for item in held for direction in directions or place.directions]


def traveller_called(name: str) -> Traveller:
    """The traveller with this account name or id; raises `UnableToExplain`."""
    found = Traveller.objects.filter(account__username=Account.normalize_username(name)).first()
    with suppress(ValueError):  # then it is a name, and nobody's
        found = found or Traveller.objects.filter(pk=uuid.UUID(name)).first()
    if found is None:
        raise UnableToExplain("no such traveller")
    return found


def place_called(name: str, *, now: int) -> Place:
    """The checkpoint of ours with this code or entity id, or a peer's with this entity id; raises `UnableToExplain`."""
    own = Checkpoint.objects.select_related("hosted").filter(code=name).first()
    own = own or Checkpoint.objects.select_related("hosted").filter(hosted__entity_id=name).first()
    if own is not None:
        here = authority().jurisdiction
        return Place(own.entity_id, here, own.neighbour, tuple(own.directions), own.opening)
    try:
        found = destinations.resolve(name, now=now)
    except (Refusal, Unavailable) as error:
        raise UnableToExplain(f"no such checkpoint: {error}") from error
    return Place(found.entity_id, found.jurisdiction, found.neighbour, found.directions)


def _explained(document: TravelDocument, place: Place, direction: str, at: int) -> Explained:
    leg = place.leg(direction)
    _, verdict = eligibility.judge(document, leg, direction, now=at, checkpoint=place.entity_id)
    opened = None if place.opening is None else is_open(parse_opening(place.opening), now=at)
    return Explained(document, direction, leg, verdict, opened)

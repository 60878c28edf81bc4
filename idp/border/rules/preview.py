"""What a change of the rules would change: for travellers of every kind, and for the documents of the register."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import permutations
from typing import Any

from django.db.models import Prefetch

from idp import conf
from idp.accounts import models as accounts
from idp.border import eligibility
from idp.border.entries import standing
from idp.border.rules import book, changing
from idp.proposals.executors import Unacceptable
from idp.protocol.travel_rules import (
    Endorsement,
    Rule,
    TravelFacts,
    Verdict,
    asked,
    evaluate,
    local_date,
    wire,
)

MAX_LINES = 40
MAX_DOCUMENTS = 200  # of the register, the last that were linked: an officer waits for the answer
PLACES = ("CHN", "HKG", "MAC")
NUMBERS = {
    "eep": ["C12345678"],
    "hkid": ["A1234563"],
    "hrp": ["H12345678", "HA1234567", "M12345678"],
    "bir": ["12345678"],
    "mvp": ["12345678"],
    "reentry": ["R1234567"],
    "passport": ["E12345678"],
}
ISSUERS = {"eep": ["CHN"], "hkid": ["HKG"], "hrp": ["CHN"], "bir": ["MAC"], "mvp": ["MAC"], "reentry": ["HKG"]}
AGES = (40, 15, 13, 10, 6)


@dataclass(frozen=True)
class Preview:
    """``samples`` are lines for officers; of ``looked`` documents of the register ``otherwise`` were judged."""

    samples: tuple[str, ...]
    looked: int
    otherwise: int


def lines(payload: Mapping[str, Any], *, now: int) -> list[str]:
    """The change and what would come of it, in lines for an officer; why it cannot be made any more, if it cannot."""
    try:
        rule, before, after = _books(payload, now=now)
    except Unacceptable as error:
        return [str(error)]
    old = next((piece for piece in reversed(before) if piece.id == rule.id), None)
    found = preview(rule, before, after, now=now)
    said = [f"{rule.id}: {_span(rule)}: {asked(rule)}", f"source: {rule.source}"]
    said += [] if old is None else [f"until now: {_span(old)}: {asked(old)}"]
    said += found.samples[:MAX_LINES]
    more = len(found.samples) - MAX_LINES
    said += [f"and {more} more of such travellers"] if more > 0 else []
    said += [] if found.samples else ["no traveller of any kind that was tried would be judged otherwise"]
    return [*said, f"documents of the register: {found.looked} looked at, {found.otherwise} judged otherwise"]


def preview(rule: Rule, before: Sequence[Rule], after: Sequence[Rule], *, now: int) -> Preview:
    """Try travellers of every kind, and the documents of the register, by both books on the days that matter."""
    today, crossings = local_date(now), _crossings([rule, *(piece for piece in before if piece.id == rule.id)])
    ends = [] if rule.last == date.max else [rule.last + timedelta(days=1)]
    days = sorted({max(today, rule.first), *(on for on in ends if on >= today)})
    samples = [
        f"{on}: {_name(who, crossing)}: {_said(old)} → {_said(new)}"
        for on in days
        for who in _travellers(on)
        for crossing in crossings
        for old, new in [(_judge(who, crossing, on, before), _judge(who, crossing, on, after))]
        if _differ(old, new)
    ]
    endorsements = Prefetch("endorsements", standing.with_crossings(accounts.Endorsement.objects.all()))
    held = accounts.TravelDocument.objects.filter(traveller__isnull=False, status=accounts.TravelDocument.Status.VALID)
    if rule.documents:
        held = held.filter(type__in=rule.documents)
    looked = [
        _is_judged_otherwise(document, crossings, days, before, after)
        for document in held.prefetch_related(endorsements).order_by("-linked_at")[:MAX_DOCUMENTS]
    ]
    return Preview(tuple(samples), len(looked), sum(looked))


def _books(payload: Mapping[str, Any], *, now: int) -> tuple[Rule, tuple[Rule, ...], tuple[Rule, ...]]:
    versions = book.versions()
    rule = changing.planned(payload, versions, today=local_date(now))
    bodies = [row.body for row in versions]
    return rule, book.effective(bodies), book.effective([*bodies, wire(rule)])


def _travellers(on: date) -> Iterator[TravelFacts]:
    """One of each kind, and of each age where the age may matter."""
    for document, numbers in NUMBERS.items():
        for issuer in ISSUERS.get(document, PLACES):
            for number in numbers:
                for years in AGES:
                    born = date(on.year - years, 1, 1)
                    yield TravelFacts(document, number, issuer, None, born, None, None, None)
    born = date(on.year - AGES[0], 1, 1)
    for endorsement in _endorsements(on):
        yield TravelFacts("eep", NUMBERS["eep"][0], "CHN", None, born, endorsement, None, None)


def _endorsements(on: date) -> Iterator[Endorsement]:
    """One of each kind for each place: of one entry, of any number, and for the individual visit once a week."""
    begun = on - timedelta(days=30)
    for kind in "GLTSQDR":
        for place in PLACES[1:]:
            for entries, weekly, days in ((1, False, 90), (None, False, 90), (None, False, 365), (None, True, 365)):
                if weekly is False or kind == "G":
                    ends = begun + timedelta(days=days)
                    yield Endorsement(kind, place, begun, ends, entries, None, weekly=weekly)


def _crossings(rules: Sequence[Rule]) -> list[dict[str, str]]:
    """Each leg that the rules are about in both directions, at any checkpoint and at those that they name."""
    node = conf.authority()
    named = {item for rule in rules for item in rule.checkpoints | rule.not_checkpoints}
    places = ["", *sorted(item if "/" in item else node.url(f"/checkpoints/{item}") for item in named)]
    legs = {leg for rule in rules for leg in rule.legs or permutations(PLACES, 2)}
    return [
        {"origin": origin, "destination": destination, "direction": direction, "checkpoint": checkpoint}
        for origin, destination in sorted(legs)
        for direction in ("exit", "entry")
        for checkpoint in places
    ]


def _judge(who: TravelFacts, crossing: Mapping[str, str], on: date, rules: Sequence[Rule]) -> Verdict:
    return evaluate(who, **crossing, on=on, rules=rules)


def _differ(old: Verdict, new: Verdict) -> bool:
    return (old.reason, old.stay_until, old.home, old.advice) != (new.reason, new.stay_until, new.home, new.advice)


def _is_judged_otherwise(
    document: accounts.TravelDocument,
    crossings: Sequence[Mapping[str, str]],
    days: Sequence[date],
    before: Sequence[Rule],
    after: Sequence[Rule],
) -> bool:
    held = [None, *document.endorsements.all()]
    return any(
        _differ(_judge(who, crossing, on, before), _judge(who, crossing, on, after))
        for crossing in crossings
        for who in (eligibility.facts_of(document, item, crossing["direction"]) for item in held)
        for on in days
    )


def _name(who: TravelFacts, crossing: Mapping[str, str]) -> str:
    """A traveller and a crossing in few words."""
    under = who.endorsement
    entries = "" if under is None else "weekly" if under.weekly else str(under.entries_left or "any number")
    words = [
        f"{who.document_type} {who.document_number[:2]}",
        f"of {who.issuer}",
        f"born {who.birth_date.year}",
        *([] if under is None else [f"{under.kind} for {under.destination} ({entries}, {under.days} days)"]),
    ]
    place = f" at {crossing['checkpoint']}" if crossing["checkpoint"] else ""
    return f"{', '.join(words)}, {crossing['direction']} {crossing['origin']}→{crossing['destination']}{place}"


def _said(verdict: Verdict) -> str:
    """A verdict in few words."""
    if verdict.reason is not None:
        return verdict.reason.value
    stay = "home" if verdict.home else f"until {verdict.stay_until}" if verdict.stay_until else "passes"
    return f"{stay}, with advice {' '.join(verdict.advice)}" if verdict.advice else stay


def _span(rule: Rule) -> str:
    return f"{rule.first} to {'further notice' if rule.last == date.max else rule.last}"

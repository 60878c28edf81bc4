"""Travel rules: data that an authority edits, and one pure function that reads them.

A rule list is JSON, each rule an object with ``id``, ``source`` (where the rule is published), ``from`` and ``until``
(first and last day in force, "YYYY-MM-DD"; ``until`` null: until further notice) and ``kind``:

``document``: a document that is good for some legs.
    ``document``       type: "eep", "hkid", "hrp", "bir", …
    ``number_prefix``  optional list: only numbers that begin so ("H" and "M" tell whose home return permit it is)
    ``issuers``        optional list of jurisdictions whose authority may issue the token
    ``legs``           list of [from, to], jurisdictions "CHN", "HKG", "MAC"
    ``home``           true: on these legs its holder goes home
    ``endorsement``    true: an endorsement for the destination is needed
    ``stay_days``      optional: the longest stay where no endorsement says
``guardian``: below ``age`` years a traveller needs a guardian on the ``legs`` (absent: on all).

What the rules give is advice to an officer: a traveller whom they do not let through is referred, never refused, and
one who goes home is let through whatever else is wrong (an overstay is flagged). Days are days in Hong Kong, which the
three territories share (UTC+8, no summer time).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

HONG_KONG = timezone(timedelta(hours=8), "Asia/Hong_Kong")
MAX_RULES = 500
MAX_STAY = 3660  # days

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")  # fromisoformat reads week dates too

Leg = tuple[str, str]


@dataclass(frozen=True)
class DocumentRule:
    """A document that is good for some legs while the rule is in force."""

    id: str
    first: date
    last: date
    document: str
    legs: frozenset[Leg]
    home: bool
    endorsement: bool
    stay_days: int | None
    number_prefix: tuple[str, ...]  # empty: any
    issuers: frozenset[str]  # empty: any


@dataclass(frozen=True)
class GuardianRule:
    """Below ``age`` a guardian is needed on ``legs`` (empty: on all)."""

    id: str
    first: date
    last: date
    age: int
    legs: frozenset[Leg]


Rule = DocumentRule | GuardianRule


@dataclass(frozen=True)
class Endorsement:
    """An endorsement as a token carries it. ``entered_on``: the last entry made under it, where known."""

    kind: str
    destination: str
    valid_from: date
    valid_to: date
    entries_left: int | None  # None: unlimited
    stay_days: int | None
    weekly: bool = False  # one entry in each natural week, Monday to Sunday
    entered_on: date | None = None


@dataclass(frozen=True)
class TravelFacts:
    """What the rules look at."""

    document_type: str
    document_number: str
    issuer: str | None  # jurisdiction of the token's issuer; None: not known
    document_expires: date | None  # None: the token does not say; its issuer checked on issuing
    birth_date: date
    endorsement: Endorsement | None
    stay_days: int | None
    guardian: str | None


@dataclass(frozen=True)
class Verdict:
    """``reason`` None: the rules let the traveller through. ``rules`` are the ids of those that decided."""

    reason: Reason | None
    rules: tuple[str, ...]
    home: bool = False
    overstay: bool = False
    stay_until: date | None = None

    @property
    def admit(self) -> bool:
        return self.reason is None


def local_date(now: int) -> date:
    """The day in Hong Kong at ``now`` (seconds since 1970)."""
    return datetime.fromtimestamp(now, HONG_KONG).date()


def parse_rules(value: object) -> tuple[Rule, ...]:
    """Read a rule list of the schema above; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or len(value) > MAX_RULES:
        raise Refusal(Reason.MALFORMED, f"travel rules are a list of at most {MAX_RULES}")
    rules = tuple(_rule(item) for item in value)
    if len({rule.id for rule in rules}) != len(rules):
        raise Refusal(Reason.MALFORMED, "two travel rules with one id")
    return rules


def parse_endorsement(value: object) -> Endorsement | None:
    """Read an endorsement as sealed in a token (None stays None); raises `Refusal` (malformed)."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "an endorsement is not an object")
    return Endorsement(
        kind=strict_json.string(value, "kind", max_length=16),
        destination=strict_json.string(value, "destination", max_length=3),
        valid_from=day(value.get("valid_from")),
        valid_to=day(value.get("valid_to")),
        entries_left=_optional_integer(value, "entries_left"),
        stay_days=_optional_integer(value, "stay_days"),
        weekly=_flag(value, "weekly"),
        entered_on=None if value.get("entered_on") is None else day(value["entered_on"]),
    )


def day(value: object) -> date:
    """A day from "YYYY-MM-DD" and no other spelling; raises `Refusal` (malformed)."""
    if not isinstance(value, str) or not _DAY.match(value):
        raise Refusal(Reason.MALFORMED, "not a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "a day that no calendar has") from error


def evaluate(
    facts: TravelFacts, *, direction: str, origin: str, destination: str, on: date, rules: Sequence[Rule]
) -> Verdict:
    """Whether ``facts`` let their holder make the leg ``origin`` to ``destination`` on the day ``on``.

    ``direction`` is the checkpoint's: "exit" from the origin or "entry" to the destination. Reasons:
    document_not_eligible, stay_exceeded, guardian_missing.
    """
    leg = (origin, destination)
    documents = [
        rule
        for rule in rules
        if isinstance(rule, DocumentRule)
        and rule.document == facts.document_type  # first: it is cheap and passes few, and a gate asks it of all rules
        and leg in rule.legs
        and rule.first <= on <= rule.last
        and _is_for(rule, facts)
    ]
    overstay = direction == "exit" and _overstayed(facts, origin, on)
    home = tuple(rule.id for rule in documents if rule.home)
    if home:  # never refused, never held up by a rule; domain.md §1.9
        return Verdict(None, home, home=True, overstay=overstay)
    if overstay:
        return Verdict(Reason.STAY_EXCEEDED, tuple(rule.id for rule in documents), overstay=True)
    good = next((rule for rule in documents if _eligible(rule, facts, destination, on)), None)
    if good is None:
        return Verdict(Reason.DOCUMENT_NOT_ELIGIBLE, tuple(rule.id for rule in documents))
    guardian = next((rule.id for rule in rules if _needs_guardian(rule, facts, leg, on)), None)
    if guardian is not None:
        return Verdict(Reason.GUARDIAN_MISSING, (good.id, guardian))
    return Verdict(None, (good.id,), stay_until=_stay_until(good, facts, on))


def _is_for(rule: DocumentRule, facts: TravelFacts) -> bool:
    return (not rule.number_prefix or facts.document_number.startswith(rule.number_prefix)) and (
        not rule.issuers or facts.issuer in rule.issuers
    )


def _eligible(rule: DocumentRule, facts: TravelFacts, destination: str, on: date) -> bool:
    if facts.document_expires is not None and facts.document_expires < on:
        return False
    return not rule.endorsement or _endorsed(facts.endorsement, destination, on)


def _endorsed(endorsement: Endorsement | None, destination: str, on: date) -> bool:
    if endorsement is None or endorsement.destination != destination:
        return False
    if not endorsement.valid_from <= on <= endorsement.valid_to or endorsement.entries_left == 0:
        return False
    entered = endorsement.entered_on
    return not (endorsement.weekly and entered is not None and entered.isocalendar()[:2] == on.isocalendar()[:2])


def _overstayed(facts: TravelFacts, territory: str, on: date) -> bool:
    """The stay that ends with this exit was longer than its endorsement allowed, as far as the token tells."""
    endorsement = facts.endorsement
    if endorsement is None or endorsement.entered_on is None or endorsement.destination != territory:
        return False
    days = endorsement.stay_days if endorsement.stay_days is not None else facts.stay_days
    return days is not None and on > endorsement.entered_on + timedelta(days=days)


def _needs_guardian(rule: Rule, facts: TravelFacts, leg: Leg, on: date) -> bool:
    return (
        isinstance(rule, GuardianRule)
        and rule.first <= on <= rule.last
        and (not rule.legs or leg in rule.legs)
        and facts.guardian is None
        and age(facts.birth_date, on) < rule.age
    )


def age(birth: date, on: date) -> int:
    """Whole years lived on the day ``on``."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def _stay_until(rule: DocumentRule, facts: TravelFacts, on: date) -> date | None:
    allowed = [facts.stay_days, rule.stay_days]
    if rule.endorsement and facts.endorsement is not None:
        allowed.insert(0, facts.endorsement.stay_days)
    days = next((number for number in allowed if number is not None), None)
    ends = [] if days is None else [on + timedelta(days=min(days, MAX_STAY))]
    if facts.document_expires is not None:
        ends.append(facts.document_expires)
    return min(ends, default=None)


def _rule(value: object) -> Rule:
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "a travel rule is not an object")
    name = strict_json.string(value, "id", max_length=64)
    strict_json.string(value, "source", max_length=512)
    first = day(value.get("from"))
    last = date.max if value.get("until") is None else day(value["until"])
    kind = value.get("kind")
    if kind == "guardian":
        legs = _legs(value["legs"]) if "legs" in value else frozenset()
        return GuardianRule(name, first, last, strict_json.integer(value, "age"), legs)
    if kind != "document":
        raise Refusal(Reason.MALFORMED, f"travel rule {name} of no known kind")
    return DocumentRule(
        id=name,
        first=first,
        last=last,
        document=strict_json.string(value, "document", max_length=16),
        legs=_legs(value.get("legs")),
        home=_flag(value, "home"),
        endorsement=_flag(value, "endorsement"),
        stay_days=_optional_integer(value, "stay_days"),
        number_prefix=_texts(value.get("number_prefix", [])),
        issuers=frozenset(_texts(value.get("issuers", []))),
    )


def _legs(value: object) -> frozenset[Leg]:
    legs = [_texts(leg) for leg in value] if isinstance(value, list) else []
    if not legs or any(len(leg) != 2 for leg in legs):
        raise Refusal(Reason.MALFORMED, "legs are a list of pairs of jurisdictions")
    return frozenset((leg[0], leg[1]) for leg in legs)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and 0 < len(item) <= 16 for item in value):
        raise Refusal(Reason.MALFORMED, "not a list of short texts")
    return tuple(value)


def _flag(value: Mapping[str, Any], name: str) -> bool:
    flag = value.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise Refusal(Reason.MALFORMED, f"{name} is not a boolean")
    return flag is True


def _optional_integer(value: Mapping[str, Any], name: str) -> int | None:
    if value.get(name) is None:
        return None
    number = strict_json.integer(value, name)
    if number > MAX_STAY:
        raise Refusal(Reason.MALFORMED, f"{name} is beyond any use")
    return number

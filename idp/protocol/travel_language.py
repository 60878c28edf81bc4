"""The language of travel rules: JSON that an authority edits, read strictly and written back the same.

Every rule has ``id``, ``source`` (where it is published, and how sure that is), ``from`` and ``until`` (first and last
day in force, "YYYY-MM-DD"; ``until`` null: until further notice) and ``kind``; it may have ``advice`` (it never stands
in anybody's way) and ``text`` (language: words for an officer). Two rules of one id are two versions of it and are
never in force on one day. The kinds, and what else they may have (`_ALLOWED`):

``document``: a ``document`` is good on ``legs`` (pairs of jurisdictions) for whom it is made out as the rule says.
    ``home``         true: its holder goes home on these legs. Such a rule asks for nothing but the document.
    ``endorsement``  true: an endorsement for the destination is needed, of the kinds ``endorsements`` where given
    ``stay_days``    the longest stay where nothing else says
``endorsement``: what an endorsement of the kinds ``endorsements`` must be beyond its own days and entries.
    ``places``                     beginnings of codes of the place of issue
    ``issued_from``/``issued_until``  when it must have begun to be valid
    ``stay_days``                  the longest stay that it gives
    ``first_entry_days``           for how long after the first entry under it
``guardian``: below ``age`` years a traveller needs a guardian.
``note``: stands in nobody's way and says something about those whom it fits.

Where a rule counts: ``legs``, ``directions``, ``authorities`` (whose gates), ``checkpoints`` and ``not_checkpoints``
(entity ids, or codes, their last part). For whom: ``documents``, ``number_prefix``, ``not_number_prefix``, ``issuers``,
``nationalities``, ``not_nationalities``, ``residence``, ``age_from``, ``age_below``. For which endorsement:
``endorsements``, ``destinations``, ``entries`` ("limited" or "unlimited"), ``weekly``, ``days_from`` and ``days_to``
(how long it is valid in all), in a note also ``entries_over`` (more are left). What is absent does not matter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.travel_facts import MAX_STAY, Leg, day

MAX_RULES = 500
MAX_ITEMS = 64  # of one list
MAX_AGE = 150

Texts = frozenset[str]
_ANY: Texts = frozenset()


@dataclass(frozen=True)
class Rule:
    """One rule, as the module describes it; empty or None: does not matter."""

    id: str
    kind: str
    source: str
    first: date
    last: date
    advice: bool = False
    text: tuple[tuple[str, str], ...] = ()  # (language, words)
    legs: frozenset[Leg] = frozenset()
    directions: Texts = _ANY
    authorities: Texts = _ANY
    checkpoints: Texts = _ANY
    not_checkpoints: Texts = _ANY
    documents: Texts = _ANY
    number_prefix: tuple[str, ...] = ()
    not_number_prefix: tuple[str, ...] = ()
    issuers: Texts = _ANY
    nationalities: Texts = _ANY
    not_nationalities: Texts = _ANY
    residence: Texts = _ANY
    age_from: int | None = None
    age_below: int | None = None
    endorsements: Texts = _ANY
    destinations: Texts = _ANY
    entries: str | None = None
    entries_over: int | None = None
    weekly: bool | None = None
    days_from: int | None = None
    days_to: int | None = None
    home: bool = False
    endorsement: bool = False
    stay_days: int | None = None
    places: tuple[str, ...] = ()
    issued_from: date | None = None
    issued_until: date | None = None
    first_entry_days: int | None = None
    age: int | None = None

    @cached_property
    def anybody(self) -> bool:
        """Whether it does not matter who the holder is and what the document's number: a gate asks it of every rule."""
        whose = self.number_prefix, self.not_number_prefix, self.issuers, self.nationalities, self.not_nationalities
        return not any(whose) and not self.residence and self.age_from is None and self.age_below is None

    @cached_property
    def anywhere(self) -> bool:
        """Whether it does not matter which gate it is."""
        return not (self.directions or self.authorities or self.checkpoints or self.not_checkpoints)

    @cached_property
    def under_any(self) -> bool:
        """Whether it is about no endorsement, so that one is not needed. Only a note can be so or not so."""
        counts = self.entries, self.entries_over, self.weekly, self.days_from, self.days_to
        said = bool(self.endorsements or self.destinations) or any(count is not None for count in counts)
        return self.kind != "endorsement" and not said


_COMMON = {"id", "source", "from", "until", "kind", "text"}
_WHERE = {"legs", "directions", "authorities", "checkpoints", "not_checkpoints"}
_NUMBER = {"number_prefix", "not_number_prefix", "issuers"}
_WHO = _NUMBER | {"nationalities", "not_nationalities", "residence", "age_from", "age_below"}
_UNDER = {"endorsements", "destinations", "entries", "weekly", "days_from", "days_to"}
_HOME = _COMMON | _NUMBER | {"document", "legs", "home"}
_ALLOWED = {
    "document": _COMMON | _WHERE | _WHO | {"advice", "document", "home", "endorsement", "endorsements", "stay_days"},
    "endorsement": _COMMON
    | _WHERE
    | _UNDER
    | {"advice", "documents", "places", "issued_from", "issued_until", "stay_days", "first_entry_days"},
    "guardian": _COMMON | _WHERE | _WHO | {"advice", "documents", "age"},
    "note": _COMMON | _WHERE | _WHO | _UNDER | {"documents", "entries_over"},
}
_NEEDED = {
    kind: {"id", "source", "from", "kind", *members}
    for kind, members in (
        ("document", ("document", "legs")),
        ("endorsement", ("endorsements",)),
        ("guardian", ("age",)),
        ("note", ()),
    )
}
_DEFAULTS = {item.name: item.default for item in fields(Rule) if item.default is not MISSING}


def parse_rules(value: object) -> tuple[Rule, ...]:
    """Read a rule list; raises `Refusal` (malformed), also for a member that is not known."""
    if not isinstance(value, list) or len(value) > MAX_RULES:
        raise Refusal(Reason.MALFORMED, f"travel rules are a list of at most {MAX_RULES}")
    rules = tuple(parse_rule(item) for item in value)
    versions = sorted(rules, key=lambda rule: (rule.id, rule.first))
    if any(one.id == other.id and one.last >= other.first for one, other in pairwise(versions)):
        raise Refusal(Reason.MALFORMED, "two travel rules with one id on one day")
    return rules


def parse_rule(value: object) -> Rule:
    """Read one rule; raises `Refusal` (malformed)."""
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "a travel rule is not an object")
    name, kind = strict_json.string(value, "id", max_length=64), value.get("kind")
    if not isinstance(kind, str) or kind not in _ALLOWED:
        raise Refusal(Reason.MALFORMED, f"travel rule {name} of no known kind")
    allowed = _HOME if value.get("home") is True else _ALLOWED[kind]
    if not value.keys() <= allowed or not _NEEDED[kind] <= value.keys():
        raise Refusal(Reason.MALFORMED, f"travel rule {name} has a member too many or too few for its kind")
    members = {str(_FIELDS.get(member, member)): _read(member, item) for member, item in value.items()}
    rule = Rule(**{"last": date.max, **members})
    _check_order(rule)
    return rule


def wire(rule: Rule) -> dict[str, Any]:
    """The rule as JSON in its one canonical form: what `parse_rule` reads back to the same."""
    written: dict[str, Any] = {}
    for member in _READERS:
        field = _FIELDS.get(member, member)
        value = getattr(rule, field)
        if member in _ALLOWED[rule.kind] and (field not in _DEFAULTS or value != _DEFAULTS[field]):
            written[member] = _WRITERS.get(member, _plain)(value)
    return written


def asked(rule: Rule) -> str:
    """What the rule says, in one line of its own words."""
    said = {name: value for name, value in wire(rule).items() if name not in _COMMON}
    return "; ".join(f"{name}={strict_json.dumps(value).decode()}" for name, value in said.items()) or rule.kind


def _read(member: str, value: object) -> Any:
    try:
        return _READERS[member](value)
    except Refusal as error:
        raise Refusal(Reason.MALFORMED, f"{member}: {error.detail}") from error


def _check_order(rule: Rule) -> None:
    pairs: Sequence[tuple[Any, Any, str]] = (
        (rule.first, rule.last, "until is before from"),
        (rule.issued_from, rule.issued_until, "issued_until is before issued_from"),
        (rule.days_from, rule.days_to, "days_to is below days_from"),
        (rule.age_from, None if rule.age_below is None else rule.age_below - 1, "nobody is of that age"),
    )
    for low, high, problem in pairs:
        if low is not None and high is not None and low > high:
            raise Refusal(Reason.MALFORMED, problem)


def _string(longest: int) -> Callable[[object], str]:
    return lambda value: strict_json.string({"it": value}, "it", max_length=longest)


def _number(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = strict_json.integer({"it": value}, "it")
        if number > most:
            raise Refusal(Reason.MALFORMED, "beyond any use")
        return number

    return read


def _texts(longest: int = 16, known: frozenset[str] | None = None) -> Callable[[object], tuple[str, ...]]:
    """Reads a list of different texts, of those ``known`` where given, into their one order."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_ITEMS:
            raise Refusal(Reason.MALFORMED, f"not a list of 1 to {MAX_ITEMS} texts")
        if not all(isinstance(item, str) and 0 < len(item) <= longest for item in value):
            raise Refusal(Reason.MALFORMED, "not a list of short texts")
        if known is not None and not known.issuperset(value):
            raise Refusal(Reason.MALFORMED, f"not all of {', '.join(sorted(known))}")
        return tuple(sorted(set(value)))

    return read


def _set(longest: int = 16, known: frozenset[str] | None = None) -> Callable[[object], Texts]:
    read = _texts(longest, known)
    return lambda value: frozenset(read(value))


def _legs(value: object) -> frozenset[Leg]:
    if not isinstance(value, list) or not value or not all(isinstance(leg, list) and len(leg) == 2 for leg in value):
        raise Refusal(Reason.MALFORMED, "legs are a list of pairs of jurisdictions")
    if any(place not in _PLACES for leg in value for place in leg) or any(leg[0] == leg[1] for leg in value):
        raise Refusal(Reason.MALFORMED, "a leg leads from one jurisdiction to another")
    return frozenset((leg[0], leg[1]) for leg in value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refusal(Reason.MALFORMED, "not a boolean")
    return value


def _words(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or "en" not in value or len(value) > 8:
        raise Refusal(Reason.MALFORMED, "not words by language, English among them")
    return tuple(sorted((_string(16)(language), _string(300)(words)) for language, words in value.items()))


def _entries(value: object) -> str:
    if value not in ("limited", "unlimited"):
        raise Refusal(Reason.MALFORMED, "neither limited nor unlimited")
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(list(item) if isinstance(item, tuple) else item for item in value)
    return list(value) if isinstance(value, tuple) else value


_PLACES = ("CHN", "HKG", "MAC")
_JURISDICTIONS = _set(3, frozenset(_PLACES))
_FIELDS = {"from": "first", "until": "last", "document": "documents"}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "id": _string(64),
    "kind": _string(16),
    "source": _string(512),
    "from": day,
    "until": lambda value: date.max if value is None else day(value),
    "advice": _flag,
    "text": _words,
    "document": lambda value: frozenset({_string(16)(value)}),
    "legs": _legs,
    "directions": _set(5, frozenset({"exit", "entry"})),
    "authorities": _JURISDICTIONS,
    "checkpoints": _set(255),
    "not_checkpoints": _set(255),
    "documents": _set(),
    "number_prefix": _texts(),
    "not_number_prefix": _texts(),
    "issuers": _set(3),
    "nationalities": _set(3),
    "not_nationalities": _set(3),
    "residence": _set(16, frozenset({"permanent", "temporary"})),
    "age_from": _number(MAX_AGE),
    "age_below": _number(MAX_AGE),
    "endorsements": _set(),
    "destinations": _JURISDICTIONS,
    "entries": _entries,
    "entries_over": _number(MAX_STAY),
    "weekly": _flag,
    "days_from": _number(MAX_STAY),
    "days_to": _number(MAX_STAY),
    "home": _flag,
    "endorsement": _flag,
    "stay_days": _number(MAX_STAY),
    "places": _texts(),
    "issued_from": day,
    "issued_until": day,
    "first_entry_days": _number(MAX_STAY),
    "age": _number(MAX_AGE),
}
_WRITERS: Mapping[str, Callable[[Any], Any]] = {
    "until": lambda value: None if value == date.max else value.isoformat(),
    "text": dict,
    "document": lambda value: next(iter(value)),
}

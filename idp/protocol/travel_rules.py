"""Travel rules applied: one pure function that says whether they let a traveller through, and why.

The rules are data (`idp.protocol.travel_language`), the traveller is `idp.protocol.travel_facts`. What the rules give
is advice to an officer: a traveller whom they do not let through is referred, never refused, and one who goes home is
let through whatever else is wrong (an overstay is flagged). What `Verdict.explanation` says:

* a ``document`` rule is considered on its legs, and passes when the document, its holder and, where it asks for one,
  the endorsement are as it says; one that passes is enough;
* an ``endorsement`` rule is considered for the endorsement that it fits; one that fails spoils it;
* a ``guardian`` rule is considered for whom it fits; one that fails is decisive;
* an ``advice`` rule never fails, it advises, and so does a ``note``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from idp.protocol.refusals import Reason
from idp.protocol.travel_facts import (
    HONG_KONG,
    Crossing,
    Endorsement,
    TravelFacts,
    age,
    day,
    later,
    local_date,
    parse_endorsement,
    same_week,
)
from idp.protocol.travel_language import MAX_RULES, Rule, asked, parse_rule, parse_rules, wire

__all__ = [
    "ADVICE",
    "FAIL",
    "HONG_KONG",
    "MAX_RULES",
    "PASS",
    "Crossing",
    "Endorsement",
    "Finding",
    "Rule",
    "TravelFacts",
    "Verdict",
    "age",
    "asked",
    "day",
    "evaluate",
    "local_date",
    "parse_endorsement",
    "parse_rule",
    "parse_rules",
    "wire",
]

PASS, FAIL, ADVICE = "pass", "fail", "advice"


@dataclass(frozen=True)
class Finding:
    """What came of one rule that was considered. ``why`` is a constant of this module, or empty."""

    rule: Rule
    outcome: str  # PASS, FAIL or ADVICE
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """``reason`` None: the rules let the traveller through. ``rules`` are the ids of those that decided."""

    reason: Reason | None
    rules: tuple[str, ...]
    home: bool = False
    overstay: bool = False
    stay_until: date | None = None
    stay_days: int | None = field(default=None, compare=False)  # as the rules and the endorsement give it
    explanation: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def admit(self) -> bool:
        return self.reason is None

    @property
    def advice(self) -> tuple[str, ...]:
        """The ids of the rules that an officer should look at, though none stands in the way."""
        return tuple(finding.rule.id for finding in self.explanation if finding.outcome == ADVICE)


def evaluate(
    facts: TravelFacts,
    *,
    direction: str,
    origin: str,
    destination: str,
    on: date,
    rules: Sequence[Rule],
    checkpoint: str = "",
) -> Verdict:
    """Whether ``facts`` let their holder make the leg ``origin`` to ``destination`` on the day ``on``.

    ``direction`` is the checkpoint's: "exit" from the origin or "entry" to the destination. ``checkpoint`` is its
    entity id; rules for certain checkpoints do not count where it is not known. Reasons:
    document_not_eligible, stay_exceeded, guardian_missing. Never raises for facts and rules that were parsed.
    """
    crossing = Crossing(direction, origin, destination, on, checkpoint)
    considered = [rule for rule in rules if _is_considered(rule, facts, crossing)]
    documents = [rule for rule in considered if rule.kind == "document"]
    overstay = direction == "exit" and _overstayed(facts, origin, on, rules)
    home = [rule for rule in documents if rule.home and not _not_holder(rule, facts, on)]
    if home:  # never refused, never held up by a rule; domain.md §1.9
        why = "goes home after a stay that was too long" if overstay else "goes home"
        found = tuple(Finding(rule, PASS, why) for rule in home)
        return Verdict(None, _ids(home), home=True, overstay=overstay, explanation=found)
    limits = [_limit(rule, facts, on) for rule in considered if rule.kind == "endorsement"]
    why = "the stay that ends here was too long" if overstay else ""
    papers = [_paper(rule, facts, crossing, limits, why) for rule in documents]
    others = [_guardian(rule, facts, on) for rule in considered if rule.kind == "guardian"]
    others += [Finding(rule, ADVICE) for rule in considered if rule.kind == "note"]
    reason, deciding, good = _decide(papers, limits, others, overstay=overstay)
    days, until = _stay(good, facts, on, limits) if good is not None and reason is None else (None, None)
    return Verdict(reason, _ids(deciding), False, overstay, until, days, (*papers, *limits, *others))


def _decide(
    papers: list[Finding], limits: list[Finding], others: list[Finding], *, overstay: bool
) -> tuple[Reason | None, list[Rule], Rule | None]:
    """The reason, the rules that decided and the one that lets through: one without advice, where there is one."""
    if overstay:
        return Reason.STAY_EXCEEDED, [finding.rule for finding in papers], None
    good = next((item.rule for wanted in (PASS, ADVICE) for item in papers if item.outcome == wanted), None)
    if good is None:
        spoilt = [finding.rule for finding in limits if finding.outcome == FAIL]
        return Reason.DOCUMENT_NOT_ELIGIBLE, [finding.rule for finding in papers] + spoilt, None
    alone = [finding.rule for finding in others if finding.outcome == FAIL]
    return (Reason.GUARDIAN_MISSING, [good, alone[0]], good) if alone else (None, [good], good)


def _ids(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(rule.id for rule in rules)


def _is_considered(rule: Rule, facts: TravelFacts, crossing: Crossing) -> bool:
    """Whether the rule is about this crossing; of a document rule the rest is judged, and said in the explanation."""
    return (
        # Cheap and passed by few, so first: a gate asks it of all rules.
        (not rule.documents or facts.document_type in rule.documents)
        and (not rule.legs or crossing.leg in rule.legs)
        and (rule.kind == "document" or rule.under_any or _is_under(rule, facts.endorsement, crossing.destination))
        and rule.first <= crossing.on <= rule.last
        and (rule.anywhere or _is_here(rule, crossing))
        and (rule.kind == "document" or not _not_holder(rule, facts, crossing.on))
    )


def _is_here(rule: Rule, crossing: Crossing) -> bool:
    return (
        (not rule.directions or crossing.direction in rule.directions)
        and (not rule.authorities or crossing.authority in rule.authorities)
        and (not rule.checkpoints or not crossing.names.isdisjoint(rule.checkpoints))
        and crossing.names.isdisjoint(rule.not_checkpoints)
    )


def _not_holder(rule: Rule, facts: TravelFacts, on: date) -> str:
    """Why the rule is not for whom the document is made out; empty where it is."""
    if rule.anybody:
        return ""
    years = age(facts.birth_date, on)
    conditions = (
        (not rule.number_prefix or facts.document_number.startswith(rule.number_prefix), "another number"),
        (not facts.document_number.startswith(rule.not_number_prefix), "another number"),
        (not rule.issuers or facts.issuer in rule.issuers, "another issuer"),
        (not rule.nationalities or facts.nationality in (None, *rule.nationalities), "another nationality"),
        (facts.nationality not in rule.not_nationalities, "another nationality"),
        (not rule.residence or facts.residence in (None, *rule.residence), "another right of residence"),
        (rule.age_from is None or years >= rule.age_from, "too young"),
        (rule.age_below is None or years < rule.age_below, "too old"),
    )
    return next((why for holds, why in conditions if not holds), "")


def _is_under(rule: Rule, endorsement: Endorsement | None, destination: str) -> bool:
    """Whether the rule fits the endorsement under which the crossing is made."""
    return endorsement is not None and endorsement.destination == destination and _fits(rule, endorsement)


def _fits(rule: Rule, endorsement: Endorsement) -> bool:
    unlimited = "unlimited" if endorsement.entries_left is None else "limited"
    return (
        (not rule.endorsements or endorsement.kind in rule.endorsements)
        and (not rule.destinations or endorsement.destination in rule.destinations)
        and rule.entries in (None, unlimited)
        and (rule.entries_over is None or (endorsement.entries_left or 0) > rule.entries_over)
        and rule.weekly in (None, endorsement.weekly)
        and (rule.days_from is None or endorsement.days >= rule.days_from)
        and (rule.days_to is None or endorsement.days <= rule.days_to)
    )


def _paper(rule: Rule, facts: TravelFacts, crossing: Crossing, limits: Sequence[Finding], spoilt: str) -> Finding:
    why = spoilt or _not_holder(rule, facts, crossing.on)
    if not why and facts.document_expires is not None and facts.document_expires < crossing.on:
        why = "the document has expired"
    if not why and rule.endorsement:
        why = _not_endorsed(rule, facts.endorsement, crossing)
        if not why and any(finding.outcome == FAIL for finding in limits):
            why = "a rule for the endorsement fails"
    if why:
        return Finding(rule, FAIL, why)
    return Finding(rule, ADVICE if rule.advice else PASS)


def _not_endorsed(rule: Rule, endorsement: Endorsement | None, crossing: Crossing) -> str:
    """Why the endorsement does not serve, by itself; empty where it does (domain.md §1.9)."""
    if endorsement is None or endorsement.destination != crossing.destination:
        return "no endorsement for the destination"
    entered = endorsement.entered_on
    conditions = (
        (not rule.endorsements or endorsement.kind in rule.endorsements, "an endorsement of another kind"),
        (endorsement.valid_from <= crossing.on, "the endorsement is not yet valid"),
        (crossing.on <= endorsement.valid_to, "the endorsement has ended"),
        (endorsement.entries_left != 0, "no entry is left"),
        (
            not endorsement.weekly or entered is None or not same_week(entered, crossing.on),
            "the entry of this week has been made",
        ),
    )
    return next((why for holds, why in conditions if not holds), "")


def _limit(rule: Rule, facts: TravelFacts, on: date) -> Finding:
    why = _beyond(rule, facts.endorsement, on) if facts.endorsement is not None else ""
    if why:
        return Finding(rule, ADVICE if rule.advice else FAIL, why)
    return Finding(rule, PASS)


def _beyond(rule: Rule, endorsement: Endorsement, on: date) -> str:
    """How the endorsement goes beyond the rule; empty where it does not."""
    begun, place, first = endorsement.valid_from, endorsement.place, endorsement.first_entered_on
    conditions = (
        (not rule.places or place is None or place.startswith(rule.places), "issued in another place"),
        (rule.issued_from is None or begun >= rule.issued_from, "issued before there were any"),
        (rule.issued_until is None or begun <= rule.issued_until, "issued after the last of them"),
        (
            rule.first_entry_days is None or first is None or on <= later(first, rule.first_entry_days),
            "too long after the first entry",
        ),
    )
    return next((why for holds, why in conditions if not holds), "")


def _guardian(rule: Rule, facts: TravelFacts, on: date) -> Finding:
    if facts.guardian is not None or age(facts.birth_date, on) >= (rule.age or 0):
        return Finding(rule, PASS)
    return Finding(rule, ADVICE if rule.advice else FAIL, "a child alone")


def _overstayed(facts: TravelFacts, territory: str, on: date, rules: Sequence[Rule]) -> bool:
    """The stay that ends with this exit was longer than its endorsement allowed, as far as the token tells.

    What the endorsement itself says counts before a rule of the day on which its holder entered.
    """
    endorsement = facts.endorsement
    if endorsement is None or endorsement.entered_on is None or endorsement.destination != territory:
        return False
    entered, first = endorsement.entered_on, endorsement.first_entered_on
    under = [
        rule
        for rule in rules
        if rule.kind == "endorsement"
        and not rule.advice
        and rule.first <= entered <= rule.last
        and _fits(rule, endorsement)
    ]
    own = endorsement.stay_days if endorsement.stay_days is not None else facts.stay_days
    days = [own] if own is not None else [rule.stay_days for rule in under if rule.stay_days is not None]
    ends = [later(entered, number) for number in days]
    ends += [later(first or entered, rule.first_entry_days) for rule in under if rule.first_entry_days is not None]
    return any(on > end for end in ends)


def _stay(good: Rule, facts: TravelFacts, on: date, limits: Sequence[Finding]) -> tuple[int | None, date | None]:
    """The days that are given, and the day on which the stay ends."""
    own, caps, ends = [facts.stay_days, good.stay_days], list[int](), [facts.document_expires]
    if good.endorsement and facts.endorsement is not None:
        own.insert(0, facts.endorsement.stay_days)
        first = facts.endorsement.first_entered_on or on
        under = [finding.rule for finding in limits if not finding.rule.advice]
        caps = [rule.stay_days for rule in under if rule.stay_days is not None]
        ends += [later(first, rule.first_entry_days) for rule in under if rule.first_entry_days is not None]
    said = [number for number in own if number is not None][:1]
    days = min([*said, *caps], default=None)
    ends.append(None if days is None else later(on, days))
    return days, min((end for end in ends if end is not None), default=None)

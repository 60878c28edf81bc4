"""The rules that are shipped, row by row of the table that they come from, on the days before and after each began."""

import dataclasses
import json
from datetime import date, timedelta
from typing import Any

import pytest

from idp.border.rules.book import SHIPPED as RULES_FILE
from idp.protocol.refusals import Reason
from idp.protocol.travel_rules import (
    ADVICE,
    FAIL,
    PASS,
    Endorsement,
    TravelFacts,
    Verdict,
    evaluate,
    parse_rules,
    wire,
)

SHIPPED = json.loads(RULES_FILE.read_text("utf-8"))
RULES = {rule.id: rule for rule in parse_rules(SHIPPED)}
ADULT, ISSUERS = date(1970, 1, 1), {"eep": "CHN", "hkid": "HKG", "bir": "MAC", "mvp": "MAC", "reentry": "HKG"}
LONG_AGO, NEVER = date(1990, 1, 1), date(9999, 12, 31)
CENTURY = {"valid_from": date(1990, 1, 1), "valid_to": date(2090, 1, 1)}


def under(kind: str, destination: str = "HKG", **changes: Any) -> Endorsement:
    """An endorsement of ``kind`` that is valid for a year, of one entry, and says nothing of its stay."""
    good = Endorsement(kind, destination, date(2024, 1, 1), date(2024, 12, 31), 1, None)
    return dataclasses.replace(good, **changes)


def facts(document: str, number: str = "C12345678", **changes: Any) -> TravelFacts:
    made = TravelFacts(document, number, ISSUERS.get(document), NEVER, ADULT, None, None, None)
    return dataclasses.replace(made, **changes)


def judged(who: TravelFacts, leg: str, on: date, direction: str = "exit", checkpoint: str = "") -> Verdict:
    origin, destination = leg.split(">")
    rules = list(RULES.values())
    return evaluate(
        who, direction=direction, origin=origin, destination=destination, on=on, rules=rules, checkpoint=checkpoint
    )


def outcome(rule: str, who: TravelFacts, leg: str, on: date, direction: str) -> str | None:
    """What came of the rule called ``rule``; None where it was not considered."""
    found = judged(who, leg, on, direction).explanation
    return next((finding.outcome for finding in found if finding.rule.id == rule), None)


EEP = facts("eep")
WITH_G = dataclasses.replace(EEP, endorsement=under("G", **CENTURY))
# For each rule: somebody whom it is about, leg, direction, and what comes of it while it is in force.
EXAMPLES: dict[str, tuple[TravelFacts, str, str, str]] = {
    "eep-to-hk": (WITH_G, "CHN>HKG", "exit", PASS),
    "eep-to-macau": (facts("eep", endorsement=under("G", "MAC", **CENTURY)), "CHN>MAC", "entry", PASS),
    "eep-onward": (facts("eep", endorsement=under("G", "MAC", **CENTURY)), "HKG>MAC", "exit", PASS),
    "eep-talent": (facts("eep", endorsement=under("R", **CENTURY)), "CHN>HKG", "exit", ADVICE),
    "eep-home": (EEP, "HKG>CHN", "exit", PASS),
    "hkid-home": (facts("hkid"), "CHN>HKG", "entry", PASS),
    "hkid-out": (facts("hkid"), "HKG>CHN", "exit", PASS),
    "hkid-to-macau": (facts("hkid"), "HKG>MAC", "entry", PASS),
    "hrp-north": (facts("hrp", "H12345678"), "HKG>CHN", "entry", PASS),
    "hrp-north-foreign": (facts("hrp", "HA1234567"), "HKG>CHN", "entry", PASS),
    "hrp-hk-back": (facts("hrp", "H12345678"), "CHN>HKG", "exit", PASS),
    "hrp-macau-back": (facts("hrp", "MA1234567"), "CHN>MAC", "exit", PASS),
    "bir-home": (facts("bir"), "HKG>MAC", "entry", PASS),
    "bir-out": (facts("bir"), "MAC>HKG", "exit", PASS),
    "bir-to-hk": (facts("bir", residence="permanent"), "MAC>HKG", "entry", PASS),
    "mvp-temporary": (facts("mvp", residence="temporary"), "MAC>HKG", "entry", PASS),
    "mvp-permanent": (facts("mvp", residence="permanent"), "MAC>HKG", "entry", PASS),
    "mvp-home": (facts("mvp"), "HKG>MAC", "exit", PASS),
    "reentry-home": (facts("reentry"), "MAC>HKG", "entry", PASS),
    "reentry-out": (facts("reentry"), "HKG>CHN", "exit", ADVICE),
    "passport-transit-hk": (facts("passport", issuer="CHN"), "CHN>HKG", "entry", ADVICE),
    "passport-home-mainland": (facts("passport", issuer="CHN"), "HKG>CHN", "entry", PASS),
    "passport-home-hk": (facts("passport", issuer="HKG"), "CHN>HKG", "entry", PASS),
    "passport-home-macau": (facts("passport", issuer="MAC"), "CHN>MAC", "entry", PASS),
    "g-stay": (WITH_G, "CHN>HKG", "exit", PASS),
    "g-shenzhen-any-number": (
        facts("eep", endorsement=under("G", entries_left=None, place="440100", **CENTURY)),
        "CHN>HKG",
        "exit",
        FAIL,
    ),
    "g-shenzhen-weekly": (facts("eep", endorsement=under("G", weekly=True, **CENTURY)), "CHN>HKG", "exit", PASS),
    "g-zhuhai-weekly": (
        facts("eep", endorsement=under("G", "MAC", weekly=True, place="4401", **CENTURY)),
        "CHN>MAC",
        "exit",
        FAIL,
    ),
    "g-hengqin-any-number": (
        facts("eep", endorsement=under("G", "MAC", entries_left=None, place="440402", **CENTURY)),
        "CHN>MAC",
        "exit",
        ADVICE,
    ),
    "l-stay": (facts("eep", endorsement=under("L", **CENTURY)), "CHN>HKG", "exit", PASS),
    "t-once": (facts("eep", endorsement=under("T", **CENTURY)), "CHN>HKG", "exit", PASS),
    "t-three-months": (
        facts("eep", endorsement=under("T", entries_left=None, valid_to=date(2024, 3, 31), first_entered_on=LONG_AGO)),
        "CHN>HKG",
        "exit",
        FAIL,
    ),
    "t-a-year": (facts("eep", endorsement=under("T", entries_left=None, **CENTURY)), "CHN>HKG", "exit", PASS),
    "s-stay-7": (facts("eep", endorsement=under("S", **CENTURY)), "CHN>HKG", "exit", PASS),
    "s-stay-14": (facts("eep", endorsement=under("S", **CENTURY)), "CHN>HKG", "exit", PASS),
    "q-stay": (facts("eep", endorsement=under("Q", **CENTURY)), "CHN>HKG", "exit", PASS),
    "r-stay": (facts("eep", endorsement=under("R", **CENTURY)), "CHN>HKG", "exit", PASS),
    "r-bay-area": (facts("eep", endorsement=under("R", place="110000", **CENTURY)), "CHN>HKG", "exit", ADVICE),
    "r-bay-area-and-capitals": (
        facts("eep", endorsement=under("R", place="110000", **CENTURY)),
        "CHN>HKG",
        "exit",
        PASS,
    ),
    "guardian-under-7": (facts("eep"), "CHN>HKG", "exit", FAIL),
    "echannel-residents-11": (facts("hkid"), "HKG>CHN", "exit", FAIL),
    "echannel-residents-7": (facts("hkid"), "HKG>CHN", "exit", FAIL),
    "echannel-visitors-16": (WITH_G, "CHN>HKG", "entry", FAIL),
    "echannel-visitors-11": (WITH_G, "CHN>HKG", "entry", FAIL),
    "echannel-visitors-7": (WITH_G, "CHN>HKG", "entry", FAIL),
    "mainland-without-showing-14": (facts("hrp", "H12345678"), "HKG>CHN", "entry", ADVICE),
    "l-with-group": (facts("eep", endorsement=under("L", **CENTURY)), "CHN>HKG", "exit", ADVICE),
    "entries-beyond-hk": (facts("eep", endorsement=under("G", entries_left=3, **CENTURY)), "CHN>HKG", "exit", ADVICE),
    "entries-beyond-macau": (
        facts("eep", endorsement=under("G", "MAC", entries_left=2, **CENTURY)),
        "CHN>MAC",
        "exit",
        ADVICE,
    ),
    "longer-than-a-year": (WITH_G, "CHN>HKG", "exit", ADVICE),
    "study-longer-than-a-year": (facts("eep", endorsement=under("D", "MAC", **CENTURY)), "CHN>MAC", "exit", ADVICE),
    "talent-longer-than-five-years": (facts("eep", endorsement=under("R", **CENTURY)), "CHN>HKG", "exit", ADVICE),
}
YOUNG = {"guardian", "note"}  # a rule of these with an age is about somebody just below it


def example(rule: str, on: date) -> tuple[TravelFacts, str, str, str]:
    who, leg, direction, expected = EXAMPLES[rule]
    below = RULES[rule].age or RULES[rule].age_below
    if RULES[rule].kind in YOUNG and below:
        who = dataclasses.replace(who, birth_date=date(on.year - below + 1, 1, 1))
    return who, leg, direction, expected


def test_every_rule_has_its_example() -> None:
    """A rule that nobody tried is a rule that says something else than it was meant to."""
    assert EXAMPLES.keys() == RULES.keys()


def test_the_file_is_in_its_one_form_and_every_source_says_how_sure_it_is() -> None:
    assert [wire(rule) for rule in RULES.values()] == SHIPPED
    assert all(any(flag in rule.source for flag in ("[S]", "[M]", "[D]")) or rule.home for rule in RULES.values())


def test_nothing_that_is_only_remembered_stands_in_anybodys_way() -> None:
    """What is to be confirmed ([M]) or ours ([D]) refuses no endorsement: it advises."""
    hard = [rule for rule in RULES.values() if rule.kind == "endorsement" and not rule.advice]
    assert not [rule.id for rule in hard if "[M]" in rule.source or "[D]" in rule.source]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_counts_from_its_first_day_to_its_last(rule: str) -> None:
    """A day too early, a day too late, or never."""
    first, last = RULES[rule].first, RULES[rule].last
    who, leg, direction, expected = example(rule, first)
    assert outcome(rule, who, leg, first, direction) == expected
    assert outcome(rule, who, leg, first - timedelta(days=1), direction) is None
    if last != date.max:
        who, leg, direction, expected = example(rule, last)
        assert outcome(rule, who, leg, last, direction) == expected
        assert outcome(rule, who, leg, last + timedelta(days=1), direction) is None


# --- the rows of the table ----------------------------------------------------------------------------------------


def enter(endorsement: Endorsement, on: date, **changes: Any) -> Verdict:
    leg = f"CHN>{endorsement.destination}"
    return judged(dataclasses.replace(EEP, endorsement=endorsement, **changes), leg, on, "entry")


@pytest.mark.parametrize(
    ("endorsement", "on", "days"),
    [
        (under("G"), date(2024, 6, 1), 7),
        (under("G", "MAC"), date(2024, 6, 1), 7),
        (under("L"), date(2024, 6, 1), 7),
        (under("T"), date(2024, 6, 1), 14),
        (under("T", entries_left=None), date(2024, 6, 1), 90),
        (under("S"), date(2024, 5, 5), 7),
        (under("S"), date(2024, 5, 6), 14),
        (under("S", "MAC", entries_left=None), date(2024, 5, 6), 14),
        (under("Q"), date(2024, 6, 1), 14),
        (under("R", entries_left=None), date(2024, 6, 1), 30),
        (under("G", stay_days=3), date(2024, 6, 1), 3),
        (under("G", stay_days=30), date(2024, 6, 1), 7),
        (under("D", stay_days=365), date(2024, 6, 1), 365),
    ],
    ids=str,
)
def test_the_longest_stay_of_each_kind(endorsement: Endorsement, on: date, days: int) -> None:
    """§1.9: what the endorsement says, and never more than its kind gives."""
    assert enter(endorsement, on).stay_until == on + timedelta(days=days)


def test_ninety_days_from_the_first_entry() -> None:
    """§1.9, family, three months: the second entry brings no second ninety days."""
    quarter = under("T", entries_left=None, valid_to=date(2024, 3, 31), first_entered_on=date(2024, 1, 2))
    late = date(2024, 1, 2) + timedelta(days=90)
    assert enter(quarter, date(2024, 3, 1)).stay_until == enter(quarter, late - timedelta(days=1)).stay_until == late
    longer = dataclasses.replace(quarter, valid_to=date(2024, 4, 2))
    assert enter(longer, late + timedelta(days=1)).stay_until is None
    assert enter(longer, late + timedelta(days=1)).reason is Reason.DOCUMENT_NOT_ELIGIBLE
    assert enter(dataclasses.replace(longer, first_entered_on=None), late).stay_until == late + timedelta(days=90)


@pytest.mark.parametrize(
    ("begins", "place", "good"),
    [
        (date(2024, 12, 1), "440305", True),
        (date(2024, 12, 1), None, True),  # the token does not say: its issuer knew
        (date(2024, 12, 1), "440100", False),
        (date(2024, 11, 30), "440305", False),
    ],
)
def test_shenzhens_residents_enter_hong_kong_any_number_of_times(begins: date, place: str | None, good: bool) -> None:
    """§1.9, 一签多行: only from there, and only what was issued since 1 December 2024."""
    endorsement = under("G", entries_left=None, valid_from=begins, valid_to=date(2025, 11, 30), place=place)
    assert enter(endorsement, date(2025, 6, 1)).admit is good


@pytest.mark.parametrize(
    ("destination", "begins", "place", "good"),
    [
        ("MAC", date(2025, 1, 1), "440402", True),
        ("MAC", date(2024, 12, 31), "440402", False),
        ("MAC", date(2025, 1, 1), "440300", False),
        ("HKG", date(2024, 11, 30), "440300", True),  # no longer issued, and valid to its end
        ("HKG", date(2024, 12, 1), "440300", False),
    ],
)
def test_once_a_week(destination: str, begins: date, place: str, good: bool) -> None:
    """§1.9, 一周一行: Zhuhai's into Macau since 2025, Shenzhen's into Hong Kong until November 2024."""
    year = {"valid_from": begins, "valid_to": begins + timedelta(days=364)}
    weekly = under("G", destination, entries_left=None, weekly=True, place=place, **year)
    friday = date(2025, 6, 6)
    assert enter(weekly, friday).admit is good
    for entered, again in ((date(2025, 6, 2), False), (date(2025, 6, 1), good)):  # Monday, and the Sunday before
        assert enter(dataclasses.replace(weekly, entered_on=entered), friday).admit is again


@pytest.mark.parametrize(("on", "marked"), [(date(2024, 5, 5), True), (date(2024, 5, 6), False)])
def test_talents_of_the_capitals_came_later_and_nobody_is_turned_away(on: date, marked: bool) -> None:
    """§1.9: its letter is from memory, so an officer is told and the traveller passes."""
    found = enter(under("R", entries_left=None, place="310000"), on)
    assert found.admit and ("r-bay-area" in found.advice) is marked and "eep-talent" in found.advice


@pytest.mark.parametrize(
    ("document", "issuer", "on", "years", "alone"),
    [
        ("hkid", "HKG", date(2025, 3, 30), 10, True),
        ("hkid", "HKG", date(2025, 3, 31), 10, False),
        ("hkid", "HKG", date(2025, 3, 31), 6, True),
        ("passport", "CHN", date(2023, 4, 28), 15, True),
        ("passport", "CHN", date(2023, 4, 29), 15, False),
        ("passport", "CHN", date(2025, 12, 21), 10, True),
        ("passport", "CHN", date(2025, 12, 22), 10, False),
        ("passport", "CHN", date(2025, 12, 22), 6, True),
        ("bir", "MAC", date(2023, 1, 1), 7, False),
        ("bir", "MAC", date(2023, 1, 1), 6, True),
    ],
)
def test_ages_at_hong_kongs_gates(document: str, issuer: str, on: date, years: int, alone: bool) -> None:
    """§2: the youngest age of the e-Channel, for residents and for visitors, with the day of each change."""
    leg, direction = {"HKG": ("HKG>MAC", "exit"), "CHN": ("CHN>HKG", "entry"), "MAC": ("MAC>HKG", "entry")}[issuer]
    who = facts(document, issuer=issuer, birth_date=date(on.year - years, on.month, on.day))
    assert (judged(who, leg, on, direction).reason is Reason.GUARDIAN_MISSING) is alone


def test_the_mainlands_fourteen_years_are_advice() -> None:
    """§2, 免出示证件: a child of thirteen passes, and an officer can see it; in Hong Kong nobody asks."""
    teen = facts("hrp", "H12345678", birth_date=date(2012, 1, 1))
    found = judged(teen, "HKG>CHN", date(2025, 6, 1), "entry")
    assert found.admit and found.advice == ("mainland-without-showing-14",)
    assert judged(teen, "HKG>CHN", date(2025, 6, 1), "exit").advice == ()
    assert judged(dataclasses.replace(teen, birth_date=date(2011, 6, 1)), "HKG>CHN", date(2025, 6, 1)).advice == ()


@pytest.mark.parametrize(
    ("document", "residence", "days"),
    [
        ("bir", "permanent", 180),
        ("bir", None, 180),
        ("bir", "temporary", None),
        ("mvp", "permanent", 180),
        ("mvp", "temporary", 30),
        ("mvp", None, 30),
    ],
)
def test_macaus_residents_in_hong_kong(document: str, residence: str | None, days: int | None) -> None:
    """§1.7: permanent residents with their card, others with the visit permit; 180 and 30 days."""
    found = judged(facts(document, residence=residence), "MAC>HKG", date(2025, 6, 1), "entry")
    assert found.stay_until == (None if days is None else date(2025, 6, 1) + timedelta(days=days))
    assert found.admit is (days is not None)


def test_whoever_may_not_come_in_may_still_go_out() -> None:
    """§1.10: each side judges for itself; the exit is not the place to ask for the entry's document."""
    on = date(2025, 6, 1)
    assert judged(facts("bir", residence="temporary"), "MAC>HKG", on, "exit").admit
    assert judged(facts("hkid"), "HKG>CHN", on, "exit").admit
    assert judged(facts("hkid"), "HKG>CHN", on, "entry").reason is Reason.DOCUMENT_NOT_ELIGIBLE


@pytest.mark.parametrize(("number", "on", "good"), [("H", 1, True), ("HA", 1, False), ("HA", 2, True), ("MA", 2, True)])
def test_residents_who_are_not_chinese_have_a_permit_since_july_2024(number: str, on: int, good: bool) -> None:
    """§1.5: ninety days each for them, and no limit for the others."""
    leg = "MAC>CHN" if number.startswith("M") else "HKG>CHN"
    day = date(2024, 7, 9) + timedelta(days=on - 1)
    found = judged(facts("hrp", f"{number}1234567"), leg, day, "entry")
    assert found.admit is good
    assert found.stay_until == (day + timedelta(days=90) if good and len(number) == 2 else NEVER if good else None)


def test_a_resident_of_hong_kong_has_a_year_in_macau() -> None:
    """§1.7."""
    found = judged(facts("hkid"), "HKG>MAC", date(2025, 6, 1), "entry")
    assert found.stay_until == date(2026, 6, 1)

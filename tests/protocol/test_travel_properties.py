"""What holds of any travel rules, any traveller and any crossing."""

import dataclasses
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.refusals import Reason
from idp.protocol.travel_facts import later, same_week
from idp.protocol.travel_rules import (
    ADVICE,
    FAIL,
    PASS,
    TravelFacts,
    Verdict,
    evaluate,
    local_date,
    parse_rules,
)
from tests.protocol.travel import crossings, rule_lists, travellers

HOME = {
    "id": "home",
    "kind": "document",
    "source": "the right to return",
    "from": "0001-01-01",
    "until": None,
    "document": "hkid",
    "legs": [["CHN", "HKG"], ["MAC", "HKG"]],
    "home": True,
}
REASONS = {None, Reason.DOCUMENT_NOT_ELIGIBLE, Reason.STAY_EXCEEDED, Reason.GUARDIAN_MISSING}


def judge(rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]) -> Verdict:
    return evaluate(who, rules=parse_rules(rules), **crossing)


@given(rule_lists, travellers, crossings)
def test_evaluation_never_raises_and_its_reason_is_of_three(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]
) -> None:
    """A calendar that ends, a child born tomorrow, an endorsement that ends before it begins: an officer looks."""
    assert judge(rules, who, crossing).reason in REASONS


@given(rule_lists, travellers, crossings, st.sampled_from(["CHN", "MAC"]))
def test_a_resident_going_home_is_never_blocked_whatever_else(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any], origin: str
) -> None:
    """Neither a rule, nor an overstay, nor a document that has expired, nor a child's being alone."""
    who = dataclasses.replace(who, document_type="hkid")
    found = judge([*rules, HOME], who, {**crossing, "origin": origin, "destination": "HKG"})
    assert found.admit and found.home and "home" in found.rules
    assert all(finding.outcome == PASS for finding in found.explanation)


@given(rule_lists, travellers, crossings)
def test_the_explanation_agrees_with_the_reason(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]
) -> None:
    """An officer who reads "pass" at every line must not stand before a traveller who was referred."""
    found = judge(rules, who, crossing)
    papers = [finding for finding in found.explanation if finding.rule.kind == "document"]
    held = any(finding.outcome in (PASS, ADVICE) for finding in papers)
    alone = any(finding.outcome == FAIL for finding in found.explanation if finding.rule.kind == "guardian")
    expected = {
        None: held and not alone,
        Reason.GUARDIAN_MISSING: held and alone,
        Reason.DOCUMENT_NOT_ELIGIBLE: not held and not found.overstay,
        Reason.STAY_EXCEEDED: not held and found.overstay,
    }
    assert expected[found.reason]
    assert {*found.rules} <= {finding.rule.id for finding in found.explanation}
    assert all(finding.why for finding in found.explanation if finding.outcome == FAIL)
    assert found.advice == tuple(item.rule.id for item in found.explanation if item.outcome == ADVICE)


@given(rule_lists, travellers, crossings)
def test_what_advises_stands_in_nobodys_way(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]
) -> None:
    """invalid solely because a rule is marked as advice: without it the verdict is no better."""
    advice = [rule for rule in rules if rule.get("advice") or rule["kind"] == "note"]
    hard = [rule for rule in rules if rule not in advice]
    allowed = [rule for rule in advice if rule["kind"] != "document"]
    assert judge([*hard, *allowed], who, crossing).reason is judge(hard, who, crossing).reason
    if judge(hard, who, crossing).admit:
        assert judge([*hard, *advice], who, crossing).admit


@given(rule_lists, travellers, crossings, st.integers(0, 3), st.integers(1, 4))
def test_more_entries_never_turn_a_pass_into_a_fail(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any], few: int, more: int
) -> None:
    """A number read the wrong way round."""
    if who.endorsement is None:
        return

    def having(number: int) -> TravelFacts:
        assert who.endorsement is not None
        return dataclasses.replace(who, endorsement=dataclasses.replace(who.endorsement, entries_left=number))

    if judge(rules, having(few), crossing).admit:
        assert judge(rules, having(few + more), crossing).admit


@given(rule_lists, travellers, crossings)
def test_no_stay_outlasts_the_document(rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]) -> None:
    """Its holder would be stranded; and none begins before the crossing unless it ended already."""
    until = judge(rules, who, crossing).stay_until
    assert until is None or who.document_expires is None or until <= who.document_expires


@given(rule_lists, travellers, crossings)
def test_a_rule_out_of_force_changes_nothing(
    rules: list[dict[str, Any]], who: TravelFacts, crossing: dict[str, Any]
) -> None:
    """A bundle carries tomorrow's rules, too, and those of a list are judged by the day alone.

    But an earlier rule may tell how long a stay that began in its time could be, so travellers inside are left out.
    """
    if who.endorsement is not None:
        who = dataclasses.replace(who, endorsement=dataclasses.replace(who.endorsement, entered_on=None))
    on = crossing["on"].isoformat()
    standing = [rule for rule in rules if rule["from"] <= on and (rule["until"] is None or rule["until"] >= on)]
    assert judge(rules, who, crossing) == judge(standing, who, crossing)


@given(st.integers(0, 4_000_000_000))
def test_a_day_begins_at_four_in_the_afternoon_of_utc(now: int) -> None:
    """Days are Hong Kong's: 16:00Z, in summer and winter."""
    begin = now - (now + 8 * 3600) % 86_400
    assert begin % 86_400 == 16 * 3600
    assert local_date(begin) == local_date(begin + 86_399) == local_date(now)
    assert local_date(begin - 1) == local_date(begin) - timedelta(days=1)


@given(st.dates(), st.integers(0, 3660))
def test_a_day_later_than_the_calendar_is_its_last(start: date, days: int) -> None:
    assert later(start, days).toordinal() == min(date.max.toordinal(), start.toordinal() + days)


@given(st.dates(date(1, 1, 8)), st.integers(-7, 7))
def test_a_natural_week_begins_on_monday(on: date, away: int) -> None:
    """Not seven days from the last entry, and not with the year."""
    if on.toordinal() + away > date.max.toordinal():
        return
    other = on + timedelta(days=away)
    assert same_week(on, other) is (0 <= on.weekday() + away <= 6)

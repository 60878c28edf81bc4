"""The language of travel rules: read strictly, written in one form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.refusals import Reason, Refusal
from idp.protocol.travel_rules import asked, parse_rule, parse_rules, wire
from tests.protocol.travel import rule_lists

DOCUMENT: dict[str, Any] = {
    "id": "eep-out",
    "kind": "document",
    "source": "test",
    "from": "2024-01-01",
    "until": None,
    "document": "eep",
    "legs": [["CHN", "HKG"]],
}
OF_KIND: dict[str, dict[str, Any]] = {
    "document": DOCUMENT,
    "home": {**DOCUMENT, "home": True},
    "endorsement": {"id": "e", "kind": "endorsement", "source": "t", "from": "2024-01-01", "endorsements": ["G"]},
    "guardian": {"id": "g", "kind": "guardian", "source": "t", "from": "2024-01-01", "age": 7},
    "note": {"id": "n", "kind": "note", "source": "t", "from": "2024-01-01"},
}


@given(rule_lists)
def test_what_is_written_is_what_was_read(rules: list[dict[str, Any]]) -> None:
    """A member that is lost on the way into the book is a rule that lets more people through than it says."""
    assert [wire(rule) for rule in parse_rules(rules)] == rules
    assert parse_rules([wire(rule) for rule in parse_rules(rules)]) == parse_rules(rules)


@pytest.mark.parametrize("kind", OF_KIND)
def test_each_kind_is_read_with_no_more_than_it_needs(kind: str) -> None:
    """The cases below are invalid for what they add and for nothing else."""
    assert parse_rule(OF_KIND[kind]).id == OF_KIND[kind]["id"]


@given(st.sampled_from(sorted(OF_KIND)), st.text(max_size=12))
def test_an_unknown_member_is_refused(kind: str, member: str) -> None:
    """invalid solely because of a member that is not known: "endorsments" would ask for nothing."""
    if f"x-{member}" in OF_KIND[kind]:
        return
    with pytest.raises(Refusal):
        parse_rule({**OF_KIND[kind], f"x-{member}": True})


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        ("document", "age", 7),
        ("document", "places", ["4403"]),
        ("document", "documents", ["eep"]),
        ("endorsement", "home", True),
        ("endorsement", "entries_over", 2),
        ("endorsement", "issuers", ["CHN"]),
        ("guardian", "endorsements", ["G"]),
        ("note", "advice", True),
        ("note", "stay_days", 7),
    ],
)
def test_a_member_of_another_kind_is_refused(kind: str, member: str, value: object) -> None:
    """invalid solely because rules of this kind have no such member: it would be read and not obeyed."""
    with pytest.raises(Refusal):
        parse_rule({**OF_KIND[kind], member: value})


@pytest.mark.parametrize(
    "condition",
    [
        {"directions": ["entry"]},
        {"authorities": ["HKG"]},
        {"checkpoints": ["lo-wu"]},
        {"not_checkpoints": ["lo-wu"]},
        {"age_from": 7},
        {"residence": ["permanent"]},
        {"endorsement": True},
        {"advice": True},
        {"stay_days": 7},
    ],
    ids=str,
)
def test_the_way_home_has_no_conditions(condition: dict[str, Any]) -> None:
    """invalid solely because the right to return would hang on something else than the document."""
    parse_rule({**DOCUMENT, **condition})
    with pytest.raises(Refusal):
        parse_rule({**DOCUMENT, "home": True, **condition})


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("member", ["id", "kind", "source", "from", "document", "legs", "endorsements", "age"])
def test_a_member_that_is_needed_is_missed(kind: str, member: str) -> None:
    """invalid solely because the member is not there."""
    rule = dict(OF_KIND[kind])
    if rule.pop(member, None) is not None:
        with pytest.raises(Refusal):
            parse_rule(rule)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("document", {"until": "2023-12-31"}),
        ("document", {"age_from": 7, "age_below": 7}),
        ("endorsement", {"days_from": 8, "days_to": 7}),
        ("endorsement", {"issued_from": "2024-01-02", "issued_until": "2024-01-01"}),
        ("document", {"legs": [["HKG", "HKG"]]}),
        ("document", {"legs": [["HKG", "JPN"]]}),
        ("document", {"directions": []}),
        ("document", {"directions": ["out"]}),
        ("document", {"authorities": ["HK"]}),
        ("document", {"residence": ["unknown"]}),
        ("document", {"number_prefix": ["H", 7]}),
        ("document", {"checkpoints": ["x" * 256]}),
        ("document", {"checkpoints": [str(number) for number in range(65)]}),
        ("endorsement", {"entries": "many"}),
        ("endorsement", {"weekly": 1}),
        ("endorsement", {"first_entry_days": 4000}),
        ("guardian", {"age": 151}),
        ("note", {"text": {"pt": "Peça o bilhete."}}),
        ("note", {"text": {"en": "x" * 301}}),
        ("note", {"text": "Ask."}),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused(kind: str, changes: dict[str, Any]) -> None:
    """invalid solely because of the value, or of two that contradict each other."""
    with pytest.raises(Refusal) as refused:
        parse_rule({**OF_KIND[kind], **changes})
    assert refused.value.reason is Reason.MALFORMED


def test_two_versions_of_a_rule_follow_each_other() -> None:
    """A change from a certain day on is in the bundle before that day, with what it replaces."""
    old, new = {**DOCUMENT, "until": "2024-05-05"}, {**DOCUMENT, "from": "2024-05-06", "stay_days": 14}
    assert [rule.stay_days for rule in parse_rules([new, old])] == [14, None]
    with pytest.raises(Refusal):
        parse_rules([{**old, "until": "2024-05-06"}, new])
    with pytest.raises(Refusal):
        parse_rules([DOCUMENT, new])


def test_what_a_rule_asks_is_said_in_one_line() -> None:
    """Who looks at an explanation does not have the book at hand."""
    rule = parse_rule({**DOCUMENT, "endorsement": True, "endorsements": ["T", "G"]})
    assert asked(rule) == 'document="eep"; legs=[["CHN","HKG"]]; endorsements=["G","T"]; endorsement=true'
    assert asked(parse_rule(OF_KIND["note"])) == "note"

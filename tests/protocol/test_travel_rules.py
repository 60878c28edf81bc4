"""Travel rules: who is referred, who is not, and that nobody is ever held up on the way home."""

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.refusals import Reason, Refusal
from idp.protocol.travel_rules import (
    Endorsement,
    TravelFacts,
    Verdict,
    age,
    day,
    evaluate,
    local_date,
    parse_endorsement,
    parse_rules,
)

TODAY = date(2027, 1, 15)  # a Friday


def document(name: str, kind: str, legs: list[list[str]], **members: Any) -> dict[str, Any]:
    dates = {"from": "2014-09-15", "until": None}
    return {"id": name, "source": "test", **dates, "kind": "document", "document": kind, "legs": legs, **members}


RULES_JSON: list[dict[str, Any]] = [
    document(
        "eep-out",
        "eep",
        [["CHN", "HKG"], ["CHN", "MAC"], ["HKG", "MAC"], ["MAC", "HKG"]],
        issuers=["CHN"],
        endorsement=True,
        stay_days=7,
    ),
    document("eep-home", "eep", [["HKG", "CHN"], ["MAC", "CHN"]], issuers=["CHN"], home=True),
    document("hkid-home", "hkid", [["CHN", "HKG"], ["MAC", "HKG"]], home=True),
    document("hrp-out", "hrp", [["HKG", "CHN"], ["MAC", "CHN"]]),
    document("hrp-hk-home", "hrp", [["CHN", "HKG"]], number_prefix=["H"], home=True),
    document("bir-out", "bir", [["MAC", "HKG"]], stay_days=180),
    document("bir-home", "bir", [["HKG", "MAC"], ["CHN", "MAC"]], home=True),
    document("old-permit", "mvp", [["MAC", "HKG"]], until="2026-12-31"),
    document("new-permit", "reentry", [["MAC", "HKG"]], **{"from": "2027-01-16"}),
    {"id": "child", "source": "test", "from": "2020-01-01", "until": None, "kind": "guardian", "age": 7},
]
RULES = parse_rules(RULES_JSON)
ENDORSEMENT = Endorsement("G", "HKG", date(2026, 11, 1), date(2027, 10, 31), 1, 7)
EEP = TravelFacts("eep", "CA1234567", "CHN", date(2030, 1, 1), date(1990, 1, 1), ENDORSEMENT, None, None)


def verdict(
    facts: TravelFacts = EEP, leg: str = "CHN>HKG", *, on: date = TODAY, direction: str = "exit", **changes: Any
) -> Verdict:
    origin, destination = leg.split(">")
    facts = dataclasses.replace(facts, **changes)
    return evaluate(facts, direction=direction, origin=origin, destination=destination, on=on, rules=RULES)


def endorsed(**changes: Any) -> Endorsement:
    return dataclasses.replace(ENDORSEMENT, **changes)


@pytest.mark.parametrize("direction", ["exit", "entry"])
def test_endorsed_traveller_is_let_through(direction: str) -> None:
    """A rule that refers everybody would pass all the others."""
    found = verdict(direction=direction)
    assert found == Verdict(None, ("eep-out",), stay_until=date(2027, 1, 22))
    assert found.admit


@pytest.mark.parametrize(
    "endorsement",
    [
        None,
        endorsed(destination="MAC"),
        endorsed(valid_from=date(2027, 1, 16)),
        endorsed(valid_to=date(2027, 1, 14)),
        endorsed(entries_left=0),
        endorsed(weekly=True, entered_on=date(2027, 1, 11)),
    ],
    ids=["none", "other-destination", "tomorrow", "yesterday", "used", "this-week"],
)
def test_endorsement_that_is_not_good_refers(endorsement: Endorsement | None) -> None:
    """invalid solely because of the endorsement (domain.md §1.9)."""
    assert verdict(endorsement=endorsement).reason is Reason.DOCUMENT_NOT_ELIGIBLE


@pytest.mark.parametrize(
    "endorsement",
    [
        endorsed(valid_from=TODAY, valid_to=TODAY),
        endorsed(entries_left=None),
        endorsed(weekly=True, entered_on=date(2027, 1, 10)),
        endorsed(weekly=True),
    ],
    ids=["first-and-last-day", "unlimited", "last-week", "never-entered"],
)
def test_endorsement_at_its_edge_is_good(endorsement: Endorsement) -> None:
    """A day or a week counted wrongly would turn honest travellers away."""
    assert verdict(endorsement=endorsement).admit


@pytest.mark.parametrize(
    ("kind", "leg", "number"),
    [("eep", "HKG>CHN", "C1"), ("hkid", "CHN>HKG", "A1"), ("hrp", "CHN>HKG", "H1"), ("bir", "HKG>MAC", "1")],
)
def test_resident_going_home_is_never_held_up(kind: str, leg: str, number: str) -> None:
    """A document that has expired, no endorsement, a child alone: home is open."""
    facts = TravelFacts(kind, number, "CHN", date(2020, 1, 1), date(2024, 1, 1), None, None, None)
    for direction in ("exit", "entry"):
        found = verdict(facts, leg, direction=direction)
        assert found.admit
        assert found.home


def test_overstay_is_flagged_on_the_way_home() -> None:
    """The officer learns of it later; the traveller is not held up (domain.md §1.9)."""
    late = endorsed(entered_on=date(2027, 1, 7))
    assert verdict(leg="HKG>CHN", endorsement=late).overstay
    assert verdict(leg="HKG>CHN", endorsement=late).admit
    assert not verdict(leg="HKG>CHN", endorsement=endorsed(entered_on=date(2027, 1, 8))).overstay


def test_overstay_on_the_way_elsewhere_refers() -> None:
    """invalid solely because the stay that ends here was exceeded and the way is not home."""
    late = endorsed(entered_on=date(2027, 1, 7))
    found = verdict(leg="HKG>MAC", endorsement=late)
    assert (found.reason, found.overstay) == (Reason.STAY_EXCEEDED, True)
    assert verdict(leg="HKG>MAC", endorsement=late, direction="entry").reason is Reason.DOCUMENT_NOT_ELIGIBLE


def test_earlier_stay_elsewhere_is_no_overstay_here() -> None:
    """Leaving home for the next journey ends no stay: the last entry was made in another territory."""
    assert verdict(leg="CHN>HKG", endorsement=endorsed(entered_on=date(2026, 11, 5))).admit


def test_stay_approved_for_the_person_counts_where_the_endorsement_has_none() -> None:
    """A stay endorsement (D) is "as approved": its days stand beside it."""
    open_ended = endorsed(stay_days=None, entered_on=date(2027, 1, 1))
    assert not verdict(leg="HKG>CHN", endorsement=open_ended, stay_days=14).overstay
    assert verdict(leg="HKG>CHN", endorsement=open_ended, stay_days=13).overstay
    assert not verdict(leg="HKG>CHN", endorsement=open_ended).overstay


@pytest.mark.parametrize(
    ("kind", "leg"),
    [("bir", "MAC>CHN"), ("hkid", "HKG>CHN"), ("eep", "CHN>CHN"), ("passport", "CHN>HKG"), ("hrp", "MAC>HKG")],
)
def test_document_that_no_rule_knows_for_the_leg_refers(kind: str, leg: str) -> None:
    """invalid solely because no rule makes the document good for this leg."""
    assert verdict(document_type=kind, leg=leg).reason is Reason.DOCUMENT_NOT_ELIGIBLE


def test_home_return_permit_tells_whose_home_by_its_number() -> None:
    """invalid solely because the number begins with M: Hong Kong is not that traveller's home."""
    assert not verdict(document_type="hrp", document_number="M12345678").admit
    assert verdict(document_type="hrp", document_number="H12345678").home


@pytest.mark.parametrize("issuer", ["HKG", None])
def test_document_from_an_authority_that_does_not_issue_it_refers(issuer: str | None) -> None:
    """invalid solely because the token's issuer is not one that may speak for this document."""
    assert verdict(issuer=issuer).reason is Reason.DOCUMENT_NOT_ELIGIBLE


def test_expired_document_refers() -> None:
    """invalid solely because the document expired yesterday."""
    assert verdict(document_expires=date(2027, 1, 14)).reason is Reason.DOCUMENT_NOT_ELIGIBLE
    assert verdict(document_expires=TODAY).admit
    assert verdict(document_expires=None).admit


@pytest.mark.parametrize("kind", ["mvp", "reentry"])
def test_rule_out_of_force_does_not_count(kind: str) -> None:
    """invalid solely because the rule ended, or has not begun."""
    assert verdict(document_type=kind, leg="MAC>HKG").reason is Reason.DOCUMENT_NOT_ELIGIBLE
    in_force = date(2026, 12, 31) if kind == "mvp" else date(2027, 1, 16)
    assert verdict(document_type=kind, leg="MAC>HKG", on=in_force).admit


def test_child_needs_a_guardian_until_the_birthday() -> None:
    """invalid solely because the traveller is a day short of seven years and alone."""
    assert verdict(birth_date=date(2020, 1, 16)).reason is Reason.GUARDIAN_MISSING
    assert verdict(birth_date=date(2020, 1, 16), guardian="their mother").admit
    assert verdict(birth_date=date(2020, 1, 15)).admit


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Reason.GUARDIAN_MISSING),
        ({"legs": [["CHN", "HKG"]]}, Reason.GUARDIAN_MISSING),
        ({"legs": [["CHN", "MAC"]]}, None),
        ({"until": "2027-01-14"}, None),
        ({"from": "2027-01-16"}, None),
    ],
    ids=str,
)
def test_guardian_rule_counts_on_its_legs_and_in_force(changes: dict[str, Any], expected: Reason | None) -> None:
    """A rule of another leg or another year must not stop a child."""
    rules = parse_rules([RULES_JSON[0], {**RULES_JSON[-1], **changes}])
    child = dataclasses.replace(EEP, birth_date=date(2024, 1, 1))
    found = evaluate(child, direction="exit", origin="CHN", destination="HKG", on=TODAY, rules=rules)
    assert found.reason is expected


def test_age_counts_whole_years_also_from_the_29th_of_february() -> None:
    """A leap day's child turns on 1 March of other years."""
    assert [age(date(2020, 2, 29), on) for on in (date(2027, 2, 28), date(2027, 3, 1))] == [6, 7]


def test_stay_ends_with_the_document() -> None:
    """A stay longer than the document is valid would strand its holder."""
    assert verdict(document_expires=date(2027, 1, 18)).stay_until == date(2027, 1, 18)
    facts = dataclasses.replace(EEP, document_type="bir", endorsement=None)
    assert verdict(facts, "MAC>HKG").stay_until == date(2027, 7, 14)


def test_day_is_that_of_hong_kong() -> None:
    """At 16:00 UTC it is the next day there; an endorsement would be refused on its first morning."""
    assert (local_date(1_800_028_799), local_date(1_800_028_800)) == (date(2027, 1, 15), date(2027, 1, 16))


@pytest.mark.parametrize("value", ["2027-02-29", "2027-1-15", "2027-W01-1", "20270115", "2027-01-15T00:00", 20270115])
def test_day_in_another_spelling_is_refused(value: object) -> None:
    """invalid solely because it is not YYYY-MM-DD of the calendar."""
    with pytest.raises(Refusal):
        day(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"source": None},
        {"from": "soon"},
        {"until": 0},
        {"kind": "wish"},
        {"document": 5},
        {"legs": []},
        {"legs": [["CHN"]]},
        {"legs": [["CHN", ["HKG"]]]},
        {"home": 1},
        {"endorsement": "yes"},
        {"stay_days": -1},
        {"stay_days": 10**6},
        {"number_prefix": "H"},
        {"issuers": [None]},
    ],
    ids=str,
)
def test_rule_that_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of the member named; a rule misread is a rule not applied."""
    with pytest.raises(Refusal):
        parse_rules([{**RULES_JSON[0], **changes}])


def test_two_rules_with_one_id_are_refused() -> None:
    """An officer who reads a rule's id in the record must find one rule."""
    with pytest.raises(Refusal):
        parse_rules([RULES_JSON[0], RULES_JSON[0]])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(RULES_JSON[0])), json_values)
def test_only_refusals_come_out_of_any_rule(name: str, value: object) -> None:
    """A bundle whose rules raise something else would end as an internal error."""
    try:
        parse_rules([{**RULES_JSON[0], name: value}])
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED


@given(
    st.none()
    | json_values
    | st.dictionaries(
        st.sampled_from(["kind", "destination", "valid_from", "valid_to", "entries_left", "stay_days", "weekly"]),
        json_values | st.just("2027-01-01"),
    )
)
def test_only_refusals_come_out_of_any_endorsement(value: object) -> None:
    """What was sealed by a peer is as foreign as what was not."""
    try:
        found = parse_endorsement(value)
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED
    else:
        assert found is None or isinstance(found, Endorsement)

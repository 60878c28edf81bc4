"""Where and for whom a travel rule counts: each condition alone, where it holds and where it does not."""

import dataclasses
from datetime import date
from typing import Any

import pytest

from idp.protocol.travel_rules import Endorsement, TravelFacts, Verdict, evaluate, parse_rules

ON = date(2027, 1, 15)
BASE: dict[str, Any] = {"id": "r", "source": "t", "from": "2024-01-01"}
DOCUMENT = {**BASE, "kind": "document", "document": "mvp", "legs": [["MAC", "HKG"]]}
NOTE = {**BASE, "id": "n", "kind": "note"}
WHO = TravelFacts("mvp", "H1234567", "MAC", None, date(2013, 1, 15), None, None, None, "CHN", "permanent")
PIER = "https://idp.hk.example/checkpoints/pier"
UNDER = Endorsement("G", "HKG", date(2027, 1, 1), date(2027, 3, 31), 2, None)


def judged(rule: dict[str, Any], who: TravelFacts = WHO, direction: str = "entry", checkpoint: str = PIER) -> Verdict:
    leg = {"origin": "MAC", "destination": "HKG", "direction": direction, "checkpoint": checkpoint}
    others = [] if rule["kind"] == "document" else [DOCUMENT]
    return evaluate(who, on=ON, rules=parse_rules([rule, *others]), **leg)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"directions": ["entry"]}, True),
        ({"directions": ["exit"]}, False),
        ({"authorities": ["HKG"]}, True),
        ({"authorities": ["MAC"]}, False),
        ({"checkpoints": ["pier"]}, True),
        ({"checkpoints": [PIER]}, True),
        ({"checkpoints": ["lo-wu"]}, False),
        ({"checkpoints": ["https://idp.mo.example/checkpoints/pier"]}, False),
        ({"not_checkpoints": ["lo-wu"]}, True),
        ({"not_checkpoints": ["pier"]}, False),
        ({"not_checkpoints": [PIER]}, False),
        ({"number_prefix": ["HA", "H1"]}, True),
        ({"number_prefix": ["HA"]}, False),
        ({"not_number_prefix": ["HA"]}, True),
        ({"not_number_prefix": ["HA", "H"]}, False),
        ({"issuers": ["MAC", "CHN"]}, True),
        ({"issuers": ["CHN"]}, False),
        ({"nationalities": ["CHN"]}, True),
        ({"nationalities": ["UTO"]}, False),
        ({"not_nationalities": ["UTO"]}, True),
        ({"not_nationalities": ["CHN"]}, False),
        ({"residence": ["permanent"]}, True),
        ({"residence": ["temporary"]}, False),
        ({"age_from": 14}, True),
        ({"age_from": 15}, False),
        ({"age_below": 15}, True),
        ({"age_below": 14}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("rule", [DOCUMENT, NOTE], ids=["document", "note"])
def test_a_rule_counts_where_its_condition_holds(rule: dict[str, Any], condition: dict[str, Any], holds: bool) -> None:
    """invalid, where it is, solely because of the one condition; a child of fourteen at the pier in Hong Kong."""
    found = judged({**rule, **condition})
    assert (found.admit if rule is DOCUMENT else found.advice == ("n",)) is holds


@pytest.mark.parametrize("condition", [{"nationalities": ["UTO"]}, {"residence": ["temporary"]}], ids=str)
def test_what_a_token_does_not_tell_is_held_against_nobody(condition: dict[str, Any]) -> None:
    """It was for the issuer to check."""
    assert judged({**DOCUMENT, **condition}, dataclasses.replace(WHO, nationality=None, residence=None)).admit


def test_the_gate_of_an_exit_is_that_of_the_place_left() -> None:
    assert judged({**DOCUMENT, "authorities": ["MAC"]}, direction="exit").admit
    assert not judged({**DOCUMENT, "authorities": ["HKG"]}, direction="exit").admit


def test_a_checkpoint_that_is_not_known_is_none_of_those_named() -> None:
    """A rule for one place must not count everywhere because somebody did not say where."""
    assert not judged({**DOCUMENT, "checkpoints": ["pier"]}, checkpoint="").admit
    assert judged({**DOCUMENT, "not_checkpoints": ["pier"]}, checkpoint="").admit


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"endorsements": ["G", "L"]}, True),
        ({"endorsements": ["L"]}, False),
        ({"destinations": ["HKG"]}, True),
        ({"destinations": ["MAC"]}, False),
        ({"entries": "limited"}, True),
        ({"entries": "unlimited"}, False),
        ({"entries_over": 1}, True),
        ({"entries_over": 2}, False),
        ({"weekly": False}, True),
        ({"weekly": True}, False),
        ({"days_from": 89}, True),
        ({"days_from": 90}, False),
        ({"days_to": 89}, True),
        ({"days_to": 88}, False),
    ],
    ids=str,
)
def test_a_note_about_an_endorsement_counts_for_those_that_it_fits(condition: dict[str, Any], holds: bool) -> None:
    """Of two entries, not once a week, valid for 89 days; and for nobody who has none for where the way leads."""
    note = {**NOTE, **condition}
    assert (judged(note, dataclasses.replace(WHO, endorsement=UNDER)).advice == ("n",)) is holds
    elsewhere = dataclasses.replace(UNDER, destination="MAC")
    assert judged(note).advice == judged(note, dataclasses.replace(WHO, endorsement=elsewhere)).advice == ()


def test_an_overstay_is_counted_by_the_rule_of_the_day_of_entry() -> None:
    """Where the endorsement says nothing of its stay: a law that changed meanwhile accuses nobody."""
    cap = {**BASE, "kind": "endorsement", "endorsements": ["G"], "source": "t"}
    rules = [
        {**cap, "id": "old", "until": "2027-01-05", "stay_days": 7},
        {**cap, "id": "new", "from": "2027-01-06", "stay_days": 3},
    ]
    leg = {"direction": "exit", "origin": "HKG", "destination": "MAC"}

    def overstayed(entered: date, **changes: Any) -> bool:
        under = dataclasses.replace(UNDER, entered_on=entered, **changes)
        who = dataclasses.replace(WHO, endorsement=under)
        return evaluate(who, on=date(2027, 1, 10), rules=parse_rules(rules), **leg).overstay

    assert not overstayed(date(2027, 1, 5)) and overstayed(date(2027, 1, 2))
    assert overstayed(date(2027, 1, 6)) and not overstayed(date(2027, 1, 7))
    assert not overstayed(date(2027, 1, 6), stay_days=4), "what the endorsement says counts first"


def test_ninety_days_from_the_first_entry_end_a_stay() -> None:
    """A second entry within them brings no longer stay, and the exit is too late."""
    rule = {**BASE, "kind": "endorsement", "endorsements": ["T"], "first_entry_days": 90}
    leg = {"direction": "exit", "origin": "HKG", "destination": "MAC"}
    days = {"entered_on": date(2027, 1, 1), "stay_days": 90}
    for first, late in ((date(2026, 10, 17), False), (date(2026, 10, 16), True)):
        under = dataclasses.replace(UNDER, kind="T", first_entered_on=first, **days)
        found = evaluate(dataclasses.replace(WHO, endorsement=under), on=ON, rules=parse_rules([rule]), **leg)
        assert found.overstay is late

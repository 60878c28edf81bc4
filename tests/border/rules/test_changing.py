"""What may be proposed about travel rules, and what an approval makes of it."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.border.models import RuleVersion
from idp.border.rules import book
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import UnableToDecide, UnableToPropose
from idp.protocol.travel_rules import wire
from tests.border.rules.conftest import FIRST, RULE, SECOND, TODAY, proposed
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
DAY = 86_400


def test_a_change_is_made_by_two_and_recorded_with_both() -> None:
    made = proposed("add", **RULE)
    assert not RuleVersion.objects.filter(rule=RULE["id"]).exists()
    proposing.approve(proposal=made, officer=SECOND, now=NOW)
    version = RuleVersion.objects.get(rule=RULE["id"])
    assert (version.version, version.body, version.proposal, version.adopted_at) == (1, RULE, made, NOW)
    event = AuditEvent.objects.get(kind="border.rule_changed")
    assert (event.actor, event.subject) == (SECOND, "rule:s-stay-30")
    assert event.data["officers"] == [FIRST, SECOND]
    assert (event.data["from"], event.data["until"], event.data["change"]) == ("2027-02-01", None, "add")
    assert event.data["edition"] == version.edition == book.edition()


@pytest.mark.parametrize(
    ("change", "members"),
    [
        ("add", {**RULE, "id": "s-stay-14"}),
        ("add", {**RULE, "from": "2027-01-14"}),
        ("add", {**RULE, "endorsments": ["G"]}),
        ("add", {**RULE, "until": "2027-01-31"}),
        ("replace", RULE),
        ("replace", {**RULE, "id": "s-stay-14", "from": "2027-01-14"}),
        ("end", {"id": "s-stay-14", "until": "2027-01-13"}),
        ("end", {"id": "s-stay-14", "until": "soon"}),
        ("end", {"id": "s-stay-7", "until": TODAY}),
        ("end", {"id": "nothing", "until": TODAY}),
        ("end", {"id": "s-stay-14", "until": TODAY, "why": "so"}),
        ("forget", {}),
    ],
    ids=str,
)
def test_what_cannot_be_is_not_proposed(change: str, members: dict[str, Any]) -> None:
    """invalid solely because of the id, the day, or a member that gates would not read."""
    from idp.proposals.executors import Unacceptable

    with pytest.raises((UnableToPropose, Unacceptable)):
        proposed(change, **members)
    assert not Proposal.objects.exists()


def test_what_stands_already_is_no_change() -> None:
    """invalid solely because it is the rule as it stands."""
    proposing.approve(proposal=proposed("add", **RULE), officer=SECOND, now=NOW)
    with pytest.raises(UnableToPropose, match="as it stands"):
        proposed("replace", **RULE)


def test_a_proposal_whose_day_has_passed_changes_nothing() -> None:
    """invalid solely because it was approved too late: the past would be changed."""
    made = proposed("add", **{**RULE, "from": "2027-01-16"})
    with pytest.raises(UnableToDecide, match="past"):
        proposing.approve(proposal=made, officer=SECOND, now=NOW + 2 * DAY)
    assert Proposal.objects.get().state == "proposed"
    assert not RuleVersion.objects.filter(proposal=made).exists()


def test_two_proposals_of_one_id_are_not_both_made() -> None:
    """invalid solely because the other one was approved meanwhile."""
    one, other = proposed("add", **RULE), proposed("add", **{**RULE, "stay_days": 6})
    proposing.approve(proposal=one, officer=SECOND, now=NOW)
    with pytest.raises(UnableToDecide, match="there is a rule"):
        proposing.approve(proposal=other, officer=SECOND, now=NOW)


def ways_home() -> list[str]:
    return [rule.id for rule in book.rules(NOW) if rule.home and any(leg[1] == "HKG" for leg in rule.legs)]


def test_no_change_leaves_a_day_on_which_nobody_is_let_home(adopt: Callable[..., Proposal]) -> None:
    """invalid solely because it is the last of them: the right to return is nobody's to switch off."""
    *others, last = ways_home()
    assert len(others) > 2
    for name in others:
        adopt("end", id=name, until="2027-02-01")
    with pytest.raises(UnableToPropose, match="home"):
        proposed("end", id=last, until="2027-03-01")
    body = next(wire(rule) for rule in book.everything() if rule.id == last)
    with pytest.raises(UnableToPropose, match="home"):
        proposed("replace", **{**body, "from": TODAY, "until": "2027-12-31"})
    with pytest.raises(UnableToPropose, match="home"):
        proposed("replace", **{**body, "from": "2027-02-01", "home": False})


def test_a_rule_that_has_ended_can_come_back(adopt: Callable[..., Proposal]) -> None:
    """Its id is the same, its versions go on."""
    adopt("add", **RULE)
    adopt("end", id=RULE["id"], until="2027-02-10")
    adopt("replace", **{**RULE, "from": "2027-03-01"})
    found = [(rule.first.isoformat(), rule.last.isoformat()) for rule in book.everything() if rule.id == RULE["id"]]
    assert found == [("2027-02-01", "2027-02-10"), ("2027-03-01", "9999-12-31")]
    numbers = RuleVersion.objects.filter(rule=RULE["id"]).values_list("version", flat=True)
    assert [*numbers] == [1, 2, 3]

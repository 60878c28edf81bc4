"""Two officers for one change: who may do what, and that nothing is half done."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.proposals import executors, proposing, schedule, tasks
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.proposals.proposing import LIFETIME, UnableToDecide, UnableToPropose
from tests.proposals.conftest import FIRST, NOW, SECOND, proposed

pytestmark = pytest.mark.django_db
DECISIONS: dict[str, Callable[..., Proposal]] = {
    "approved": proposing.approve,
    "rejected": proposing.reject,
    "withdrawn": proposing.withdraw,
}


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_second_officer_makes_the_change_and_both_are_named() -> None:
    made = proposed()
    assert kinds() == ["proposal.proposed"]
    done = proposing.approve(proposal=made, officer=SECOND, now=NOW + 60)
    assert (done.state, done.decided_by, done.decided_at) == ("approved", SECOND, NOW + 60)
    assert kinds() == ["proposal.proposed", "proposal.approved", "test.flagged"]
    assert AuditEvent.objects.get(kind="test.flagged").data == {"officers": [FIRST, SECOND]}
    approval = AuditEvent.objects.get(kind="proposal.approved")
    assert (approval.actor, approval.subject) == (SECOND, f"proposal:{made.pk}")
    assert approval.data == {"kind": "test.flag", "subject": "flag:1", "proposed_by": FIRST}


@pytest.mark.parametrize(
    ("decision", "officer"), [("approved", FIRST), ("rejected", FIRST), ("withdrawn", SECOND)], ids=str
)
def test_who_proposed_does_not_decide_and_nobody_else_takes_back(decision: str, officer: str) -> None:
    """invalid solely because it is the wrong one of the two."""
    made = proposed()
    with pytest.raises(UnableToDecide):
        DECISIONS[decision](proposal=made, officer=officer, now=NOW)
    made.refresh_from_db()
    assert made.state == "proposed" and kinds() == ["proposal.proposed"]


@pytest.mark.parametrize("first", DECISIONS)
@pytest.mark.parametrize("second", DECISIONS)
def test_what_is_decided_is_decided(first: str, second: str) -> None:
    """invalid solely because it was decided before; the officer's page was an hour old."""
    made = proposed()

    def decide(decision: str) -> Proposal:
        return DECISIONS[decision](proposal=made, officer=FIRST if decision == "withdrawn" else SECOND, now=NOW)

    decide(first)
    with pytest.raises(UnableToDecide, match="decided"):
        decide(second)
    assert Proposal.objects.get().state == first
    assert kinds().count("test.flagged") == (first == "approved")


@pytest.mark.parametrize("decision", DECISIONS)
def test_time_decides_too(decision: str) -> None:
    """invalid solely because the second in which it expires has come."""
    made = proposed()
    with pytest.raises(UnableToDecide):
        DECISIONS[decision](proposal=made, officer=FIRST if decision == "withdrawn" else SECOND, now=NOW + LIFETIME)
    assert proposing.expire(now=NOW + LIFETIME - 1) == 0
    assert proposing.expire(now=NOW + LIFETIME) == 1
    assert proposing.expire(now=NOW + LIFETIME) == 0
    made.refresh_from_db()
    assert (made.state, made.decided_by) == ("expired", "node")
    assert kinds()[-1] == "proposal.expired"


def test_a_change_that_fails_leaves_the_proposal_open() -> None:
    """invalid solely because the change cannot be made any more: neither it nor its approval has happened."""
    made = proposed(payload={"flag": "stuck"})
    with pytest.raises(UnableToDecide, match="stuck"):
        proposing.approve(proposal=made, officer=SECOND, now=NOW)
    assert (made.state, Proposal.objects.get().state) == ("proposed", "proposed")
    assert kinds() == ["proposal.proposed"]


@pytest.mark.parametrize(
    "changes",
    [{"payload": {}}, {"kind": "test.nothing"}, {"why": "  "}, {"why": "x" * 501}],
    ids=str,
)
def test_what_could_not_be_made_is_not_proposed(changes: dict[str, Any]) -> None:
    """invalid solely because of the one fact named."""
    with pytest.raises(UnableToPropose):
        proposed(**changes)
    assert not Proposal.objects.exists() and not kinds()


def test_a_kind_without_its_room_is_known_to_nobody() -> None:
    """A proposal that outlives the release that knew its kind is not approved blindly."""
    made = proposed()
    executors._EXECUTORS.clear()
    with pytest.raises(Unacceptable):
        executors.of("test.flag")
    with pytest.raises(UnableToDecide):
        proposing.approve(proposal=made, officer=SECOND, now=NOW)


def test_the_clock_comes_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is named in no schedule never runs."""
    proposed()
    monkeypatch.setattr("idp.clock.now", lambda: NOW + LIFETIME)
    assert tasks.expire() == 1
    assert {entry["task"] for entry in schedule.BEAT.values()} == {tasks.expire.name, tasks.overdue_reviews.name}

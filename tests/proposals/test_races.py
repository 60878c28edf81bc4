"""Officers who decide at the same moment: one of them did."""

from collections.abc import Callable

import pytest

from idp.audit.models import AuditEvent
from idp.proposals import proposing
from idp.proposals.models import Proposal
from idp.proposals.proposing import LIFETIME, UnableToDecide
from tests.oidc.test_races import race
from tests.proposals.conftest import FIRST, NOW, SECOND, proposed
from tests.proposals.officers import THIRD, appoint

pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def deciding(decide: Callable[..., object], made: Proposal, officer: str) -> Callable[[], int]:
    """A worker: 0 where it decided, 1 where another had."""

    def job() -> int:
        try:
            decide(proposal=made, officer=officer, now=NOW)
        except UnableToDecide:
            return 1
        return 0

    return job


def test_two_approvals_at_once_make_one_change() -> None:
    """Each reads "proposed" before any has written."""
    made = proposed()
    others = [f"account:{number}" for number in range(1_000_018, 1_000_022)]
    appoint(*others)
    jobs = [deciding(proposing.approve, made, other) for other in others]
    assert race(*jobs) == [0, 1, 1, 1]
    assert AuditEvent.objects.filter(kind="test.flagged").count() == 1


def test_approved_rejected_or_taken_back_and_never_two_of_them() -> None:
    """A change that was made though its proposal says that it was taken back."""
    for _ in range(4):
        made = proposed()
        jobs = [
            deciding(proposing.approve, made, SECOND),
            deciding(proposing.reject, made, THIRD),
            deciding(proposing.withdraw, made, FIRST),
        ]
        assert race(*jobs) == [0, 1, 1]
        made.refresh_from_db()
        flagged = AuditEvent.objects.filter(kind="test.flagged").count()
        assert flagged == Proposal.objects.filter(state="approved").count()


def test_a_proposal_expires_once() -> None:
    """Two workers' sweeps."""
    proposed()
    assert race(*[lambda: proposing.expire(now=NOW + LIFETIME) for _ in range(4)]) == [0, 0, 0, 1]
    assert AuditEvent.objects.filter(kind="proposal.expired").count() == 1

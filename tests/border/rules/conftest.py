"""A node with its rule book, and two officers."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.border.rules import changing
from idp.proposals import proposing
from idp.proposals.models import Proposal
from tests.conftest import NOW
from tests.proposals.officers import FIRST, SECOND, appoint

__all__ = ["FIRST", "SECOND", "adopt", "proposed"]
TODAY = "2027-01-15"
RULE: dict[str, Any] = {
    "id": "s-stay-30",
    "kind": "endorsement",
    "source": "a test's own rule",
    "from": "2027-02-01",
    "until": None,
    "endorsements": ["S"],
    "stay_days": 5,
}


def proposed(change: str, now: int = NOW, **members: Any) -> Proposal:
    """A proposal by the first officer; ``members`` of a rule, or of an end."""
    payload = {"change": change, **members} if change == "end" else {"change": change, "rule": members}
    appoint(FIRST, SECOND)
    subject = changing.subject_of(payload)
    facts = {"kind": changing.KIND, "subject": subject, "payload": payload, "why": "the gazette says so"}
    return proposing.propose(**facts, officer=FIRST, now=now)


@pytest.fixture
def adopt(db: None, now: int) -> Callable[..., Proposal]:
    """Propose and approve a change, at once."""

    def both(change: str, at: int = NOW, **members: Any) -> Proposal:
        return proposing.approve(proposal=proposed(change, now=at, **members), officer=SECOND, now=at)

    return both

"""An executor that keeps what it made in the audit, and refuses what a test wants refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from idp.audit import events
from idp.proposals import executors, proposing
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from tests.oidc.conftest import shared_database  # noqa: F401  a fixture
from tests.proposals.officers import FIRST as FIRST
from tests.proposals.officers import SECOND as SECOND
from tests.proposals.officers import appoint

NOW = 1_800_000_000


class Flag:
    """Sets a flag that a proposal's payload names."""

    label = "a flag"
    permission = "proposals.change_proposal"

    def check(self, proposal: Proposal, *, now: int) -> None:
        if "flag" not in proposal.payload:
            raise Unacceptable("no flag is named")

    def execute(self, proposal: Proposal, *, now: int) -> None:
        officers = [proposal.proposed_by, proposal.decided_by]
        events.record(kind="test.flagged", actor=proposal.decided_by, data={"officers": officers})
        if proposal.payload["flag"] == "stuck":
            raise Unacceptable("the flag is stuck")

    def changes(self, proposal: Proposal, *, now: int) -> list[str]:
        return [f"the flag {proposal.payload['flag']} goes up"]


@pytest.fixture(autouse=True)
def flag() -> Iterator[None]:
    before = executors.known()
    executors.register("test.flag", Flag())
    yield
    executors._EXECUTORS.clear()
    executors._EXECUTORS.update(before)


def proposed(**changes: Any) -> Proposal:
    appoint()
    facts = {"kind": "test.flag", "subject": "flag:1", "payload": {"flag": "red"}, "why": "it is due"}
    return proposing.propose(**{**facts, "officer": FIRST, "now": NOW, **changes})

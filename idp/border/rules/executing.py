"""A change of a travel rule by two officers, as `idp.proposals` asks for it."""

from collections.abc import Sequence
from datetime import date

from idp.audit import events
from idp.border.rules import book, changing, preview
from idp.proposals.models import Proposal
from idp.protocol.travel_rules import local_date, wire


class TravelRuleChange:
    """The executor of `changing.KIND` (`idp.proposals.executors.Executor`)."""

    label = "travel rule"
    permission = "border.add_ruleversion"

    def check(self, proposal: Proposal, *, now: int) -> None:
        changing.planned(proposal.payload, book.versions(), today=local_date(now))

    def execute(self, proposal: Proposal, *, now: int) -> None:
        versions = book.locked()
        rule = changing.planned(proposal.payload, versions, today=local_date(now))
        made = book.adopt(body=wire(rule), after=versions, proposal=proposal, now=now)
        data = {
            "change": proposal.payload["change"],
            "version": made.version,
            "from": rule.first.isoformat(),
            "until": None if rule.last == date.max else rule.last.isoformat(),
            "officers": [proposal.proposed_by, proposal.decided_by],
            "proposal": proposal.pk,
            "edition": made.edition,
        }
        events.record(kind="border.rule_changed", actor=proposal.decided_by, subject=f"rule:{rule.id}", data=data)

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        return preview.lines(proposal.payload, now=now)

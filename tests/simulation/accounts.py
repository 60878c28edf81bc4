"""What one authority wrote down, read from its database at the end: the other half of `tests.simulation.books`."""

from collections import Counter
from collections.abc import Mapping

from idp.accounts.models import Endorsement
from idp.audit.models import AuditEvent
from idp.border.models import (
    CrossingReceipt,
    Discrepancy,
    DuplicateAlert,
    IssuedToken,
    JournalEntry,
    OutgoingReceipt,
)
from tests.simulation.books import Account


def waiting() -> int:
    """How many receipts are still to be delivered."""
    return OutgoingReceipt.objects.filter(delivered_at=None).count()


def account(*, leaves: Mapping[int, int], faults: Mapping[str, int], audit: list[str]) -> Account:
    """Everything; ``leaves`` are rows of endorsements by the coordinator's number."""
    number_of = {row: number for number, row in leaves.items()}
    left = dict(Endorsement.objects.values_list("pk", "entries_left"))
    tokens = IssuedToken.objects.exclude(endorsement=None).values_list("jti", "endorsement_id", "territory")
    places = dict(Endorsement.objects.values_list("pk", "destination"))
    leave_of = {jti: number_of[row] for jti, row, there in tokens.iterator() if places[row] == there}
    told = Counter(Discrepancy.objects.filter(kind=Discrepancy.Kind.OVERDRAWN).values_list("jti", flat=True))
    overdrawn = Counter(leave_of[jti] for jti in told.elements() if jti in leave_of)
    return Account(
        entries={number: (left[row], overdrawn[number]) for number, row in leaves.items()},
        leave_of=leave_of,
        journal=_journal(),
        owed={
            jti: (checkpoint, direction, at, delivered is not None)
            for jti, checkpoint, direction, at, delivered in OutgoingReceipt.objects.values_list(
                "token_jti", "checkpoint", "direction", "at", "delivered_at"
            ).iterator()
        },
        received={
            (sender, jti): (checkpoint, direction, at)
            for sender, jti, checkpoint, direction, at in CrossingReceipt.objects.values_list(
                "sender", "token_jti", "checkpoint", "direction", "at"
            ).iterator()
        },
        alerts=Counter(DuplicateAlert.objects.values_list("jti", flat=True)),
        audit=tuple(audit),
        events=AuditEvent.objects.count(),
        faults=dict(faults),
    )


def _journal() -> Counter[tuple[str, str, str, int]]:
    rows = JournalEntry.objects.values_list(
        "lane__checkpoint__hosted__entity_id", "lane__name", "jti", "decision", "at"
    )
    return Counter(
        (f"{checkpoint}#{lane}", jti, decision, at) for checkpoint, lane, jti, decision, at in rows.iterator()
    )

"""What the border keeps: checkpoints and lanes, the tokens issued here, and what the lanes and the peers reported.

No row is edited by a later stage: a token's fate is read off the journal entries and receipts that name its ``jti``.
"""

from idp.border.models.badges import OfficerBadge
from idp.border.models.consents import ConsentUse
from idp.border.models.entries import ConfirmedCrossing, Discrepancy
from idp.border.models.figures import (
    HOUR,
    BundleFetch,
    CrossingHour,
    DecisionTimeHour,
    IssuanceHour,
    RevocationDelayHour,
    UncountedHour,
)
from idp.border.models.places import DIRECTIONS, JURISDICTIONS, Checkpoint, Lane, SurveyedCheckpoint
from idp.border.models.receipts import CrossingReceipt, OutgoingReceipt, ReceiptQueue
from idp.border.models.records import AdmittedToken, DuplicateAlert, JournalEntry
from idp.border.models.reports import LaneReport
from idp.border.models.rules import RuleVersion
from idp.border.models.tokens import IssuedToken, RevocationReason
from idp.border.models.watch import PackedWatchlist, WatchlistEntry

__all__ = [
    "DIRECTIONS",
    "HOUR",
    "JURISDICTIONS",
    "AdmittedToken",
    "BundleFetch",
    "Checkpoint",
    "ConfirmedCrossing",
    "ConsentUse",
    "CrossingHour",
    "CrossingReceipt",
    "DecisionTimeHour",
    "Discrepancy",
    "DuplicateAlert",
    "IssuanceHour",
    "IssuedToken",
    "JournalEntry",
    "Lane",
    "LaneReport",
    "OfficerBadge",
    "OutgoingReceipt",
    "PackedWatchlist",
    "ReceiptQueue",
    "RevocationDelayHour",
    "RevocationReason",
    "RuleVersion",
    "SurveyedCheckpoint",
    "UncountedHour",
    "WatchlistEntry",
]

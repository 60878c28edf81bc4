"""What a lane let through, as recording tells it to whoever counts entries and owes receipts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Admitted:
    """One token with which somebody was let through, by the machine or by an officer's hand.

    ``checkpoint`` is its entity identifier, ``lane`` the lane's name, ``seq`` the entry's place in that lane's journal,
    ``at`` seconds since 1970 by the lane's clock. ``subject`` is the issuer's name for the traveller here, pairwise.
    """

    issuer: str
    jti: str
    checkpoint: str
    lane: str
    seq: int
    direction: str
    at: int
    subject: str

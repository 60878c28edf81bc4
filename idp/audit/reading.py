"""Looks at personal data: each is an event, with who looked, at whose, at what of it and to what end.

The end is one of a closed list, because free text about a traveller would itself be personal data in a record that is
never changed; a file number may stand beside it.
"""

import re

from idp.audit import events

KIND = "personal_data.read"
REASONS = (
    "duty",  # the officer's ordinary work: a referral, a review, a list that stands on the desk
    "traveller_request",  # the traveller asks what is known, or for a correction
    "complaint",
    "investigation",
    "supervision",  # by an auditor or the data protection officer
    "maintenance",
)
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,63}\Z")


def note(*, actor: str, subject: str, what: str, reason: str, case: str = "") -> None:
    """Record one look, in the caller's transaction: nothing may be shown that was not noted.

    ``subject`` is an identifier of ours ("document:…"), never a number or name; ``what`` is a constant of the caller's
    that says which part was shown. Raises ValueError for a ``reason`` that is not of `REASONS` or a ``case`` that is no
    file number (64 letters, digits and . / _ -).
    """
    if reason not in REASONS:
        raise ValueError("a look at personal data has one of the known reasons")
    if case and not _CASE.match(case):
        raise ValueError("not a file number")
    events.record(
        kind=KIND,
        actor=actor,
        subject=subject,
        data={"what": what, "reason": reason, **({"case": case} if case else {})},
    )

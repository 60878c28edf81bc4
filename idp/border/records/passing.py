"""The tokens on which somebody passed: each is claimed once, and whoever comes second raises an alert.

Two lanes that cannot know of each other may both admit one token. Their entries stay as they are; what is found here is
for officers. A claim is one row of `AdmittedToken`, inserted or not: there is no look before it that another worker
could overtake.
"""

from collections.abc import Sequence

from idp.audit import events
from idp.border.models import AdmittedToken, DuplicateAlert, Lane
from idp.plain_rows import insert_new
from idp.protocol import journal

_NAMES = ("issuer", "jti", "lane", "seq", "direction", "at", "received_at")


def claim(lane: Lane, passed: Sequence[journal.Entry], *, now: int) -> list[DuplicateAlert]:
    """Claim the tokens of ``passed``, entries of ``lane`` that let somebody through; an alert for each that was taken.

    In the caller's transaction, in which the entries were stored.
    """
    rows = [(entry.iss, entry.jti, lane.pk, entry.seq, entry.direction, entry.at, now) for entry in _firsts(passed)]
    if insert_new(AdmittedToken, _NAMES, rows) == len(passed):
        return []
    taken = AdmittedToken.objects.filter(issuer__in={entry.iss for entry in passed})
    taken = taken.filter(jti__in={entry.jti for entry in passed})
    first = {(row.issuer, row.jti): row for row in taken}
    return [
        _raise_alert(first[entry.iss, entry.jti], lane, entry, now=now)
        for entry in passed
        if (first[entry.iss, entry.jti].lane_id, first[entry.iss, entry.jti].seq) != (lane.pk, entry.seq)
    ]


def _firsts(passed: Sequence[journal.Entry]) -> list[journal.Entry]:
    """The first entry of each token, in one order for everybody: two uploads must not wait for each other."""
    first = {(entry.iss, entry.jti): entry for entry in reversed(passed)}
    return [first[key] for key in sorted(first)]


def _raise_alert(first: AdmittedToken, lane: Lane, entry: journal.Entry, *, now: int) -> DuplicateAlert:
    alert = DuplicateAlert.objects.create(
        issuer=entry.iss,
        jti=entry.jti,
        first_lane_id=first.lane_id,
        first_seq=first.seq,
        first_direction=first.direction,
        first_at=first.at,
        second_lane=lane,
        second_seq=entry.seq,
        second_direction=entry.direction,
        second_at=entry.at,
        raised_at=now,
    )
    events.record(kind="crossing.duplicate", actor=lane.lane_id, subject=f"alert:{alert.pk}")
    return alert

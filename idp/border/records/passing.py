"""The tokens on which somebody passed: each is claimed once, and whoever comes second raises an alert.

Two lanes that cannot know of each other may both admit one token. Their entries stay as they are; what is found here is
for officers. A claim is one row of `AdmittedToken`, inserted or not: there is no look before it that another worker
could overtake.
"""

from collections.abc import Sequence

from idp.audit import events
from idp.border.models import AdmittedToken, DuplicateAlert, JournalEntry, Lane
from idp.border.records import pseudonyms
from idp.conf import authority
from idp.plain_rows import insert_new
from idp.protocol import journal

DAY = 86_400
LONGEST_LIFE = 31 * DAY  # seconds between two passings on one token: a day, and clocks that are off
_NAMES = ("issuer", "jti", "lane", "seq", "direction", "at", "received_at")


def claim(lane: Lane, passed: Sequence[journal.Entry], *, now: int) -> list[DuplicateAlert]:
    """Claim the tokens of ``passed``, entries of ``lane`` that let somebody through; an alert for each that was taken.

    In the caller's transaction, in which the entries were stored.
    """
    if not passed:
        return []
    kept_since = now - authority().identified_days * DAY + LONGEST_LIFE
    first: dict[tuple[str, str], AdmittedToken | JournalEntry] = {}
    for entry in passed:
        if entry.at < kept_since and (found := _forgotten(lane, entry, before=passed[0].seq)):
            first[entry.iss, entry.jti] = found
    rows = [(entry.iss, entry.jti, lane.pk, entry.seq, entry.direction, entry.at, now) for entry in _firsts(passed)]
    if insert_new(AdmittedToken, _NAMES, rows) < len(passed):
        first = {**_claimed(passed), **first}
    twice = [(first[entry.iss, entry.jti], entry) for entry in passed if (entry.iss, entry.jti) in first]
    return [
        _raise_alert(earlier, lane, entry, now=now)
        for earlier, entry in twice
        if (earlier.lane_id, earlier.seq) != (lane.pk, entry.seq)
    ]


def _claimed(passed: Sequence[journal.Entry]) -> dict[tuple[str, str], AdmittedToken]:
    """Who claimed the tokens of ``passed``, by issuer and number."""
    taken = AdmittedToken.objects.filter(issuer__in={entry.iss for entry in passed})
    taken = taken.filter(jti__in={entry.jti for entry in passed})
    return {(row.issuer, row.jti): row for row in taken}


def _forgotten(lane: Lane, entry: journal.Entry, *, before: int) -> JournalEntry | None:
    """An earlier passing on the token of ``entry``, where the claim of it may be gone: in the months around it."""
    numbers = [entry.jti, *pseudonyms.all_of("jti", entry.jti)]
    around = (entry.at - LONGEST_LIFE, entry.at + LONGEST_LIFE)
    rows = JournalEntry.objects.filter(jti__in=numbers, at__range=around, issuer=entry.iss)
    rows = rows.filter(decision__in=journal.PASSED).exclude(lane=lane, seq__gte=before)
    return rows.order_by("id").first()


def _firsts(passed: Sequence[journal.Entry]) -> list[journal.Entry]:
    """The first entry of each token, in one order for everybody: two uploads must not wait for each other."""
    first = {(entry.iss, entry.jti): entry for entry in reversed(passed)}
    return [first[key] for key in sorted(first)]


def _raise_alert(first: AdmittedToken | JournalEntry, lane: Lane, entry: journal.Entry, *, now: int) -> DuplicateAlert:
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

"""What is near its end, or past it, or has failed for too long: one list for officers, the gravest first.

What the node renews by itself is an alarm only where the renewal must have stood still; what officers have to renew, a
recognition or a delegation, is one early enough for them to agree with the other side.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from idp import conf
from idp.federation import failures, key_files, marks
from idp.federation.models import HeldMark, IssuedMark, MarkType, MirroredStatusList, Peer, SigningKey, Statement
from idp.protocol import jws
from idp.protocol.refusals import Refusal
from idp.protocol.trust_marks import DELEGATION

DAY = 86_400
ROTATE_AFTER = 365 * DAY  # seconds that a key signs: what was copied unseen is worth nothing after that
STATEMENT_SOON = DAY  # they live two or three days and are signed again after half of one
MARK_SOON = DAY  # of a peer's mark for us, which is fetched again every five minutes
RECOGNITION_SOON = 60 * DAY  # an agreement is not renewed in a week
DELEGATION_SOON = 30 * DAY
STATUS_SOON = 3 * 3600  # of a copy that is asked for every 15 seconds
FAILING_FOR = 3600  # seconds that a peer may be away before it is more than a passing trouble


class Kind(StrEnum):
    """What an alarm is about."""

    KEY = "key"
    STATEMENT = "statement"
    MARK = "mark"
    RECOGNITION = "recognition"
    STATUS = "status"
    FAILURE = "failure"


@dataclass(frozen=True)
class Alarm:
    """One thing to look after. ``text`` is in the officer's language and holds no personal data."""

    kind: Kind
    subject: str  # a key's kid or an entity identifier
    text: str
    at: int | None  # when it ends, ended or began to fail (seconds since 1970); None where it has no time
    over: bool  # it is past its end already, or nothing works without it


def alarms(now: int) -> list[Alarm]:
    """Everything near its end, those past it first, then by time."""
    found = [*_keys(now), *_statements(now), *_marks(now), *_recognitions(now), *_status(now), *_failures(now)]
    return sorted(found, key=lambda alarm: (not alarm.over, alarm.at or 0, alarm.kind, alarm.subject))


def _keys(now: int) -> Iterator[Alarm]:
    rows = SigningKey.objects.filter(state__in=["active", "next"]).order_by("pk")
    ready = {(row.use, row.owner, row.algorithm) for row in rows if row.state == SigningKey.State.NEXT}
    for row in rows:
        if not key_files.path_of(row.use, row.kid).is_file():
            yield Alarm(
                Kind.KEY,
                row.kid,
                _("The file of this key is missing. Restore it from the backup, or let the next key sign."),
                None,
                True,
            )
        if row.state == SigningKey.State.NEXT:
            continue
        if (row.use, row.owner, row.algorithm) not in ready:
            text = _("No next key stands ready: prepare one, so that others know it before it signs.")
            yield Alarm(Kind.KEY, row.kid, text, None, False)
        if now >= (due := (row.activated_at or row.made_at) + ROTATE_AFTER):
            yield Alarm(Kind.KEY, row.kid, _("This key has signed for longer than a year: roll it over."), due, False)


def _statements(now: int) -> Iterator[Alarm]:
    """Of those in force: one about a subject that is stated no more is left to run out."""
    text = _("This statement is not renewed: see whether the worker runs.")
    for row in Statement.objects.filter(expires_at__lte=now + STATEMENT_SOON, expires_at__gt=now - DAY):
        if row.issuer == row.subject or not _ends_by_terms(row, now):
            yield Alarm(Kind.STATEMENT, row.subject, text, row.expires_at, row.expires_at <= now)


def _ends_by_terms(row: Statement, now: int) -> bool:
    """Whether the statement ends because the recognition does, which is an alarm of its own."""
    peer = Peer.objects.filter(entity_id=row.subject).first()
    return peer is not None and (not peer.is_recognised(now) or peer.valid_until == row.expires_at)


def _marks(now: int) -> Iterator[Alarm]:
    text = _("The peer's trust mark for us is not renewed: see whether the peer answers.")
    for held in HeldMark.objects.filter(expires_at__lte=now + MARK_SOON).select_related("peer"):
        if held.peer.is_accepted(now):
            yield Alarm(Kind.MARK, held.peer.entity_id, text, held.expires_at, held.expires_at <= now)
    given = set(IssuedMark.objects.filter(revoked_at=None).values_list("mark_type", flat=True))
    for row in MarkType.objects.filter(mark_type__in=given).exclude(delegation=""):
        until = _delegated_until(row)
        if until is not None and until <= now + DELEGATION_SOON:
            text = _("The owner's delegation of this trust mark type ends: ask the owner for another.")
            yield Alarm(Kind.MARK, row.mark_type, text, until, until <= now)


def _delegated_until(row: MarkType) -> int | None:
    try:
        claims = jws.parse_unverified(row.delegation, DELEGATION).claims  # it was verified when it was taken
    except Refusal:
        return None
    return claims.get("exp")


def _recognitions(now: int) -> Iterator[Alarm]:
    soon, over = (
        _("The period of recognition ends: agree with the peer and renew it."),
        _("Recognition has lapsed: agree with the peer and renew it, or end it."),
    )
    rows = Peer.objects.filter(ended_at=None, valid_until__lte=now + RECOGNITION_SOON)
    for peer in rows.exclude(recognised_at=None, accepted_at=None):
        lapsed = peer.valid_until is not None and peer.valid_until <= now
        yield Alarm(Kind.RECOGNITION, peer.entity_id, over if lapsed else soon, peer.valid_until, lapsed)
    for peer in Peer.objects.recognised(now):
        held = IssuedMark.objects.filter(subject=peer.entity_id, revoked_at=None)
        if not held.filter(mark_type=marks.border_issuer(conf.authority().entity_id)).exists():
            text = _("The peer is recognised and its border tokens are refused: give it the border issuer's mark.")
            yield Alarm(Kind.MARK, peer.entity_id, text, None, True)


def _status(now: int) -> Iterator[Alarm]:
    issuers = _distinct(
        MirroredStatusList.objects.filter(
            expires_at__lte=now + STATUS_SOON, issuer__in=Peer.objects.recognised(now).values("entity_id")
        )
        .order_by("expires_at")
        .values_list("issuer", "expires_at")
    )
    text = _("A copy of the peer's status lists runs out: gates will then refer its travellers to an officer.")
    for issuer, ends in issuers.items():
        yield Alarm(Kind.STATUS, issuer, text, ends, ends <= now)


def _distinct(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    first: dict[str, int] = {}
    for issuer, ends in rows:
        first.setdefault(issuer, ends)
    return first


def _failures(now: int) -> Iterator[Alarm]:
    for row in failures.standing():
        if row.since <= now - FAILING_FOR:
            text = _("It has failed for more than an hour to %(act)s: %(why)s") % {
                "act": row.get_act_display(),
                "why": row.detail,
            }
            yield Alarm(Kind.FAILURE, row.entity_id, text, row.since, False)

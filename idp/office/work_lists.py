"""What waits for an officer, by kind: how much of it, since when, and the page on which it is done.

A kind is one query of at most `MOST` + 1 rows, the oldest first, that an index answers. Who may not do a kind's work
does not learn of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from idp.audit.models import UnsealedEvent
from idp.audit.sealing import ALARM_AFTER
from idp.biometrics.models import Job
from idp.border.lane_watch import SILENT
from idp.border.models import Discrepancy, DuplicateAlert, JournalEntry, Lane, OutgoingReceipt
from idp.federation import alarms
from idp.federation.models import Peer, WitnessedHead
from idp.proposals import executors, reviews
from idp.proposals.models import Proposal
from idp.protocol import journal

MOST = 100  # that are counted: beyond, the number says no more than that it is too much
DAY = 86_400
REFERRED_SINCE = DAY  # seconds: who waits at a lane has been seen to, or has left, within a day
UNDELIVERED_AFTER = 600  # seconds: receipts go out every 5 s, and a peer may be restarted
EXPIRING_WITHIN = 30 * DAY  # seconds: two authorities need weeks to renew what they agreed

_WAY = (Discrepancy.Kind.EXIT_ALONE, Discrepancy.Kind.ENTRY_ALONE, Discrepancy.Kind.VISIT_UNBEGUN)
_OTHER = tuple(kind for kind in Discrepancy.Kind if kind not in (*_WAY, Discrepancy.Kind.VISIT_OPEN))
_OPEN = "resolved_at__isempty=1"


@dataclass(frozen=True)
class Officer:
    """Whose lists these are, as the audit names them."""

    name: str
    may: Callable[[str], bool]  # "app.codename"


@dataclass(frozen=True)
class Sort:
    """One sort of work, as it is shown."""

    name: str
    title: Any
    todo: Any  # what an officer does about it
    permission: str
    page: str  # the URL's name
    query: str


@dataclass(frozen=True)
class Kind(Sort):
    """One that is asked of a table. ``rows`` gives what waits, ``since`` names the column of the time from which."""

    since: str
    rows: Callable[[Officer, int], QuerySet[Any]]


@dataclass(frozen=True)
class Waiting:
    """What waits of one kind. ``oldest`` is the time in seconds since 1970; ``more``: there are more than ``count``."""

    kind: Sort
    count: int
    more: bool
    oldest: int | None


def waiting(officer: Officer, *, now: int) -> Iterator[Waiting]:
    """Each kind that the officer may do, also where nothing waits: one query a kind, and the alarms."""
    if officer.may(ALARMS.permission):
        yield _alarms(now)
    for kind in KINDS:
        if officer.may(kind.permission):
            yield _counted(kind, officer, now)


def _alarms(now: int) -> Waiting:
    """Of them ``oldest`` is what ends first."""
    found = alarms.alarms(now)
    first = min((alarm.at for alarm in found if alarm.at is not None), default=None)
    return Waiting(ALARMS, min(len(found), MOST), len(found) > MOST, first)


def _counted(kind: Kind, officer: Officer, now: int) -> Waiting:
    rows = kind.rows(officer, now).order_by(kind.since).values_list(kind.since, flat=True)
    times = list(rows[: MOST + 1])
    return Waiting(kind, min(len(times), MOST), len(times) > MOST, times[0] if times else None)


def _referred(officer: Officer, now: int) -> QuerySet[Any]:
    """Crossings that a lane referred and about which no officer has written anything down at that lane."""
    recent = JournalEntry.objects.filter(at__gte=now - REFERRED_SINCE)
    by_hand = recent.filter(lane=OuterRef("lane"), about=OuterRef("seq"), decision__in=journal.BY_HAND)
    return recent.filter(~Exists(by_hand), decision="refer")


def _proposals(officer: Officer, now: int) -> QuerySet[Any]:
    kinds = [kind for kind, item in executors.known().items() if officer.may(item.permission)]
    standing = Proposal.objects.filter(state=Proposal.State.PROPOSED, expires_at__gt=now, kind__in=kinds)
    return standing.exclude(proposed_by=officer.name)


def _discrepancies(*kinds: str) -> Callable[[Officer, int], QuerySet[Any]]:
    return lambda officer, now: Discrepancy.objects.filter(kind__in=kinds, resolved_at__isnull=True)


def _silent(officer: Officer, now: int) -> QuerySet[Any]:
    standing = Lane.objects.filter(jwk__isnull=False, revoked_at__isnull=True, checkpoint__active=True)
    return standing.filter(last_seen__lt=now - SILENT)


def _expiring(officer: Officer, now: int) -> QuerySet[Any]:
    return Peer.objects.standing(now).filter(valid_until__lte=now + EXPIRING_WITHIN)


ALARMS = Sort(
    "alarms",
    _("Alarms about keys, statements and peers"),
    _("See what nears its end, and do what its line says."),
    "federation.view_signingkey",
    "admin:office_keys",
    "",
)
KINDS = (
    Kind(
        "face_reviews",
        _("Faces that an officer looks at"),
        _("Compare the pictures with the portrait, and decide."),
        "biometrics.review_job",
        "admin:biometrics_job_changelist",
        "state__exact=review",
        "created_at",
        lambda officer, now: Job.objects.filter(state=Job.State.REVIEW),
    ),
    Kind(
        "dead_jobs",
        _("Face jobs that died"),
        _("See why, mend it, and retry them."),
        "biometrics.change_job",
        "admin:biometrics_job_changelist",
        "state__exact=dead",
        "created_at",
        lambda officer, now: Job.objects.filter(state=Job.State.DEAD),
    ),
    Kind(
        "referred",
        _("Referred crossings of the last day on which nobody decided"),
        _("Ask the checkpoint: the decision is taken at the lane."),
        "border.view_journalentry",
        "admin:border_journalentry_changelist",
        "decision=refer",
        "at",
        _referred,
    ),
    Kind(
        "duplicates",
        _("Tokens that passed twice"),
        _("Look at both passings, and mark the alert as resolved."),
        "border.change_duplicatealert",
        "admin:border_duplicatealert_changelist",
        _OPEN,
        "raised_at",
        lambda officer, now: DuplicateAlert.objects.filter(resolved_at__isnull=True),
    ),
    Kind(
        "unmatched",
        _("Exits and entries with no other half"),
        _("Ask the other side, and mark the alert as resolved."),
        "border.change_discrepancy",
        "admin:border_discrepancy_changelist",
        f"{_OPEN}&kind__in={','.join(_WAY)}",
        "raised_at",
        _discrepancies(*_WAY),
    ),
    Kind(
        "overstays",
        _("Visits that did not end in time"),
        _("Ask where the visitor left, and mark the alert as resolved."),
        "border.change_discrepancy",
        "admin:border_discrepancy_changelist",
        f"{_OPEN}&kind__exact={Discrepancy.Kind.VISIT_OPEN}",
        "raised_at",
        _discrepancies(Discrepancy.Kind.VISIT_OPEN),
    ),
    Kind(
        "discrepancies",
        _("Entries and receipts that do not add up"),
        _("Find out what happened, and mark the alert as resolved."),
        "border.change_discrepancy",
        "admin:border_discrepancy_changelist",
        f"{_OPEN}&kind__in={','.join(_OTHER)}",
        "raised_at",
        _discrepancies(*_OTHER),
    ),
    Kind(
        "silent_lanes",
        _("Lanes that have not been heard of"),
        _("See to the lane: what it decided meanwhile has not been handed in."),
        "border.view_lane",
        "admin:border-watch",
        "",
        "last_seen",
        _silent,
    ),
    Kind(
        "receipts",
        _("Receipts that a peer has not taken"),
        _("Ask the peer whether it is down."),
        "border.view_outgoingreceipt",
        "admin:border_outgoingreceipt_changelist",
        "delivered_at__isempty=1",
        "at",
        lambda officer, now: OutgoingReceipt.objects.filter(delivered_at__isnull=True, at__lt=now - UNDELIVERED_AFTER),
    ),
    Kind(
        "proposals",
        _("Proposals of other officers"),
        _("Read what would change, and approve or reject it."),
        "proposals.decide_proposal",
        "admin:proposals_proposal_changelist",
        "state__exact=proposed",
        "proposed_at",
        _proposals,
    ),
    Kind(
        "reviews",
        _("Emergency acts of other officers"),
        _("Look at what was done, and say whether it was in order."),
        "proposals.decide_review",
        "admin:proposals_reviews",
        "",
        "acted_at",
        lambda officer, now: reviews.waiting().exclude(acted_by=officer.name),
    ),
    Kind(
        "expiring",
        _("Recognitions that end within 30 days"),
        _("Renew the recognition with the peer, or let it end."),
        "federation.view_peer",
        "admin:trust-peers",
        "",
        "valid_until",
        _expiring,
    ),
    Kind(
        "successors",
        _("Peers that announced new keys"),
        _("Have the peer confirm them by another way, and adopt them."),
        "federation.change_peer",
        "admin:trust-peers",
        "",
        "successor_seen_at",
        lambda officer, now: Peer.objects.standing(now).filter(successor_seen_at__isnull=False),
    ),
    Kind(
        "contradictions",
        _("Tree heads that contradict what a peer signed before"),
        _("Keep both texts: together they prove it. Speak to the peer."),
        "federation.view_witnessedhead",
        "admin:federation_witnessedhead_changelist",
        "",
        "seen_at",
        lambda officer, now: WitnessedHead.objects.filter(contradicts=True, resolved_at__isnull=True),
    ),
    Kind(
        "unsealed",
        _("Audit events that wait for their seal for too long"),
        _("See whether the task audit.seal runs."),
        "audit.view_treehead",
        "admin:audit_treehead_changelist",
        "",
        "event__at",
        lambda officer, now: UnsealedEvent.objects.filter(event__at__lt=now - ALARM_AFTER),
    ),
)

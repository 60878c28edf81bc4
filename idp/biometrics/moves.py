"""Which moves a face job may make, and the one way to make one.

    awaiting ─▶ queued ─▶ running ─▶ done | failed | review | dead
    awaiting, queued, running ─▶ cancelled          review ─▶ done | failed | queued          dead ─▶ queued
    queued, running, review ─▶ failed, when the pictures may be kept no longer

Every move is one conditional UPDATE: of two who want to move a job, one does, and the other is told so.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, Q

from idp.biometrics.models import OVER_STATES, Job

State = Job.State


@dataclass(frozen=True)
class Move:
    """From any of ``before`` to ``after``."""

    before: tuple[State, ...]
    after: State


HAND_IN: Final = Move((State.AWAITING,), State.QUEUED)
CLAIM: Final = Move((State.QUEUED,), State.RUNNING)
TAKE_OVER: Final = Move((State.RUNNING,), State.RUNNING)  # of a worker whose lease has ended
SUCCEED: Final = Move((State.RUNNING,), State.DONE)
FAIL: Final = Move((State.RUNNING,), State.FAILED)
REFER: Final = Move((State.RUNNING,), State.REVIEW)
GIVE_UP: Final = Move((State.RUNNING,), State.DEAD)
CANCEL: Final = Move((State.AWAITING, State.QUEUED, State.RUNNING), State.CANCELLED)
CONFIRM: Final = Move((State.REVIEW,), State.DONE)
APPROVE: Final = Move((State.REVIEW,), State.QUEUED)  # a renewal: a worker goes on with the pictures
DENY: Final = Move((State.REVIEW,), State.FAILED)
EXPIRE: Final = Move((State.QUEUED, State.RUNNING, State.REVIEW), State.FAILED)  # the pictures may be kept no longer
RETRY: Final = Move((State.DEAD,), State.QUEUED)

ALL: Final = (HAND_IN, CLAIM, TAKE_OVER, SUCCEED, FAIL, REFER, GIVE_UP, CANCEL, CONFIRM, APPROVE, DENY, EXPIRE, RETRY)


def make(move: Move, *, job_id: object, now: int, only: Q | None = None, **changes: Any) -> bool:
    """Move the job if it is in a state that ``move`` starts from, and ``only`` holds; whether it was moved."""
    finished_at = now if move.after in OVER_STATES else None
    jobs = Job.objects.filter(only or Q(), pk=job_id, state__in=move.before)
    return bool(jobs.update(state=move.after, finished_at=finished_at, **changes))


def claimed(*, job_id: object, now: int, until: int, at_most: int) -> bool:
    """Whether the job was free (queued, or its worker's lease has ended) and is now the caller's next attempt."""
    claim = {"lease_until": until, "attempts": F("attempts") + 1, "turn": F("turn") + 1, "stage": ""}
    fresh, lost = Q(attempts__lt=at_most), Q(attempts__lt=at_most, lease_until__lt=now)
    return make(CLAIM, job_id=job_id, now=now, only=fresh, **claim) or make(
        TAKE_OVER, job_id=job_id, now=now, only=lost, **claim
    )

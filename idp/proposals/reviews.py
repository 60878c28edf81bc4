"""An act of one officer in an emergency, and the word of another about it afterwards.

waiting ──▶ in order      by another officer, with a note
        ──▶ not in order  by another officer, with a note

A review undoes nothing: whoever finds an act not in order proposes what is to be done about it. Each of these moves is
one conditional ``UPDATE``, so that of two at once one is made.
"""

from django.db import transaction
from django.db.models import QuerySet

from idp.audit import events
from idp.proposals import deciders
from idp.proposals.models import Review

REVIEW_WITHIN = 86_400  # seconds after which an act without a review is an alarm


class UnableToReview(Exception):
    """Not by this officer, not without a note, or not any more."""


def record(*, kind: str, subject: str, what: str, officer: str, now: int) -> Review:
    """Keep that ``officer`` ("account:7") did this alone, to be reviewed by another.

    To be called in the transaction of the act; ``kind`` is "room.what", ``what`` a line for the reviewer without
    personal data.
    """
    with transaction.atomic():
        review = Review.objects.create(
            kind=kind, subject=subject[:255], what=what[:500], acted_by=officer, acted_at=now
        )
        _record("asked", review, officer)
    return review


@transaction.atomic
def decide(*, review: Review, in_order: bool, note: str, officer: str, now: int) -> Review:
    """Say whether the act was in order. Raises `UnableToReview`, and then nothing has changed."""
    note = note.strip()
    if not note or len(note) > 500:
        raise UnableToReview("say what you looked at, in at most 500 characters")
    if officer == review.acted_by:
        raise UnableToReview("another officer reviews")
    if not deciders.holds(officer, deciders.REVIEW):
        raise UnableToReview("you hold no role that reviews")
    state = Review.State.IN_ORDER if in_order else Review.State.NOT_IN_ORDER
    waiting = Review.objects.filter(pk=review.pk, state=Review.State.WAITING)
    if not waiting.update(state=state, reviewed_by=officer, reviewed_at=max(now, review.acted_at), note=note):
        raise UnableToReview("it has been reviewed")
    _record(state.value, review, officer)
    return Review.objects.get(pk=review.pk)


def waiting() -> QuerySet[Review]:
    """Those without a word, the oldest first."""
    return Review.objects.filter(state=Review.State.WAITING).order_by("acted_at", "pk")


def overdue(now: int) -> QuerySet[Review]:
    """Those that have waited for `REVIEW_WITHIN`: the alarm."""
    return waiting().filter(acted_at__lte=now - REVIEW_WITHIN)


def _record(what: str, review: Review, officer: str) -> None:
    data = {"kind": review.kind, "subject": review.subject, "acted_by": review.acted_by}
    events.record(kind=f"review.{what}", actor=officer, subject=f"review:{review.pk}", data=data)

"""Verification as a background job: asked for by an officer, or by the node every night; the result is kept.

waiting ──▶ running ──▶ whole | broken

A worker that dies leaves a row that shows no life; whoever comes next takes it up anew. Each of these moves is one
conditional ``UPDATE``, so that two workers never do the same.
"""

from collections.abc import Iterator
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Q

from idp import clock
from idp.audit import events, tree, verification
from idp.audit.models import Verification

STALE = 600  # seconds without a sign of life
NIGHTLY = 86_400  # seconds between two that the node asks for
SHOWN = 100  # lines that are kept
NODE = "node"
State = Verification.State


class UnableToVerify(Exception):
    """One waits already, or there is no such range. The message is for officers."""


@transaction.atomic
def ask(*, officer: str, now: int, first: int = 0, last: int | None = None) -> Verification:
    """Ask for the whole record, or for the leaves ``first`` ≤ n < ``last``. Raises `UnableToVerify`."""
    size = tree.size()
    if last is not None and not 0 <= first < last <= size:
        raise UnableToVerify("the record has no such range")
    total = size if last is None else last - first
    try:
        with transaction.atomic():
            row = Verification.objects.create(
                asked_by=officer, asked_at=now, first=first, last=last, total=total, moved_at=now
            )
    except IntegrityError as error:
        raise UnableToVerify("one waits already") from error
    data = {"first": first, "last": size if last is None else last}
    events.record(kind="audit.verification_asked", actor=officer, subject=f"verification:{row.pk}", data=data)
    return row


def open_ones(now: int) -> list[int]:
    """Those that a worker should take up: waiting, or without a sign of life."""
    dead = Q(state=State.RUNNING, moved_at__lte=now - STALE)
    return list(Verification.objects.filter(Q(state=State.WAITING) | dead).values_list("pk", flat=True))


def nightly(now: int) -> Verification | None:
    """Ask for the whole record where the node has not within `NIGHTLY`; None where it has, or one waits."""
    if Verification.objects.filter(asked_by=NODE, asked_at__gt=now - NIGHTLY).exists():
        return None
    try:
        return ask(officer=NODE, now=now)
    except UnableToVerify:
        return None


def run(pk: int, *, now: int) -> bool:
    """Do it, if nobody else does; whether it was done here. Safe to call again at any time."""
    dead = Q(state=State.RUNNING, moved_at__lte=now - STALE)
    mine = Verification.objects.filter(Q(state=State.WAITING) | dead, pk=pk)
    if not mine.update(state=State.RUNNING, moved_at=now, done=0):
        return False
    row = Verification.objects.get(pk=pk)
    lines = _lines(row, now)
    found = list(islice(lines, SHOWN))
    broken = len(found) + sum(1 for _ in lines)
    _finish(row, found, broken, clock.now())
    return True


def broken_lines(pk: int) -> list[str]:
    """What a verification found broken, the first lines."""
    return list(Verification.objects.values_list("found", flat=True).get(pk=pk))


def _lines(row: Verification, now: int) -> Iterator[str]:
    def moved(done: int) -> None:
        Verification.objects.filter(pk=row.pk, state=State.RUNNING).update(done=done, moved_at=clock.now())

    if row.last is None:
        return verification.findings(now, progress=moved)
    return verification.range_findings(row.first, row.last, progress=moved)


@transaction.atomic
def _finish(row: Verification, found: list[str], broken: int, now: int) -> None:
    state = State.BROKEN if broken else State.WHOLE
    running = Verification.objects.filter(pk=row.pk, state=State.RUNNING)
    done = {"done": row.total, "finished_at": max(now, row.asked_at)}
    if running.update(state=state, found=[line[:500] for line in found], broken=broken, **done):
        data = {"broken": broken, "events": row.total}
        events.record(kind="audit.verified", actor=row.asked_by, subject=f"verification:{row.pk}", data=data)

"""A change by two officers: one proposes, another approves, and approving makes it, all in one transaction.

proposed ──▶ approved   by another officer, in time
         ──▶ rejected   by another officer
         ──▶ withdrawn  by the one who proposed
         ──▶ expired    by the clock

Each of these moves is one conditional ``UPDATE``, so that of two at once one is made. Who proposes and who decides
holds the permission that the kind asks for at that moment, and is none of those whom the change is about.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp.audit import events
from idp.proposals import deciders, executors
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal

LIFETIME = 14 * 86_400  # seconds: longer than an officer's holiday, shorter than anybody's memory of why
NODE = "node"  # who decides when time does

State = Proposal.State


class UnableToPropose(Exception):
    """There can be no such proposal, or not by this officer."""


class UnableToDecide(Exception):
    """Not by this officer, not any more, or the change itself cannot be made any more."""


@transaction.atomic
def propose(
    *, kind: str, subject: str, payload: Mapping[str, Any], why: str, officer: str, now: int, lifetime: int = LIFETIME
) -> Proposal:
    """Propose a change of ``kind`` about ``subject``; ``officer`` is an account ("account:7").

    Raises `UnableToPropose` for a change that could not be made now, without a reason, or not by this officer.
    """
    proposal = Proposal(
        kind=kind,
        subject=subject,
        payload=dict(payload),
        why=why.strip(),
        proposed_by=officer,
        proposed_at=now,
        expires_at=now + lifetime,
    )
    if not proposal.why or len(proposal.why) > 500:
        raise UnableToPropose("say why, in at most 500 characters")
    try:
        executor = executors.of(kind)
        if not deciders.holds(officer, executor.permission):
            raise UnableToPropose("you hold no role that proposes such a change")
        if officer in executors.concerned(proposal):
            raise UnableToPropose("nobody proposes a change about themselves")
        executor.check(proposal, now=now)
    except Unacceptable as error:
        raise UnableToPropose(str(error)) from error
    proposal.save(force_insert=True)
    _record("proposed", proposal, officer)
    return proposal


@transaction.atomic
def approve(*, proposal: Proposal, officer: str, now: int) -> Proposal:
    """Approve the proposal and make its change. Raises `UnableToDecide`, and then nothing has changed."""
    decided = _decide(proposal, State.APPROVED, officer, now=now)
    try:
        executors.of(decided.kind).execute(decided, now=now)
    except Unacceptable as error:
        raise UnableToDecide(str(error)) from error
    return decided


@transaction.atomic
def reject(*, proposal: Proposal, officer: str, now: int) -> Proposal:
    """Leave everything as it is, for good. Raises `UnableToDecide`."""
    return _decide(proposal, State.REJECTED, officer, now=now)


@transaction.atomic
def withdraw(*, proposal: Proposal, officer: str, now: int) -> Proposal:
    """Who proposed takes it back. Raises `UnableToDecide`."""
    return _decide(proposal, State.WITHDRAWN, officer, now=now)


@transaction.atomic
def expire(*, now: int) -> int:
    """Close what nobody decided in time; how many there were."""
    late = Proposal.objects.filter(state=State.PROPOSED, expires_at__lte=now)
    return sum(_move(proposal, State.EXPIRED, NODE, now=now) is not None for proposal in list(late))


def _decide(proposal: Proposal, state: Proposal.State, officer: str, *, now: int) -> Proposal:
    own = officer == proposal.proposed_by
    if state is State.WITHDRAWN and not own:
        raise UnableToDecide("only who proposed it can take it back")
    if state is not State.WITHDRAWN:
        _check_decider(proposal, officer)
    decided = _move(proposal, state, officer, now=now)
    if decided is None:
        raise UnableToDecide("it has been decided or has expired")
    return decided


def _check_decider(proposal: Proposal, officer: str) -> None:
    if officer == proposal.proposed_by:
        raise UnableToDecide("another officer decides")
    try:
        executor = executors.of(proposal.kind)
    except Unacceptable as error:
        raise UnableToDecide(str(error)) from error
    if not deciders.holds(officer, deciders.DECIDE, executor.permission):
        raise UnableToDecide("you hold no role that decides about such a change")
    if officer in executors.concerned(proposal):
        raise UnableToDecide("nobody decides about themselves")


def _move(proposal: Proposal, state: Proposal.State, officer: str, *, now: int) -> Proposal | None:
    """The one statement. The proposal as it stands then, or None where it was not this one that moved it."""
    standing = Proposal.objects.filter(pk=proposal.pk, state=State.PROPOSED)
    if state is not State.EXPIRED:
        standing = standing.filter(expires_at__gt=now)
    if not standing.update(state=state, decided_by=officer, decided_at=now):
        return None
    _record(state.value, proposal, officer)
    return Proposal.objects.get(pk=proposal.pk)


def _record(what: str, proposal: Proposal, officer: str) -> None:
    data = {"kind": proposal.kind, "subject": proposal.subject, "proposed_by": proposal.proposed_by}
    events.record(kind=f"proposal.{what}", actor=officer, subject=f"proposal:{proposal.pk}", data=data)

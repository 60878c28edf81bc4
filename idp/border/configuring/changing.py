"""A change of a checkpoint's settings by two officers, and closing one at once by one.

A proposal's payload is ``{"checkpoint": code, "before": settings, "after": settings}`` with settings
``{"policy", "opening", "active"}``. It can be made while the checkpoint is as it was ``before``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from idp.border import bundling, checkpoints
from idp.border.configuring import words
from idp.border.models import Checkpoint
from idp.proposals import reviews
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.protocol.refusals import Refusal

KIND = "border.checkpoint"
CLOSED = "border.checkpoint_closed"  # a review's
NAMES = ("policy", "opening", "active")


class CheckpointChange:
    """The executor of `KIND` (`idp.proposals.executors.Executor`)."""

    label = "checkpoint"
    permission = "border.change_checkpoint"

    def check(self, proposal: Proposal, *, now: int) -> None:
        _planned(proposal.payload, Checkpoint.objects.all())

    def execute(self, proposal: Proposal, *, now: int) -> None:
        checkpoint = _planned(proposal.payload, Checkpoint.objects.select_for_update(of=("self",)))
        before, after = proposal.payload["before"], proposal.payload["after"]
        changed = [name for name in NAMES if before[name] != after[name]]
        checkpoints.configure(
            checkpoint=checkpoint,
            changed=changed,
            officer=proposal.decided_by,
            now=now,
            facts={"proposal": proposal.pk, "officers": [proposal.proposed_by, proposal.decided_by]},
        )

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        checkpoint = _planned(proposal.payload, Checkpoint.objects.all())
        return lines(checkpoint, proposal.payload["before"], proposal.payload["after"])


def standing(checkpoint: Checkpoint) -> dict[str, Any]:
    """Its settings now."""
    return {name: getattr(checkpoint, name) for name in NAMES}


def payload(checkpoint: Checkpoint, after: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be proposed."""
    return {"checkpoint": checkpoint.code, "before": standing(checkpoint), "after": {**standing(checkpoint), **after}}


def lines(checkpoint: Checkpoint, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Before and after, and what comes of it."""
    lanes = checkpoint.lanes.filter(jwk__isnull=False, revoked_at__isnull=True).count()
    return [*words.differences(before, after), *words.effects(before, after, lanes=lanes)]


@transaction.atomic
def close(*, checkpoint: Checkpoint, why: str, officer: str, now: int) -> None:
    """Take the checkpoint out of use at once; to open it again takes two. Raises `Unacceptable` where it is closed."""
    row = Checkpoint.objects.select_for_update(of=("self",)).select_related("hosted").get(pk=checkpoint.pk)
    if not row.active:
        raise Unacceptable("it is closed")
    row.active = False
    checkpoints.configure(checkpoint=row, changed=["active"], officer=officer, now=now, facts={"why": why})
    reviews.record(kind=CLOSED, subject=row.entity_id, what=f"closed: {why}", officer=officer, now=now)


def _planned(value: Mapping[str, Any], rows: Any) -> Checkpoint:
    """The checkpoint as it would be, not saved; raises `Unacceptable`."""
    checkpoint = rows.select_related("hosted").filter(code=value["checkpoint"]).first()
    if checkpoint is None:
        raise Unacceptable("there is no such checkpoint")
    if standing(checkpoint) != value["before"]:
        raise Unacceptable("the checkpoint has been changed since: propose it anew")
    if value["before"] == value["after"]:
        raise Unacceptable("nothing would change")
    for name in NAMES:
        setattr(checkpoint, name, value["after"][name])
    try:
        bundling.check(checkpoint)
    except Refusal as error:
        raise Unacceptable(f"gates could not read this: {error.detail}") from error
    if not isinstance(checkpoint.active, bool):
        raise Unacceptable("a checkpoint is in use or is not")
    return checkpoint

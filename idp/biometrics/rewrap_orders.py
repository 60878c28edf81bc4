"""Wrapping every face's key anew by the word of two officers: a worker does it, a while each minute, until it is done.

A proposal's payload is ``{"key": id of the current wrapping key, in hexadecimal}``: what was agreed on is one key, and
an order is over when another is the current one.
"""

import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from idp import clock
from idp.audit import events
from idp.biometrics import rewrapping, wrapping
from idp.biometrics.models import RewrapOrder
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)
KIND = "biometrics.rewrap"
PERMISSION = "federation.change_signingkey"
BUDGET = 45  # seconds of each minute


class Rewrap:
    """The executor of `KIND` (`idp.proposals.executors.Executor`)."""

    label = "rewrapping of faces"
    permission = PERMISSION

    def check(self, proposal: Proposal, *, now: int) -> None:
        _rows(proposal)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        _rows(proposal)
        order = RewrapOrder.objects.create(key=proposal.payload["key"], ordered_by=proposal.decided_by, ordered_at=now)
        officers = [proposal.proposed_by, proposal.decided_by]
        data = {"key": order.key, "proposal": proposal.pk, "officers": officers}
        events.record(kind="faces.rewrap_ordered", actor=proposal.decided_by, subject=f"rewrap:{order.pk}", data=data)

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        facts = {"rows": _rows(proposal), "key": proposal.payload["key"]}
        text = ngettext(
            "%(rows)d row is wrapped anew by the current key %(key)s, by a worker.",
            "%(rows)d rows are wrapped anew by the current key %(key)s, by a worker, a part each minute.",
            facts["rows"],
        )
        return [
            text % facts,
            _("No face is opened or read. Nothing else changes."),
        ]


def current() -> str:
    """The id of the current wrapping key, in hexadecimal. Raises `Unavailable`."""
    return wrapping.current()[0].hex()


def carry_out(now: int) -> int:
    """Go on with what was ordered, for `BUDGET` seconds at most; how many rows. May run twice at once."""
    order = RewrapOrder.objects.filter(finished_at=None).order_by("pk").first()
    if order is None:
        return 0
    try:
        return _go_on(order, now)
    except Unavailable as error:  # the token is away: the next minute asks again
        log.warning("faces are not rewrapped: %s", error)
        return 0


def _go_on(order: RewrapOrder, now: int) -> int:
    done = lost = 0
    if order.key != current():
        _finish(order, lost=order.lost, now=now)
        return 0
    for progress in rewrapping.run(actor=order.ordered_by):
        done, lost = done + progress.done, lost + progress.lost
        RewrapOrder.objects.filter(pk=order.pk).update(done=F("done") + progress.done)
        if clock.now() - now >= BUDGET:
            return done
    _finish(order, lost=lost, now=max(now, clock.now()))
    return done


@transaction.atomic
def _finish(order: RewrapOrder, *, lost: int, now: int) -> None:
    open_still = RewrapOrder.objects.filter(pk=order.pk, finished_at=None)
    if open_still.update(finished_at=max(now, order.ordered_at), lost=lost):
        done = RewrapOrder.objects.get(pk=order.pk).done
        data = {"key": order.key, "done": done, "lost": lost}
        events.record(kind="faces.rewrap_finished", actor=order.ordered_by, subject=f"rewrap:{order.pk}", data=data)


def _rows(proposal: Proposal) -> int:
    """How many are to be wrapped anew; raises `Unacceptable` where that cannot be done, or not as it was agreed."""
    try:
        key, left = current(), rewrapping.left()
    except (Unavailable, ValueError) as error:
        raise Unacceptable("the current key does not answer") from error
    if proposal.payload.get("key") != key:
        raise Unacceptable("another key is the current one: propose it anew")
    if RewrapOrder.objects.filter(key=key, finished_at=None).exists():
        raise Unacceptable("it was ordered, and a worker is at it")
    if not left:
        raise Unacceptable("every row is wrapped by the current key")
    return left

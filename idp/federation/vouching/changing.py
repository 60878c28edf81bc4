"""Trust marks: given by two officers, taken back at once by one whom another reviews.

A proposal's payload is ``{"mark_type", "subject", "since"}``; ``since`` is the time in seconds since 1970 from which
this node knows the subject, so that nothing is given to one who was ended and came back.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from idp.federation import mark_types, marks
from idp.federation.marks import UnableToMark
from idp.federation.models import ENTITY_ID, IssuedMark, Peer, Subordinate
from idp.proposals import reviews
from idp.proposals.executors import Unacceptable
from idp.proposals.models import Proposal

KIND = "federation.mark"
TAKEN = "federation.mark_taken"  # a review's
PERMISSION = "federation.change_issuedmark"
MAX_WHY = 400  # characters; the review's line has a little more
_MEMBERS = {"mark_type", "subject", "since"}


class MarkGift:
    """The executor of `KIND` (`idp.proposals.executors.Executor`)."""

    label = "trust mark"
    permission = PERMISSION

    def check(self, proposal: Proposal, *, now: int) -> None:
        _planned(proposal.payload, now=now)

    def execute(self, proposal: Proposal, *, now: int) -> None:
        mark_type, subject = _planned(proposal.payload, now=now)
        facts = {"proposal": proposal.pk, "officers": [proposal.proposed_by, proposal.decided_by]}
        try:
            marks.give(mark_type=mark_type, subject=subject, now=now, actor=proposal.decided_by, facts=facts)
        except UnableToMark as error:
            raise Unacceptable(str(error)) from error

    def changes(self, proposal: Proposal, *, now: int) -> Sequence[str]:
        mark_type, subject = _planned(proposal.payload, now=now)
        return [
            subject,
            _("It may fetch our trust mark %s and show it to others, until it is taken back.") % mark_type,
            *_of_border_issuer(mark_type),
        ]


def subjects() -> dict[str, int]:
    """Who may hold a mark of ours, and since when this node knows each."""
    peers = Peer.objects.filter(ended_at=None).values_list("entity_id", "proposed_at")
    below = Subordinate.objects.filter(ended_at=None).values_list("entity_id", "registered_at")
    return {**dict(peers), **dict(below)}


def payload(*, mark_type: str, subject: str) -> dict[str, object]:
    """What is to be proposed."""
    return {"mark_type": mark_type, "subject": subject, "since": subjects().get(subject)}


@transaction.atomic
def take_back(*, mark: IssuedMark, why: str, officer: str, now: int) -> None:
    """Revoke the mark at once. Raises `UnableToMark` without a reason, and for one that is revoked."""
    why = why.strip()
    if not why or len(why) > MAX_WHY:
        raise UnableToMark(f"say why, in at most {MAX_WHY} characters", code="invalid_request")
    facts = {"why": why}
    if not marks.revoke(subject=mark.subject, mark_type=mark.mark_type, now=now, actor=officer, facts=facts):
        raise UnableToMark("it is revoked", code="conflict")
    what = f"{mark.mark_type} taken back: {why}"
    reviews.record(kind=TAKEN, subject=mark.subject, what=what, officer=officer, now=now)


def _planned(value: object, *, now: int) -> tuple[str, str]:
    """Type and subject; raises `Unacceptable`."""
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise Unacceptable(_("The proposal is not written as this kind of change is."))
    mark_type, subject = value["mark_type"], value["subject"]
    for text in (mark_type, subject):
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or len(text) > ENTITY_ID:
            raise Unacceptable(_("The proposal is not written as this kind of change is."))
    try:
        mark_types.ours(mark_type, now)
    except UnableToMark as error:
        raise Unacceptable(str(error)) from error
    since = subjects().get(subject)
    if since is None or since != value["since"]:
        raise Unacceptable(_("The holder is not the one that this was proposed about: propose it anew."))
    if IssuedMark.objects.filter(subject=subject, mark_type=mark_type, revoked_at=None).exists():
        raise Unacceptable(_("It holds this trust mark."))
    return mark_type, subject


def _of_border_issuer(mark_type: str) -> list[str]:
    from_us = mark_type.endswith("/trust-marks/border-issuer")
    return [_("Gates admit its border tokens from their next bundle on.")] if from_us else []

"""Whether a border token may be issued for a document at all: whose it is, under which endorsement, by which rules."""

from dataclasses import replace
from typing import Any

from idp.accounts.models import Endorsement, TravelDocument
from idp.border.entries import standing
from idp.border.rules import book
from idp.protocol.refusals import Reason
from idp.protocol.travel_rules import TravelFacts, Verdict, evaluate, local_date, parse_endorsement


class UnableToIssue(Exception):
    """No token; ``code`` is the problem's, ``document`` whose it is where several were asked for together."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.document = code, ""


def eligible(
    document: TravelDocument, leg: tuple[str, str], direction: str, *, now: int, checkpoint: str = ""
) -> tuple[Endorsement | None, Verdict]:
    """`judge`; raises `UnableToIssue` (document_not_eligible) where the rules let the document through under nothing.

    A guardian stands beside the child at the gate and stay is for the gate to judge: only eligibility ends it here.
    """
    endorsement, verdict = judge(document, leg, direction, now=now, checkpoint=checkpoint)
    if verdict.reason is Reason.DOCUMENT_NOT_ELIGIBLE:
        raise UnableToIssue("document_not_eligible", f"rules {verdict.rules} do not let this document through")
    return endorsement, verdict


def judge(
    document: TravelDocument, leg: tuple[str, str], direction: str, *, now: int, checkpoint: str = ""
) -> tuple[Endorsement | None, Verdict]:
    """The endorsement whose entry the crossing would use, and what the rules say of it at ``checkpoint`` (entity id).

    Of several the first that the rules let through; where there is none, the first, so that somebody can read why.
    """
    judged = [
        (item, verdict_of(document, item, leg, direction, now=now, checkpoint=checkpoint))
        for item in endorsements_for(document, leg, direction, now=now)
    ]
    return next((found for found in judged if found[1].reason is not Reason.DOCUMENT_NOT_ELIGIBLE), judged[0])


def endorsements_for(
    document: TravelDocument, leg: tuple[str, str], direction: str, *, now: int
) -> list[Endorsement | None]:
    """Those under which the crossing could be made, the best first: in force and not used up, the first to end.

    Where none is, the last to end. Who goes where no endorsement leads goes under that of the stay which ends, where
    there is one: the gate sees how long it was. Never empty: None is no endorsement.
    """
    held = standing.of_document(document)
    if not held:
        return [None]
    today = local_date(now)
    origin, target = leg
    there = [item for item in held if item.destination == target and item.withdrawn_at is None]
    good = [
        item
        for item in there
        if item.valid_from <= today <= item.valid_to and standing.of(item, direction=direction).entry_left(item, today)
    ]
    if there:
        return [*good] or [there[-1]]
    stay = standing.stay(document.traveller_id, origin)
    return [next((item for item in held if stay is not None and item == stay.endorsement), None)]


def verdict_of(
    document: TravelDocument,
    endorsement: Endorsement | None,
    leg: tuple[str, str],
    direction: str,
    *,
    now: int,
    checkpoint: str = "",
) -> Verdict:
    """The rules' verdict for the document on ``leg`` under this endorsement."""
    return evaluate(
        facts_of(document, endorsement, direction),
        direction=direction,
        origin=leg[0],
        destination=leg[1],
        on=local_date(now),
        rules=book.rules(now),
        checkpoint=checkpoint,
    )


def stay_days(document: TravelDocument, endorsement: Endorsement | None, verdict: Verdict) -> int | None:
    """What a token says of the stay: the endorsement's, or the rules' where they ask for what a token does not tell."""
    if endorsement is not None:
        return endorsement.stay_days
    return verdict.stay_days if document.residence else None


def facts_of(document: TravelDocument, endorsement: Endorsement | None, direction: str) -> TravelFacts:
    """What the register knows that travel rules look at: more than a token tells, where they ask for it."""
    found = parse_endorsement(endorsement_claim(endorsement, direction))
    if found is not None and endorsement is not None:
        found = replace(found, place=endorsement.place or None)
    return TravelFacts(
        document_type=document.type,
        document_number=document.number,
        issuer=document.issued_by,
        document_expires=None if document.does_not_expire else document.expires_on,
        birth_date=document.birth_date,
        endorsement=found,
        stay_days=None,
        guardian=None,
        nationality=document.nationality,
        residence=document.residence or None,
    )


def endorsement_claim(endorsement: Endorsement | None, direction: str) -> dict[str, Any] | None:
    """An endorsement as it travels, sealed (schema: `idp.protocol.travel_rules.parse_endorsement`)."""
    if endorsement is None:
        return None
    known = standing.of(endorsement, direction=direction)
    days = {"first_entered_on": known.first_entered_on, "entered_on": known.entered_on}
    return {
        "kind": endorsement.kind,
        "destination": endorsement.destination,
        "valid_from": endorsement.valid_from.isoformat(),
        "valid_to": endorsement.valid_to.isoformat(),
        "entries_left": known.entries_left,
        "stay_days": endorsement.stay_days,
        **({"weekly": True} if endorsement.weekly else {}),
        **{name: day.isoformat() for name, day in days.items() if day is not None},
    }

"""Whether a border token may be issued for a document at all: whose it is, under which endorsement, by which rules."""

from dataclasses import replace
from typing import Any

from idp.accounts.models import Endorsement, TravelDocument, Traveller
from idp.border.policy import travel_rules
from idp.protocol.refusals import Reason
from idp.protocol.travel_rules import TravelFacts, Verdict, evaluate, local_date, parse_endorsement, parse_rules


class UnableToIssue(Exception):
    """No token; ``code`` is the problem's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def document_of(traveller: Traveller, document_id: str) -> TravelDocument:
    """The traveller's own valid document of this id; raises `UnableToIssue` (document_not_eligible)."""
    document = TravelDocument.objects.filter(pk=document_id, traveller=traveller).first()
    if document is None or document.status != TravelDocument.Status.VALID:
        raise UnableToIssue("document_not_eligible", "not a valid document of this traveller")
    return document


def endorsement_for(document: TravelDocument, territory: str, *, now: int) -> Endorsement | None:
    """The one whose entry the crossing would use: in force and not used up, the first to end; else the last to end."""
    today = local_date(now)
    held = list(document.endorsements.filter(destination=territory, withdrawn_at=None).order_by("valid_to", "pk"))
    good = [item for item in held if item.valid_from <= today <= item.valid_to and item.entries_left != 0]
    return next(iter(good), held[-1] if held else None)


def check_rules(
    document: TravelDocument,
    endorsement: Endorsement | None,
    leg: tuple[str, str],
    direction: str,
    *,
    now: int,
    checkpoint: str = "",
) -> Verdict:
    """The rules' verdict for the document on ``leg`` at ``checkpoint`` (its entity id).

    Raises `UnableToIssue` (document_not_eligible). A guardian stands beside the child at the gate and stay is for the
    gate to judge: only eligibility ends it here.
    """
    verdict = evaluate(
        facts_of(document, endorsement),
        direction=direction,
        origin=leg[0],
        destination=leg[1],
        on=local_date(now),
        rules=parse_rules(travel_rules(now)),
        checkpoint=checkpoint,
    )
    if verdict.reason is Reason.DOCUMENT_NOT_ELIGIBLE:
        raise UnableToIssue("document_not_eligible", f"rules {verdict.rules} do not let this document through")
    return verdict


def facts_of(document: TravelDocument, endorsement: Endorsement | None) -> TravelFacts:
    """What the register knows that travel rules look at: more than a token tells, where they ask for it."""
    found = parse_endorsement(endorsement_claim(endorsement))
    if found is not None and endorsement is not None:
        found = replace(found, place=endorsement.place or None)
    return TravelFacts(
        document_type=document.type,
        document_number=document.number,
        issuer=document.issued_by,
        document_expires=document.expires_on,
        birth_date=document.birth_date,
        endorsement=found,
        stay_days=None,
        guardian=None,
        nationality=document.nationality,
        residence=document.residence or None,
    )


def endorsement_claim(endorsement: Endorsement | None) -> dict[str, Any] | None:
    """An endorsement as it travels, sealed (schema: `idp.protocol.travel_rules.parse_endorsement`)."""
    if endorsement is None:
        return None
    return {
        "kind": endorsement.kind,
        "destination": endorsement.destination,
        "valid_from": endorsement.valid_from.isoformat(),
        "valid_to": endorsement.valid_to.isoformat(),
        "entries_left": endorsement.entries_left,
        "stay_days": endorsement.stay_days,
        **({"weekly": True} if endorsement.weekly else {}),
    }

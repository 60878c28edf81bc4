"""A wallet fetches the face references that it is to keep (protocol.md, Face references)."""

from idp.accounts.models import TravelDocument
from idp.biometrics import handover
from idp.border.eligibility import UnableToIssue
from idp.oidc.access import Access
from idp.protocol.authorization_details import BORDER_CROSSING, parse_border_crossing
from idp.protocol.refusals import Refusal


def fetch(*, access: Access, document: str, now: int) -> dict[str, bytes]:
    """By model, what waits of a document that the traveller's consent names. Raises `UnableToIssue`."""
    if document not in _consented(access, now=now):
        raise UnableToIssue("document_not_eligible", "no consent names the document")
    found = TravelDocument.objects.filter(pk=document, traveller=access.traveller).first()
    if found is None or found.status != TravelDocument.Status.VALID:
        raise UnableToIssue("document_not_eligible", "not a valid document of this traveller")
    return handover.hand_out(document=found, actor=f"traveller:{access.traveller.id}")


def _consented(access: Access, *, now: int) -> set[str | None]:
    named: set[str | None] = set()
    for detail in access.authorization_details:
        if detail.get("type") == BORDER_CROSSING:
            try:
                named.add(parse_border_crossing(detail, now=now).document)
            except Refusal:
                continue  # ended
    return named

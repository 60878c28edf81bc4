"""A wallet fetches the face references that it is to keep (protocol.md, Face references)."""

from idp.biometrics import handover
from idp.border import limits, people
from idp.border.eligibility import UnableToIssue
from idp.oidc.access import Access


def fetch(*, access: Access, document: str, now: int) -> dict[str, bytes]:
    """By model, what waits of a document that the traveller's consent names. Raises `UnableToIssue`."""
    if document not in {consent.document for consent in limits.living(access, now=now)}:
        raise UnableToIssue("document_not_eligible", "no consent names the document")
    person = people.holder(access.traveller, document, now=now)
    return handover.hand_out(document=person.document, actor=f"traveller:{access.traveller.id}")

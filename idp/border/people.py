"""For whom a traveller's phone may ask: the traveller, and the children for whom their account answers."""

from dataclasses import dataclass
from uuid import UUID

from idp import prepared
from idp.accounts import guardians
from idp.accounts.models import Guardianship, TravelDocument, Traveller
from idp.border.eligibility import UnableToIssue
from idp.plain_rows import Columns
from idp.protocol.travel_rules import local_date

_DOCUMENTS = Columns(TravelDocument, "d")
_ONE = f"SELECT {_DOCUMENTS.sql} FROM {_DOCUMENTS.table} WHERE d.id = $1"  # noqa: S608  constants


@dataclass(frozen=True)
class Person:
    """The holder of ``document``, who is the traveller that asks or a child of theirs."""

    document: TravelDocument
    guardian: Traveller | None

    @property
    def traveller_id(self) -> UUID:
        """The holder's, as a traveller."""
        return self.document.traveller_id  # type: ignore[return-value]  # it is linked


def holder(traveller: Traveller, document_id: str, *, now: int) -> Person:
    """Who holds the valid document of this id, if ``traveller`` may ask for them.

    Raises `UnableToIssue`: document_not_eligible, or guardianship_ended for a child for whom they answered before.
    """
    document = _document(document_id)
    if document is None or document.status != TravelDocument.Status.VALID:
        raise UnableToIssue("document_not_eligible", "not a valid document of this traveller")
    if document.traveller_id == traveller.pk:
        return Person(document, None)
    answered = Guardianship.objects.filter(guardian=traveller, ward=document.traveller_id)
    if not answered.exists():
        raise UnableToIssue("document_not_eligible", "not a valid document of this traveller")
    of_age = document.birth_date <= guardians.born_after(local_date(now))
    if of_age or not answered.filter(ended_at=None).exists():
        raise UnableToIssue("guardianship_ended", "the traveller answers for this child no more")
    return Person(document, traveller)


def _document(document_id: str) -> TravelDocument | None:
    try:
        key = UUID(document_id)
    except ValueError:
        return None
    return next((_DOCUMENTS.read(row) for row in prepared.rows(_ONE, [key.hex])), None)

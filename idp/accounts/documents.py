"""Linking a document of the register to the traveller who holds it.

Two steps, with a comparison of the face with the register's portrait between them: `find_registered`, then `link`.
"""

import datetime
import re

from django.db import transaction
from django.utils import timezone

from idp import clock
from idp.accounts.models import Guardianship, TravelDocument, Traveller
from idp.accounts.models.registry import NEVER
from idp.audit import events

_ORNAMENT = re.compile(r"[\s()（）/\-]")


class UnableToLink(Exception):
    """The document cannot be linked. ``code`` is one of `idp.problems`; the answer never says which fact was wrong."""

    def __init__(self, detail: str = "", *, code: str = "document_not_eligible") -> None:
        super().__init__(detail)
        self.code = code


def canonical_number(number: str) -> str:
    """A document number as the register keeps it: capitals, without spaces, brackets, slashes or hyphens."""
    return _ORNAMENT.sub("", number).upper()


def find_registered(
    *, type: str, number: str, birth_date: datetime.date, expires_on: datetime.date | None
) -> TravelDocument:
    """The valid document of the register with exactly these facts; ``expires_on`` None for one that does not expire.

    A document that is already linked is found too: only the face decides whose it is, and `link` refuses it. Raises
    `UnableToLink`, the same for every reason.
    """
    today = timezone.localdate(datetime.datetime.fromtimestamp(clock.now(), tz=datetime.UTC))
    document = TravelDocument.objects.filter(
        type=type,
        number=canonical_number(number),
        birth_date=birth_date,
        expires_on=expires_on or NEVER,
        expires_on__gte=today,
        status=TravelDocument.Status.VALID,
    ).first()
    if document is None:
        raise UnableToLink("no valid document of the register has these facts")
    return document


@transaction.atomic
def link(*, document: TravelDocument, traveller: Traveller, actor: str) -> TravelDocument:
    """Link ``document`` to ``traveller``, once and for ever; ``actor`` goes into the audit.

    A child's that no guardian answers for any more is the holder's own to link. Raises `UnableToLink`: conflict when
    it is linked already, document_not_eligible when it was revoked meanwhile.
    """
    linked_at = datetime.datetime.fromtimestamp(clock.now(), tz=datetime.UTC)
    found = TravelDocument.objects.select_for_update(of=("self",)).get(pk=document.pk)
    if not is_free(found):
        raise UnableToLink("linked already", code="conflict")
    if found.status != TravelDocument.Status.VALID:
        raise UnableToLink("revoked meanwhile")
    TravelDocument.objects.filter(pk=document.pk).update(traveller=traveller, linked_at=linked_at)
    document.refresh_from_db()
    events.record(
        kind="accounts.document_linked",
        actor=actor,
        subject=f"document:{document.pk}",
        data={"traveller": str(traveller.pk), "type": document.type},
    )
    return document


def is_free(document: TravelDocument) -> bool:
    """Whether nobody holds it: no account, and no child for whom a guardian answers."""
    holder = document.traveller
    if holder is None:
        return True
    return holder.account_id is None and not Guardianship.objects.filter(ward=holder, ended_at=None).exists()

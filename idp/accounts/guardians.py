"""Children who have no phone: whose account may carry their border tokens, how that begins and how it ends.

The register names a child's guardians. An account takes the child up when one of its own documents is so named, the
guardian consented and the child's face was that of the register's portrait (`idp.biometrics.children`). The child is a
traveller of its own, without an account. It ends when the child comes of age, when the guardian or an officer ends it,
or when the register names the guardian no more.
"""

import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from idp.accounts import documents
from idp.accounts.documents import UnableToLink
from idp.accounts.models import Guardianship, RegisteredGuardian, TravelDocument, Traveller
from idp.audit import events
from idp.protocol.travel_rules import local_date

OF_AGE = 18  # years, in all three territories
CONSENTS = 14  # years; younger, a guardian's consent is needed for a face (PIPL article 31, and the measures of 2025)
NO_MATCH = "no valid document of the register has these facts"
REGISTER = "register"  # who ended it, where the register names the guardian no more
AGE = "age"


def born_after(day: datetime.date, *, age: int = OF_AGE) -> datetime.date:
    """Who was born after this date is younger than ``age`` on ``day``."""
    try:
        return day.replace(year=day.year - age)
    except ValueError:  # 29 February, and no leap year then
        return day.replace(year=day.year - age, day=28)


def last_day_of_childhood(birth_date: datetime.date) -> datetime.date:
    """The day before somebody comes of age; who was born on 29 February does so on 1 March."""
    try:
        birthday = birth_date.replace(year=birth_date.year + OF_AGE)
    except ValueError:
        birthday = birth_date.replace(year=birth_date.year + OF_AGE, month=3, day=1)
    return birthday - datetime.timedelta(days=1)


def find_own(
    *, type: str, number: str, birth_date: datetime.date, expires_on: datetime.date | None, now: int
) -> TravelDocument:
    """The valid document of the register with these facts, of somebody old enough to link it. Raises `UnableToLink`."""
    if birth_date > born_after(local_date(now), age=CONSENTS):
        raise UnableToLink(NO_MATCH)
    return documents.find_registered(type=type, number=number, birth_date=birth_date, expires_on=expires_on)


def find_child(
    *,
    guardian: Traveller,
    type: str,
    number: str,
    birth_date: datetime.date,
    expires_on: datetime.date | None,
    now: int,
) -> TravelDocument:
    """The valid document of the register with these facts, of a child whose guardian ``guardian`` is by the register.

    Raises `UnableToLink`, the same for every reason: whether a child is registered is nobody's business.
    """
    document = documents.find_registered(type=type, number=number, birth_date=birth_date, expires_on=expires_on)
    if not may_take_up(document=document, guardian=guardian, now=now):
        raise UnableToLink(NO_MATCH)
    return document


def may_take_up(*, document: TravelDocument, guardian: Traveller, now: int) -> bool:
    """Whether it is a child's, not linked by an account, and the register names a valid document of ``guardian``."""
    held_by_account = document.traveller is not None and document.traveller.account_id is not None
    if held_by_account or document.birth_date <= born_after(local_date(now)):
        return False
    return any(own.usable_on(local_date(now)) for own in _named(document, guardian))


@transaction.atomic
def take_up(
    *, document: TravelDocument, guardian: Traveller, consented_at: int, actor: str, now: int
) -> TravelDocument:
    """Have ``guardian`` answer for the holder of ``document``, who becomes a traveller if the child is none yet.

    ``consented_at`` is when the guardian agreed to the use of the child's face. Raises `UnableToLink`: conflict where
    the guardian answers for the child already or an account holds the document, else document_not_eligible.
    """
    document = TravelDocument.objects.select_for_update(of=("self",)).get(pk=document.pk)
    if document.traveller is not None and document.traveller.account_id is not None:
        raise UnableToLink("linked to an account", code="conflict")
    if document.status != TravelDocument.Status.VALID or not may_take_up(document=document, guardian=guardian, now=now):
        raise UnableToLink("revoked, of age, or not of this guardian any more")
    if document.traveller is None:
        ward = _known_by(document, guardian) or Traveller.objects.create(account=None, ward_since=now)
        document = documents.link(document=document, traveller=ward, actor=actor)
    known = Guardianship.objects.filter(guardian=guardian, ward=document.traveller, ended_at=None)
    if known.exists():
        return document
    try:
        with transaction.atomic():
            row = known.create(guardian=guardian, ward=document.traveller, consented_at=consented_at, began_at=now)
    except IntegrityError as error:  # accounts_guardianship_one_living: another document of the child, at once
        raise UnableToLink("taken up meanwhile", code="conflict") from error
    data = {"guardian": str(guardian.pk), "ward": str(row.ward_id), "consented_at": consented_at}
    events.record(kind="accounts.guardianship_began", actor=actor, subject=f"guardianship:{row.pk}", data=data)
    return document


@transaction.atomic
def end(*, guardianship: Guardianship, actor: str, now: int) -> bool:
    """End it for good; whether it was living. What the guardian's phone carries for the child is then taken back."""
    living = Guardianship.objects.filter(pk=guardianship.pk, ended_at=None)
    if not living.update(ended_at=Greatest(F("began_at"), now), ended_by=actor[:150]):  # a clock may have gone back
        return False
    data = {"guardian": str(guardianship.guardian_id), "ward": str(guardianship.ward_id)}
    events.record(kind="accounts.guardianship_ended", actor=actor, subject=f"guardianship:{guardianship.pk}", data=data)
    return True


def end_of_age(*, now: int) -> int:
    """End those whose child has come of age; how many."""
    grown = TravelDocument.objects.filter(birth_date__lte=born_after(local_date(now))).values("traveller")
    rows = Guardianship.objects.filter(ended_at=None, ward__in=grown)
    return sum(end(guardianship=row, actor=AGE, now=now) for row in rows)


def follow_register(*, document: TravelDocument, now: int) -> None:
    """End those guardianships of the document's holder that the register does not bear out any more."""
    for row in Guardianship.objects.filter(ward=document.traveller_id, ended_at=None).select_related("guardian"):
        if not any(_named(held, row.guardian) for held in TravelDocument.objects.filter(traveller=row.ward_id)):
            end(guardianship=row, actor=REGISTER, now=now)


def children(*, guardian: Traveller, now: int) -> QuerySet[TravelDocument]:
    """The documents of the children for whom ``guardian`` answers now."""
    wards = Guardianship.objects.filter(guardian=guardian, ended_at=None).values("ward")
    return TravelDocument.objects.filter(traveller__in=wards, birth_date__gt=born_after(local_date(now)))


def answered_for(*, traveller: Traveller, now: int) -> list[Traveller]:
    """``traveller``, and the children for whom they answer."""
    return [traveller, *Traveller.objects.filter(documents__in=children(guardian=traveller, now=now)).distinct()]


def _named(document: TravelDocument, guardian: Traveller) -> list[TravelDocument]:
    """The guardian's own documents that the register names for ``document``."""
    pairs = RegisteredGuardian.objects.filter(document=document).values_list("type", "number")
    named = Q(pk__in=[])
    for kind, number in pairs:
        named |= Q(type=kind, number=number)
    return list(TravelDocument.objects.filter(named, traveller=guardian, issued_by=document.issued_by))


def _known_by(document: TravelDocument, guardian: Traveller) -> Traveller | None:
    """The child, where the guardian answers already for a holder with the same facts: a second document of one child.

    Twins have two names, and the register that names one guardian for both documents is one and the same.
    """
    wards = Guardianship.objects.filter(guardian=guardian, ended_at=None).values("ward")
    facts = {name: getattr(document, name) for name in ("issued_by", "name_native", "name_latin", "birth_date", "sex")}
    held = TravelDocument.objects.filter(traveller__in=wards, **facts).select_related("traveller").first()
    return held.traveller if held is not None else None

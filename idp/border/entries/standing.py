"""What is known of an endorsement and of a stay, read off the crossings that were confirmed."""

import datetime
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet

from idp import prepared
from idp.accounts.models import Endorsement, TravelDocument
from idp.border.models import ConfirmedCrossing
from idp.border.models.entries import RESERVED
from idp.plain_rows import Columns
from idp.protocol.travel_rules import local_date

_ENDORSEMENT = Columns(Endorsement, "e")
_KNOWN = ("first_entered_at", "last_entered_at", "entries_reserved", "last_reserved_at")
_ENTERED, _RESERVED = "FILTER (WHERE c.direction = 'entry')", f"FILTER (WHERE c.use = '{RESERVED}')"
_OF_DOCUMENT = (
    f"SELECT {_ENDORSEMENT.sql}, MIN(c.at) {_ENTERED}, MAX(c.at) {_ENTERED}, "  # noqa: S608  constants
    f"COUNT(c.id) {_RESERVED}, MAX(c.at) {_RESERVED} FROM {_ENDORSEMENT.table} "
    f"LEFT JOIN {ConfirmedCrossing._meta.db_table} c ON c.endorsement_id = e.id "
    "WHERE e.document_id = $1 GROUP BY e.id ORDER BY e.valid_to, e.id"
)


@dataclass(frozen=True)
class Standing:
    """``entries_left`` None: without limit. The days are those of the first and the last entry, None: none yet."""

    entries_left: int | None
    first_entered_on: datetime.date | None
    entered_on: datetime.date | None

    def entry_left(self, endorsement: Endorsement, on: datetime.date) -> bool:
        """Whether one more entry may be made on the day ``on``, by number and by natural week."""
        this_week = self.entered_on is not None and self.entered_on.isocalendar()[:2] == on.isocalendar()[:2]
        return self.entries_left != 0 and not (endorsement.weekly and this_week)


def of_document(document: TravelDocument) -> list[Endorsement]:
    """The document's endorsements with what `of` needs, the first to end first; one statement, for every phone asks."""
    found = []
    for row in prepared.rows(_OF_DOCUMENT, [document.pk.hex]):
        endorsement = _ENDORSEMENT.read(row)
        for name, value in zip(_KNOWN, row[len(_ENDORSEMENT) :], strict=True):
            setattr(endorsement, name, None if value is None else int(value))
        found.append(endorsement)
    return found


def with_crossings(endorsements: QuerySet[Endorsement]) -> QuerySet[Endorsement]:
    """``endorsements`` with what `of` needs, in one query."""
    entered, reserved = Q(crossings__direction="entry"), Q(crossings__use=RESERVED)
    return endorsements.annotate(
        first_entered_at=Min("crossings__at", filter=entered),
        last_entered_at=Max("crossings__at", filter=entered),
        entries_reserved=Count("crossings", filter=reserved),
        last_reserved_at=Max("crossings__at", filter=reserved),
    )


def of(endorsement: Endorsement, *, direction: str) -> Standing:
    """What a crossing in ``direction`` finds of ``endorsement``.

    An exit begins another trip: what travellers on their way have reserved is as good as used. An entry is made under
    what its exit reserved, and finds all that no entry has used.
    """
    if not hasattr(endorsement, "entries_reserved"):
        endorsement = with_crossings(Endorsement.objects).get(pk=endorsement.pk)
    left, last = endorsement.entries_left, endorsement.last_entered_at
    if direction == "exit":
        left = None if left is None else max(0, left - endorsement.entries_reserved)
        last = max((at for at in (last, endorsement.last_reserved_at) if at is not None), default=None)
    return Standing(left, _day(endorsement.first_entered_at), _day(last))


@dataclass(frozen=True)
class Stay:
    """A stay in ``territory`` that no exit has ended; ``until`` is its last day, as its endorsement says."""

    territory: str
    endorsement: Endorsement
    entered_on: datetime.date
    until: datetime.date

    def overstayed(self, on: datetime.date) -> bool:
        return on > self.until


def stay(traveller: object, territory: str) -> Stay | None:
    """The traveller's stay in ``territory`` under an endorsement of ours; None where there is none, or it has ended.

    It has ended where a later crossing leads elsewhere: the exit that the receiving authority confirmed, or the entry
    at home where that came first.
    """
    crossings = ConfirmedCrossing.objects.filter(traveller=traveller)
    entries = crossings.filter(territory=territory, direction="entry").select_related("endorsement")
    entered = entries.order_by("-at", "-pk").first()
    if entered is None or entered.endorsement is None:
        return None
    if crossings.filter(at__gte=entered.at).exclude(territory=territory).exists():
        return None
    day = local_date(entered.at)
    until = day + datetime.timedelta(days=entered.endorsement.stay_days)
    return Stay(territory, entered.endorsement, day, until)


def _day(at: int | None) -> datetime.date | None:
    return None if at is None else local_date(at)

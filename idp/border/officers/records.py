"""What the lanes and the peers reported, for officers: crossings, tokens that passed twice, receipts."""

from dataclasses import fields

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.audit.reading import Shown
from idp.border import conditions, paging, recording
from idp.border.entries import discrepancies
from idp.border.officers import facts, questions, searching
from idp.border.officers.base import OfficerView
from idp.border.records import reading
from idp.border.records.reading import Wanted
from idp.problems import Problem

VIEW = "border.view_"


class Crossings(OfficerView):
    """Decisions of the lanes, newest first."""

    permissions = {"GET": (f"{VIEW}journalentry",)}
    asks, gives, listed = {"GET": questions.Crossings}, {"GET": facts.Crossing}, True

    @transaction.atomic
    def get(self, request: Request) -> Response:
        asked, now = self.asked(request), clock.now()
        wanted = Wanted(**{field.name: asked[field.name] for field in fields(Wanted) if field.name in asked})
        rows = reading.entries(wanted, now=now)
        found = paging.page(rows, order=reading.ORDER, after=asked["after"], limit=asked["limit"])
        whose = reading.travellers(found.rows)
        self.look(request, asked, subject="crossings", what="list", kind=Shown.CROSSINGS, whose=whose)
        since, until = reading.span(wanted, now=now)
        return self.answer_page(request, found, since=since, until=until)


class Crossing(OfficerView):
    """One decision, by its place: checkpoint, lane and number."""

    permissions = {"GET": (f"{VIEW}journalentry",)}
    asks, gives, codes = {"GET": questions.Why}, {"GET": facts.Crossing}, ("not_found",)

    @transaction.atomic
    def get(self, request: Request, checkpoint: str, lane: str, seq: int) -> Response:
        asked = self.asked(request)
        row = reading.entry(checkpoint=checkpoint, lane=lane, seq=seq)
        if row is None:
            raise Problem("not_found", "no such entry")
        place, whose = f"crossing:{checkpoint}/{lane}/{seq}", reading.travellers([row])
        self.look(request, asked, subject=place, what="crossing", kind=Shown.CROSSINGS, whose=whose)
        return self.answer(request, row)


class Alerts(OfficerView):
    """Tokens that let somebody pass at two lanes, newest first."""

    permissions = {"GET": (f"{VIEW}duplicatealert",)}
    asks, gives, listed = {"GET": questions.Alerts}, {"GET": facts.Alert}, True

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows = searching.alerts(asked)
        found = paging.page(rows, order=searching.ALERTS, after=asked["after"], limit=asked["limit"])
        return self.answer_page(request, found)


class Alert(OfficerView):
    """One such token."""

    permissions = {"GET": (f"{VIEW}duplicatealert",)}
    asks, gives, codes = {"GET": questions.Nothing}, {"GET": facts.Alert}, ("not_found",)

    def get(self, request: Request, number: int) -> Response:
        self.asked(request)
        return self.answer(request, searching.alert(number))


class ResolveAlert(OfficerView):
    """An officer has looked into it; If-Match says into what."""

    permissions = {"POST": (f"{VIEW}duplicatealert", "border.change_duplicatealert")}
    gives = {"POST": facts.Alert}
    codes = ("not_found", "precondition_required", "precondition_failed")

    @transaction.atomic
    def post(self, request: Request, number: int) -> Response:
        row = searching.alert(number, to_change=True)
        conditions.require_match(request, self.facts(request, row))
        recording.resolve(alert=row, officer=self.officer(request), now=clock.now())
        return self.answer(request, searching.alert(number))


class Discrepancies(OfficerView):
    """Exits without entry, entries without exit and whatever else does not add up, newest first."""

    permissions = {"GET": (f"{VIEW}discrepancy",)}
    asks, gives, listed = {"GET": questions.Discrepancies}, {"GET": facts.DiscrepancyFacts}, True

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows = searching.discrepancies(asked)
        found = paging.page(rows, order=searching.ALERTS, after=asked["after"], limit=asked["limit"])
        return self.answer_page(request, found)


class Discrepancy(OfficerView):
    """One thing that does not add up."""

    permissions = {"GET": (f"{VIEW}discrepancy",)}
    asks, gives, codes = {"GET": questions.Nothing}, {"GET": facts.DiscrepancyFacts}, ("not_found",)

    def get(self, request: Request, number: int) -> Response:
        self.asked(request)
        return self.answer(request, searching.discrepancy(number))


class ResolveDiscrepancy(OfficerView):
    """An officer has looked into it; If-Match says into what."""

    permissions = {"POST": (f"{VIEW}discrepancy", "border.change_discrepancy")}
    gives = {"POST": facts.DiscrepancyFacts}
    codes = ("not_found", "precondition_required", "precondition_failed")

    @transaction.atomic
    def post(self, request: Request, number: int) -> Response:
        row = searching.discrepancy(number, to_change=True)
        conditions.require_match(request, self.facts(request, row))
        discrepancies.resolve(discrepancy=row, officer=self.officer(request), now=clock.now())
        return self.answer(request, searching.discrepancy(number))


class OwedReceipts(OfficerView):
    """What peers are to be told of crossings on their tokens, newest first."""

    permissions = {"GET": (f"{VIEW}outgoingreceipt",)}
    asks, gives, listed = {"GET": questions.OwedReceipts}, {"GET": facts.OwedReceipt}, True

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows = searching.owed_receipts(asked)
        found = paging.page(rows, order=searching.RECEIPTS, after=asked["after"], limit=asked["limit"])
        return self.answer_page(request, found)


class Receipts(OfficerView):
    """What peers told of crossings on tokens of this node, newest first."""

    permissions = {"GET": (f"{VIEW}crossingreceipt",)}
    asks, gives, listed = {"GET": questions.Receipts}, {"GET": facts.Receipt}, True

    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows = searching.receipts(asked)
        found = paging.page(rows, order=searching.RECEIPTS, after=asked["after"], limit=asked["limit"])
        return self.answer_page(request, found)

"""Whose tokens they are, for officers: by the whole of a document's number, and each look is an event."""

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.audit.reading import Shown
from idp.border import paging, revocation
from idp.border.officers import facts, questions, searching
from idp.border.officers.base import OfficerView
from idp.problems import Problem

SEE, CHANGE = "border.view_issuedtoken", "border.change_issuedtoken"


class SearchDocuments(OfficerView):
    """A document by the whole of its number, which stands in the body, so that no log of URLs has it."""

    permissions = {"POST": ("accounts.view_traveldocument",)}
    takes, gives, codes = {"POST": questions.DocumentNumber}, {"POST": facts.Document}, ("not_found",)

    def post(self, request: Request) -> Response:
        taken = self.taken(request)
        with transaction.atomic():
            row = searching.document(issued_by=taken["issued_by"], type=taken["type"], number=taken["number"])
            # Also a search that finds nothing: who tries number after number is to be seen.
            found = f"document:{row.pk if row else 'none'}"
            whose = [found] if row else []
            self.look(request, taken, subject=found, what="search", kind=Shown.DOCUMENTS, whose=whose)
        if row is None:
            raise Problem("not_found", "no such document")
        return Response(self.facts(request, row))


class Tokens(OfficerView):
    """Border tokens of one document or one traveller, newest first."""

    permissions = {"GET": (SEE,)}
    asks, gives, listed = {"GET": questions.Tokens}, {"GET": facts.Token}, True

    @transaction.atomic
    def get(self, request: Request) -> Response:
        asked = self.asked(request)
        rows = searching.tokens(asked)
        found = paging.page(rows, order=searching.TOKENS, after=asked["after"], limit=asked["limit"])
        searching.with_state(found.rows, now=clock.now())
        whose = next(f"{name}:{asked[name]}" for name in ("document", "traveller") if name in asked)
        self.look(request, asked, subject=whose, what="tokens", kind=Shown.TOKENS, whose=[whose])
        return self.answer_page(request, found)


class Token(OfficerView):
    """One border token and what became of it."""

    permissions = {"GET": (SEE,)}
    asks, gives, codes = {"GET": questions.Why}, {"GET": facts.Token}, ("not_found",)

    @transaction.atomic
    def get(self, request: Request, jti: str) -> Response:
        asked = self.asked(request)
        row = searching.token(jti)
        whose = [f"traveller:{row.traveller_id}"]
        self.look(request, asked, subject=f"token:{row.jti}", what="token", kind=Shown.TOKENS, whose=whose)
        return self.answer(request, *searching.with_state([row], now=clock.now()))


class Revocations(OfficerView):
    """Take back, suspend or reinstate the living tokens of a traveller, a phone, a document and the like.

    Again changes nothing, and so there is nothing that If-Match could save.
    """

    permissions = {"POST": (SEE, CHANGE)}
    takes, gives = {"POST": questions.Revocation}, {"POST": facts.Changed}
    codes = ("not_found", "conflict")

    def post(self, request: Request) -> Response:
        taken = self.taken(request)
        if taken["what"] == "device" and not request.user.has_perm("accounts.change_device"):
            raise Problem("forbidden", "a phone's tokens are taken back with the phone")
        count = revocation.carry_out(**taken, actor=self.officer(request), now=clock.now())
        return Response(self.facts(request, {"tokens": count}))

"""Where and by what travellers cross, for officers: checkpoints and lanes, travel rules, the watch list."""

from django.middleware.csrf import get_token
from rest_framework.request import Request
from rest_framework.response import Response

from idp import clock
from idp.border import conditions, paging, policy
from idp.border.asking import Paged
from idp.border.models import WatchlistEntry
from idp.border.officers import facts, questions, searching
from idp.border.officers.base import OfficerView
from idp.border.rules import explaining
from idp.problems import Problem

RULES = "border.view_ruleversion"


class Session(OfficerView):
    """Who asks, with which permissions, and the token that a change needs."""

    asks, gives = {"GET": questions.Nothing}, {"GET": facts.Session}

    def get(self, request: Request) -> Response:
        self.asked(request)
        user = request.user
        told = {"officer": self.officer(request), "permissions": sorted(user.get_all_permissions())}
        return self.answer(request, {**told, "csrf_token": get_token(request._request)})


class Checkpoints(OfficerView):
    """Checkpoints with their lanes as they reported themselves, the latest registered first."""

    permissions = {"GET": ("border.view_checkpoint", "border.view_lane")}
    asks, gives, listed, cache = {"GET": Paged}, {"GET": facts.CheckpointState}, True, conditions.SHARED

    def get(self, request: Request) -> Response:
        found = paging.page(searching.checkpoints(), order=searching.CHECKPOINTS, **self.asked(request))
        searching.with_bundles(found.rows)
        return self.answer_page(request, found)


class Checkpoint(OfficerView):
    """One checkpoint with its lanes."""

    permissions = {"GET": ("border.view_checkpoint", "border.view_lane")}
    asks, gives, cache = {"GET": questions.Nothing}, {"GET": facts.CheckpointState}, conditions.SHARED
    codes = ("not_found",)

    def get(self, request: Request, code: str) -> Response:
        self.asked(request)
        return self.answer(request, *searching.with_bundles([searching.checkpoint(code)]))


class Rules(OfficerView):
    """The travel rules that the gates are given now."""

    permissions = {"GET": (RULES,)}
    asks, gives, cache = {"GET": questions.Nothing}, {"GET": facts.Rules}, conditions.SHARED

    def get(self, request: Request) -> Response:
        self.asked(request)
        return self.answer(request, {"items": policy.travel_rules(clock.now())})


class Explanations(OfficerView):
    """What each travel rule says of a traveller at a checkpoint, and why."""

    permissions = {"POST": (RULES, "accounts.view_traveldocument")}
    takes, gives, codes = {"POST": questions.RulesQuestion}, {"POST": facts.Explanation}, ("not_found",)

    def post(self, request: Request) -> Response:
        taken, now = self.taken(request), clock.now()
        try:
            found = explaining.explain(
                traveller=explaining.traveller_called(str(taken["traveller"])),
                place=explaining.place_called(taken["checkpoint"], now=now),
                at=taken.get("at", now),
                actor=self.officer(request),
                reason=taken["purpose"],
                case=taken.get("case", ""),
                directions=sorted(taken["directions"]),
                document=taken["document"],
            )
        except explaining.UnableToExplain as error:
            raise Problem("not_found", str(error)) from error
        return Response(self.facts(request, {"items": found}))


class WatchList(OfficerView):
    """How long the watch list is."""

    permissions = {"GET": ("border.view_watchlistentry",)}
    asks, gives = {"GET": questions.Nothing}, {"GET": facts.WatchList}

    def get(self, request: Request) -> Response:
        self.asked(request)
        return self.answer(request, {"size": WatchlistEntry.objects.count()})

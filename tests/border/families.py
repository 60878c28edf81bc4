"""A guardian and children of the world's traveller, and how a group asks."""

import datetime
from typing import Any

from django.http import HttpResponse

from idp.accounts.models import Guardianship, TravelDocument, Traveller
from idp.oidc.models import Grant
from tests.border.world import World

BORN = datetime.date(2021, 6, 1)


def child(world: World, number: str = "A7654321", **changes: Any) -> TravelDocument:
    """A child of the world's traveller, with a face of its own."""
    ward = Traveller.objects.create(account=None, ward_since=world.now)
    answers(world, ward)
    facts = {"name_native": "陳小文", "name_latin": "CHAN, SIU MAN", "birth_date": BORN, "face": b"\x02" * 128}
    document: TravelDocument = world.give(ward, number, **{**facts, **changes})
    return document


def answers(world: World, ward: Traveller) -> Guardianship:
    return Guardianship.objects.create(
        guardian=world.traveller, ward=ward, consented_at=world.now - 9, began_at=world.now - 9
    )


def granted(world: World, *children: TravelDocument, **changes: Any) -> Grant:
    """A grant for the traveller and each child, as the consent page gives it."""
    own = world.detail(**changes)
    wards = [{**own, "document": str(card.pk), "ward": place} for place, card in enumerate(children, 1)]
    return world.grant(own, *wards)


def ask(world: World, grant: Grant, *documents: TravelDocument, **changes: Any) -> HttpResponse:
    """``POST /border/v1/tokens`` for a group."""
    token = world.access_token(grant)
    body = world.body(token, **{"format": "cwt", "documents": [str(card.pk) for card in documents], **changes})
    del body["document"]
    return world.post("/border/v1/tokens", body, headers=world.authorized("/border/v1/tokens", token))

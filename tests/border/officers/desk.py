"""What stands on an officer's desk: a session with a second factor, and crossings, alerts and tokens to look at."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from idp.accounts.models import Account
from idp.border import recording
from idp.border.entries import discrepancies
from idp.border.models import CrossingReceipt, Discrepancy, DuplicateAlert, IssuedToken, OutgoingReceipt
from tests.border.world import World, browser

API = "/border/v1/officers"
WHY = {"purpose": "referral"}


def officer(*permissions: str, name: str = "officer-9", **options: Any) -> Client:
    """An officer with these permissions ("border.view_lane") and no others."""
    account = Account.objects.create_user(name, kind="officer", is_staff=True)
    for each in permissions:
        room, _, codename = each.partition(".")
        account.user_permissions.add(Permission.objects.get(content_type__app_label=room, codename=codename))
    return browser(account, **options)


def chief(**options: Any) -> Client:
    """An officer with every permission."""
    return browser(Account.objects.create_superuser("chief", "x"), **options)


class Desk:
    """A token, one token that passed at two lanes, an entry without exit, a receipt owed and one received."""

    def __init__(self, world: World) -> None:
        self.world = world
        assert world.ask().status_code == 201
        self.token = IssuedToken.objects.get(traveller=world.traveller)
        other = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
        for gate in (world.gate, other):
            gate.entry(world.now, jti="twice", iss="https://cn.example")
            recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
        self.alert = DuplicateAlert.objects.get()
        self.owed = OutgoingReceipt.objects.first()
        self.received = CrossingReceipt.objects.create(
            sender="https://cn.example",
            token_jti="elsewhere",
            receipt_jti="r",
            checkpoint="https://cn.example/checkpoints/x",
            direction="entry",
            at=world.now,
            received_at=world.now,
        )
        alone = {"jti": "alone", "checkpoint": world.checkpoint.entity_id, "direction": "entry", "at": world.now}
        with transaction.atomic():
            cn = "https://cn.example"
            discrepancies.keep(kind="entry_alone", authority=cn, facts=alone, beside={}, now=world.now)
        self.discrepancy = Discrepancy.objects.get()
        self.question = {"traveller": str(world.traveller.pk), "checkpoint": "lo-wu", "directions": ["exit"]}
        self.number = {"issued_by": "HKG", "type": "hkid", "number": world.document.number}


def ask(client: Client, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
    return client.get(API + path, query or {}, headers={name.replace("_", "-"): each for name, each in headers.items()})


def send(client: Client, path: str, body: Any = None, **headers: str) -> HttpResponse:
    known = {name.replace("_", "-"): each for name, each in headers.items()}
    return client.post(API + path, body or {}, content_type="application/json", headers=known)

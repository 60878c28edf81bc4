"""Travellers, documents and browsers for the tests of this room."""

import datetime
import json
from typing import Any

from django.test import Client

from idp.accounts import registration
from idp.accounts.models import TravelDocument, Traveller
from idp.demo.authenticator import Authenticator

ORIGIN = "http://hk.localhost:8002"
HOST = "hk.localhost"
PASSWORD = "a long and quiet word"


def traveller(username: str = "siu.ming", password: str = PASSWORD) -> Traveller:
    return registration.with_password(username=username, display_name="", password=password)


def document(**changes: Any) -> TravelDocument:
    facts = {
        "type": "hkid",
        "number": "A1234563",
        "name_native": "陳大文",
        "name_latin": "CHAN TAI MAN",
        "birth_date": datetime.date(1990, 1, 1),
        "sex": "M",
        "nationality": "CHN",
        "issued_by": "HKG",
        "expires_on": datetime.date(2040, 1, 1),
    }
    return TravelDocument.objects.create(**{**facts, **changes})


class Browser:
    """A Django test client that speaks the JSON of the passkey script, with an authenticator beside it."""

    def __init__(self, authenticator: Authenticator | None = None, **options: Any) -> None:
        self.client = Client(headers={"host": HOST}, **options)
        self.authenticator = authenticator or Authenticator(origin=ORIGIN)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        return self.client.post(path, json.dumps(body), content_type="application/json", **options)

    def options(self, kind: str, **body: Any) -> dict[str, Any]:
        answer = self.post(f"/account/passkeys/{kind}/options", body)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def register(self, username: str = "siu.ming", **body: Any) -> Any:
        credential = self.authenticator.create(self.options("register", username=username))
        return self.post("/account/passkeys/register", {"credential": credential, **body})

    def assertion(self) -> dict[str, Any]:
        return self.authenticator.get(self.options("login"))

    def login(self, **body: Any) -> Any:
        return self.post("/account/passkeys/login", {"credential": self.assertion(), **body})

    def login_by_password(self, username: str = "siu.ming", password: str = PASSWORD, **body: Any) -> Any:
        return self.client.post("/account/login", {"username": username, "password": password, **body})

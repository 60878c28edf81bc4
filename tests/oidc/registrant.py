"""Somebody who registers a client over the network, and what comes back."""

import json
from typing import Any

from django.http import HttpResponse

from tests.oidc.basic_party import BasicParty
from tests.oidc.world import CALLBACK, NODE, World
from tests.simulators.federation import REMOVE

METADATA = {"client_name": "Clinic", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"]}


class Registrant:
    """Somebody at the registration endpoint, with or without a token."""

    def __init__(self, world: World, token: str | None = None) -> None:
        self.world, self.token = world, token

    def send(self, method: str, path: str, body: Any = None, *, token: str | None = "", **extra: Any) -> HttpResponse:
        token = self.token if token == "" else token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        text = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        kind = extra.pop("content_type", "application/json")
        return self.world.machine.generic(method, path, text or b"", content_type=kind, headers=headers)

    def register(self, *, token: str | None = "", **changes: Any) -> HttpResponse:
        body = {name: value for name, value in {**METADATA, **changes}.items() if value is not REMOVE}
        return self.send("POST", "/oidc/register", body, token=token)

    def registered(self, **changes: Any) -> dict[str, Any]:
        answer = self.register(**changes)
        assert answer.status_code == 201, answer.content
        return dict(answer.json())


def party(world: World, made: dict[str, Any]) -> BasicParty:
    """The registered client at the other endpoints."""
    found = BasicParty.__new__(BasicParty)
    found.world, found.client_id = world, made["client_id"]
    return found


def refusal(answer: HttpResponse) -> tuple[int, str]:
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


def path(of: dict[str, Any]) -> str:
    return str(of["registration_client_uri"].removeprefix(NODE))

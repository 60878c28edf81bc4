"""What stands for the placeholders of docs/api.md, at a node where everything has happened that they speak of."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.test import Client

from idp.biometrics.engine import EMBEDDED_MODEL
from idp.protocol import journal
from tests.border.officers.desk import Desk, ask, chief
from tests.border.world import World
from tests.docs.examples import Example, Message

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Node:
    """A node with a desk, and who asks it: a wallet, a gate, an officer."""

    def __init__(self, world: World) -> None:
        self.world, self.desk = world, Desk(world)
        self.chief = chief(enforce_csrf_checks=True)
        self.token = world.access_token()
        self.stranger = Client()

    def run(self, example: Example) -> HttpResponse:
        """Send the request as it stands, with what its placeholders stand for."""
        filled = self._filled(example)
        if "{etag}" in "".join(example.request.headers.values()):
            unconditional = {name: text for name, text in filled.headers.items() if name != "If-None-Match"}
            seen = self._send(Message(filled.first, unconditional, filled.body))["ETag"]
            again = self._filled(example)  # a proof or an assertion is good once
            filled = Message(again.first, {**again.headers, "If-None-Match": seen}, again.body)
        return self._send(filled)

    def _send(self, message: Message) -> HttpResponse:
        method, target, _ = message.first.split(" ")
        headers = dict(message.headers)
        kind = headers.pop("Content-Type", "")
        return self.stranger.generic(method, target, message.body.encode(), content_type=kind, headers=headers)

    def _filled(self, example: Example) -> Message:
        known = self._values(example)

        def fill(text: str) -> str:
            return _PLACEHOLDER.sub(lambda match: known[match[1]](), text)

        request = example.request
        headers = {name: fill(text) for name, text in request.headers.items()}
        return Message(fill(request.first), headers, fill(request.body))

    def _values(self, example: Example) -> dict[str, Callable[[], str]]:
        world, desk = self.world, self.desk
        path = example.target.partition("?")[0].replace("{jti}", desk.token.jti)
        gate = world.gate
        return {
            "access_token": lambda: self.token,
            "proof": lambda: world.authorized(path, self.token, method=example.method)["DPoP"],
            "holder_proof": lambda: str(world.body(self.token)["proof"]),
            "checkpoint": lambda: world.checkpoint.entity_id,
            "document": lambda: str(world.document.pk),
            "traveller": lambda: str(world.traveller.pk),
            "jti": lambda: str(desk.token.jti),
            "etag": lambda: "",
            "lane_code": lambda: str(world.invite(world.checkpoint, "3", "entry")["code"]),
            "lane_jwk": lambda: json.dumps(gate.key.public.jwk()),
            "sealing_jwks": lambda: json.dumps({"keys": [key.public.jwk() for key in gate.sealing]}),
            "face_models": lambda: json.dumps([EMBEDDED_MODEL]),
            "lane_assertion": lambda: gate.assertion(world.now),
            "journal_entries": lambda: json.dumps(self._batch()["entries"]),
            "journal_head": lambda: str(journal.sign_head(gate.entries[1:], gate.key)["head"]),
            "session": self._cookies,
            "csrf_token": lambda: str(self.chief.cookies["csrf"].value),
            "alert": lambda: str(desk.alert.pk),
            "alert_etag": lambda: ask(self.chief, f"/alerts/{desk.alert.pk}")["ETag"],
        }

    def _batch(self) -> dict[str, Any]:
        gate = self.world.gate
        gate.entry(self.world.now)
        return gate.batch(2)

    def _cookies(self) -> str:
        ask(self.chief, "/session")
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self.chief.cookies.items())

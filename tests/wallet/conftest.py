"""A live authority, a live messenger, and a phone between them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from idp import clock
from idp.inbound import DeviceServer
from idp.wallet import config
from idp.wallet.config import MessengerConfig
from idp.wallet.messenger import MAX_BODY, Messenger
from idp.wallet.phone import Phone
from tests.wallet.authority import AuthoritySimulator

CALLBACK = "http://phone.localhost:9001/callback"


@dataclass
class World:
    authority: AuthoritySimulator
    messenger: Messenger
    phone: Phone

    def grant(self, **changes: str | None) -> Any:
        """The way to a grant, with ``changes`` to the authority's answer."""
        now = clock.now()
        started = self.phone.authorize(crossing="day", now=now)
        return self.phone.finish(self.authority.answer(started.authorization_url, **changes), now=now)

    def token(self, form: str = "cwt", direction: str = "exit") -> Any:
        return self.phone.fetch(checkpoint=self.authority.checkpoint, direction=direction, form=form, now=clock.now())


def phone_config(path: Path, authority: AuthoritySimulator, messenger: str, redirect_uri: str = CALLBACK) -> Path:
    steps = [
        {"checkpoint": authority.checkpoint, "direction": "exit", "name": {"en": "West", "zh-Hans": "西站"}},
        {"checkpoint": "http://cn.localhost:9/checkpoints/bay", "direction": "entry", "name": {"en": "Bay"}},
    ]
    anchors = {entity_id: key_set.jwks() for entity_id, key_set in authority.anchors.items()}
    value = {
        "messenger": messenger,
        "home": authority.url,
        "anchors": anchors,
        "crossings": [{"id": "day", "title": {"en": "To the bay", "zh-Hans": "去海湾"}, "steps": steps}],
        "redirect_uri": redirect_uri,
        "insecure_loopback_http": True,
    }
    path.write_text(json.dumps(value))
    return path


def messenger_config(entity_id: str, authority: AuthoritySimulator, redirect_uri: str = CALLBACK) -> MessengerConfig:
    return MessengerConfig(
        entity_id=entity_id,
        name={"en": "Harbour Messenger", "zh-hans": "海港信使"},
        authority_hints=(authority.url,),
        providers=frozenset({authority.url}),
        redirect_uris=(redirect_uri,),
    )


@pytest.fixture
def authority() -> Iterator[AuthoritySimulator]:
    simulator = AuthoritySimulator()
    with simulator.server:
        yield simulator


@contextmanager
def built(authority: AuthoritySimulator, tmp_path: Path, *, method: str = config.PRIVATE_KEY_JWT) -> Iterator[World]:
    """The world whose messenger registered ``method``, as its phone knows."""
    routes: dict[Any, Any] = {}
    with DeviceServer(host="127.0.0.1", port=0, routes={}, max_body=MAX_BODY) as placeholder:
        port = placeholder.port
    entity_id = f"http://messenger.localhost:{port}"
    registered = replace(messenger_config(entity_id, authority), token_endpoint_auth_method=method)
    messenger = Messenger(config=registered, directory=tmp_path / "messenger")
    routes.update(messenger.routes())
    authority.trust_messenger(messenger.entity_configuration(now=clock.now()))
    settings = config.phone(phone_config(tmp_path / "phone.json", authority, entity_id))
    settings = replace(settings, token_endpoint_auth_method=method)
    phone = Phone(config=settings, directory=tmp_path / "phone")
    with DeviceServer(host="127.0.0.1", port=port, routes=routes, max_body=MAX_BODY):
        yield World(authority, messenger, phone)
    phone.close()


@pytest.fixture
def world(authority: AuthoritySimulator, tmp_path: Path) -> Iterator[World]:
    with built(authority, tmp_path) as made:
        yield made

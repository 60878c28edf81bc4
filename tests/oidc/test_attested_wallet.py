"""The real phone and the real messenger at the real node, with attestations in place of assertions."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.federation import entities, signing
from idp.inbound import Problem, Request
from idp.inbound.messages import problem
from idp.oidc.models import Client, Grant, UsedOnce
from idp.outbound import Outbound, Response
from idp.wallet.config import ATTESTED, ATTESTED_DPOP, MessengerConfig, PhoneConfig
from idp.wallet.errors import UnableTo
from idp.wallet.messenger import Messenger
from idp.wallet.phone import Phone
from tests.oidc.world import CALLBACK, NODE, World, answer

WALLET = "https://wallet.example"


class Network:
    """What the phone asks for goes to the node's views or to the messenger's routes; ``asked`` has it in order."""

    def __init__(self, world: World, messenger: Messenger) -> None:
        self.world, self.messenger, self.asked = world, messenger, list[str]()

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Response:
        parts, sent = urlsplit(url), dict(headers or {})
        self.asked.append(parts.path)
        if url.startswith(WALLET):
            lower = {name.lower(): value for name, value in sent.items()}
            request = Request(method, parts.path, {}, lower, content or b"")
            try:
                found = self.messenger.routes()[method, parts.path](request)
            except Problem as error:
                found = problem(error.status, error.code)
            return Response(found.status, {"content-type": found.content_type}, found.body)
        kind = sent.pop("Content-Type", "application/json")
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        response = self.world.machine.generic(method, path, content or b"", content_type=kind, headers=sent)
        return Response(response.status_code, {k.lower(): v for k, v in response.items()}, response.content)


@pytest.mark.parametrize("method", [ATTESTED, ATTESTED_DPOP])
def test_phone_gets_its_grant_without_an_assertion(world: World, tmp_path: Path, method: str) -> None:
    """Phone and node that were each tested against a simulator of our own making may agree with nobody."""
    phone, network = _phone(world, tmp_path, method)
    started = phone.authorize(details=[world.messenger.detail()], now=world.now)
    world.log_in()
    world.messenger = cast(Any, SimpleNamespace(client_id=WALLET))
    request_uri = parse_qs(urlsplit(started.authorization_url).query)["request_uri"][0]
    grant = phone.finish(answer(world.decide(request_uri)), now=world.now)
    assert grant.details[0]["document"] == "card"
    asked = [path for path in network.asked if "federation" not in path]
    begun = ["/sign", "/phones", "/sign", "/oidc/attestation-challenge", "/attest", "/oidc/par"]
    if method == ATTESTED:  # the node's first DPoP nonce (RFC 9449 §8); in the combined mode the challenge is one
        begun += ["/sign", "/oidc/attestation-challenge", "/oidc/par"]
    assert asked == [*begun, "/oidc/attestation-challenge", "/oidc/token"]
    stored = Grant.objects.get()
    assert stored.instance == stored.jkt == phone.keyring.device.public.thumbprint
    assert not UsedOnce.objects.filter(kind="assertion").exists()
    assert Client.objects.get(client_id=WALLET).metadata["token_endpoint_auth_method"] == method


def test_phone_that_was_told_another_method_gets_nothing(world: World, tmp_path: Path) -> None:
    """invalid solely because the messenger registered the other mode."""
    phone, _ = _phone(world, tmp_path, ATTESTED_DPOP, told=ATTESTED)
    with pytest.raises(UnableTo) as caught:
        phone.authorize(details=[world.messenger.detail()], now=world.now)
    assert caught.value.code == "authorization_refused" and "invalid_client" in caught.value.detail


def _phone(world: World, directory: Path, method: str, *, told: str | None = None) -> tuple[Phone, Network]:
    registered = MessengerConfig(WALLET, {"en": "W"}, (NODE,), frozenset({NODE}), (CALLBACK,), method)
    messenger = Messenger(config=registered, directory=directory / "messenger")
    types = ["openid_relying_party"]
    jwks = messenger.federation_keys.jwks()
    entities.register_subordinate(entity_id=WALLET, jwks=jwks, entity_types=types, now=world.now)
    configuration = messenger.entity_configuration(now=world.now)
    world.federation.pages[f"{WALLET}/.well-known/openid-federation"] = configuration
    network = Network(world, messenger)
    anchors = {NODE: signing.published("federation")}
    config = PhoneConfig(WALLET, NODE, anchors, (), CALLBACK, True, told or method)
    return Phone(config=config, directory=directory / "phone", outbound=cast(Outbound, network)), network

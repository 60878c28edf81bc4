"""A family's whole way over HTTP: consent for two, tokens for both, two lanes that decide by their own journals."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from idp.accounts import sessions
from idp.border import bundling
from idp.checkpoint.config import DATABASE, LaneConfig
from idp.checkpoint.store import Store
from idp.checkpoint.trust import Trust
from idp.federation import signing
from idp.oidc import dpop_nonces
from idp.protocol import client_assertion, dpop, gate, pkce, presentation
from idp.protocol.gate_decisions import Examined, Lane
from tests.border.families import child
from tests.border.world import CODE, NODE, Gate, World
from tests.oidc.world import CALLBACK, VERIFIER, answer

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def browser(world: World) -> Browser:
    """The guardian's, logged in with a passkey."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.user = AnonymousUser()
    account = world.traveller.account
    sessions.begin(request=request, account=account, acr=sessions.ACR_MULTIFACTOR, amr=["hwk"], now=world.now)
    request.session.save()
    client = Browser(headers={"host": "hk.localhost"}, enforce_csrf_checks=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return client


@pytest.fixture
def lanes(world: World, tmp_path: Path) -> Iterator[list["Standing"]]:
    """Two exit lanes of the checkpoint, each with the real store, and a bundle as the node serves it."""
    second = world.enrol(world.checkpoint, "2", "exit", sealing=world.gate.sealing)
    standing = [Standing(world, gate_, tmp_path / gate_.lane.name) for gate_ in (world.gate, second)]
    yield standing
    for lane in standing:
        lane.store.close()


class Standing:
    """One lane that has just polled its node."""

    def __init__(self, world: World, gate_: Gate, directory: Path) -> None:
        directory.mkdir()
        self.world, self.gate, self.store = world, gate_, Store(directory / DATABASE, lambda: world.now)
        config = LaneConfig(
            directory=directory,
            sealing_directory=directory / "sealing",
            node=NODE,
            checkpoint=world.checkpoint.entity_id,
            checkpoint_code=CODE,
            names={"en": "Lo Wu"},
            lane=gate_.lane.name,
            direction="exit",
            anchor_keys=signing.published("federation", now=world.now),
            watch_key=bytes(32),
        )
        self.trust = Trust(config, self.store, lambda: world.now)
        self.trust.take(json.dumps(bundling.build(checkpoint=world.checkpoint, now=world.now)), "")

    def decides(self, token: bytes) -> str:
        """Steps 0 to 9 for a code that the guardian's phone shows; who is let through is written down."""
        world, place = self.world, self.world.checkpoint.entity_id
        proof = presentation.prove(token, aud=place, nonce=None, now=world.now, holder=world.holder)
        found = gate.examine(
            presentation.encode_qr(token, bytes(proof)),
            bundle=self.trust.bundle(),
            lane=Lane(place, self.gate.lane.name, "exit", tuple(world.gate.sealing), bytes(32)),
            ledger=self.store,
            now=world.now,
        )
        if not isinstance(found, Examined):
            return found.reason.value
        about = found.crossing
        self.store.admit(
            {
                "checkpoint": place,
                "lane": self.gate.lane.name,
                "at": world.now,
                "direction": "exit",
                "jti": about.jti,
                "iss": about.iss,
                "sub": about.sub,
                "bundle_serial": about.bundle_serial,
                "decision": "admit",
                "reason": "",
                "score_band": "high",
            }
        )
        return "admitted"


class Phone:
    """The messenger's client and the guardian's phone, as far as they speak to the node."""

    def __init__(self, world: World) -> None:
        self.world, self.key = world, world.holder
        world.client.metadata = {
            "client_name": "Messenger",
            "redirect_uris": [CALLBACK],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "private_key_jwt",
            "authorization_details_types": ["border_crossing"],
            "jwks": {"keys": [{**self.key.public.jwk(), "use": "sig"}]},
        }
        world.client.save()
        self._serial = 0

    def post(self, path: str, form: dict[str, str]) -> HttpResponse:
        self._serial += 1
        world = self.world
        serial = f"family-{self._serial}"
        authentication = client_assertion.sign(
            client_id=world.client.client_id, issuer=NODE, now=world.now, jti=serial, signer=self.key
        )
        proof = dpop.prove(
            method="POST",
            url=NODE + path,
            now=world.now,
            jti=serial,
            key=world.phone,
            nonce=dpop_nonces.fresh(now=world.now),
        )
        members = {
            "client_id": world.client.client_id,
            "client_assertion_type": client_assertion.ASSERTION_TYPE,
            "client_assertion": authentication,
            **form,
        }
        return world.machine.post(path, urlencode(members), content_type=FORM, headers={"DPoP": proof})

    def pushes(self, details: list[dict[str, Any]]) -> str:
        form = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "s-1",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps(details),
        }
        pushed = self.post("/oidc/par", form)
        assert pushed.status_code == 201, pushed.content
        return str(pushed.json()["request_uri"])

    def redeems(self, code: str) -> dict[str, Any]:
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        redeemed = self.post("/oidc/token", grant)
        assert redeemed.status_code == 200, redeemed.content
        return dict(redeemed.json())


def test_a_guardian_and_a_child_from_the_consent_to_the_gate(
    world: World, browser: Browser, lanes: list[Standing]
) -> None:
    card, phone = child(world), Phone(world)
    asked = world.detail()
    del asked["document"]
    uri = phone.pushes([asked, {**asked, "ward": 1}])
    page = browser.get("/oidc/authorize", {"client_id": world.client.client_id, "request_uri": uri})
    text = page.content.decode()
    assert "Child 1" in text and "CHAN, SIU MAN" in text and "CHAN, TAI MAN" in text
    assert "A1234563" not in text and text.count("Lo Wu") == 1
    form = {
        "client_id": world.client.client_id,
        "request_uri": uri,
        "decision": "allow",
        "choice-document": str(world.document.pk),
        "choice-ward_1": str(card.pk),
        "csrfmiddlewaretoken": page.context["csrf_token"],
    }
    given = phone.redeems(answer(browser.post("/oidc/consent", form))["code"])
    documents = [detail["document"] for detail in given["authorization_details"]]
    assert documents == [str(world.document.pk), str(card.pk)]

    body = world.body(given["access_token"], format="cwt", documents=documents)
    del body["document"]
    headers = world.authorized("/border/v1/tokens", given["access_token"])
    issued = world.post("/border/v1/tokens", body, headers=headers)
    assert issued.status_code == 201, issued.content
    guardian, ward = (base64.b64decode(item["token"]) for item in issued.json()["tokens"])

    here, elsewhere = lanes
    assert here.decides(ward) == "guardian_missing"  # the child went first
    assert elsewhere.decides(guardian) == "admitted"
    assert here.decides(ward) == "guardian_missing"  # the guardian went through another lane
    assert elsewhere.decides(ward) == "admitted"
    assert elsewhere.decides(ward) == "replayed"


@pytest.mark.parametrize("choice", ["", "own", "twice"])
def test_a_child_is_chosen_by_its_own_document(world: World, browser: Browser, choice: str) -> None:
    """invalid solely because nobody was chosen for the child, the guardian themself, or one child for two places."""
    card, phone = child(world), Phone(world)
    asked = world.detail()
    del asked["document"]
    uri = phone.pushes([asked, *({**asked, "ward": place} for place in (1, 2))])
    page = browser.get("/oidc/authorize", {"client_id": world.client.client_id, "request_uri": uri})
    chosen = {"": "", "own": str(world.document.pk), "twice": str(card.pk)}[choice]
    form = {
        "client_id": world.client.client_id,
        "request_uri": uri,
        "decision": "allow",
        "choice-document": str(world.document.pk),
        "choice-ward_1": chosen,
        "choice-ward_2": str(card.pk),
        "csrfmiddlewaretoken": page.context["csrf_token"],
    }
    assert answer(browser.post("/oidc/consent", form))["error"] == "invalid_authorization_details"

"""A Hong Kong node with a checkpoint and its gate, a traveller with a phone, and mainland peers where a test asks."""

import datetime
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.http import HttpResponse
from django.test import Client as Machine
from django_otp.plugins.otp_totp.models import TOTPDevice

from idp.accounts.models import Account, Device, Endorsement, TravelDocument, Traveller
from idp.biometrics import references
from idp.biometrics.engine import EMBEDDED_MODEL, Template
from idp.border import checkpoints
from idp.border.models import Checkpoint, Lane
from idp.oidc import dpop_nonces, tokens
from idp.oidc.models import Client, Grant
from idp.protocol import dpop, holder_key, journal, jws, keys, lane_assertion, receipts

NODE = "http://hk.localhost:8002"
CODE = "lo-wu"
OFFICER = "account:7"
_SERIAL = itertools.count()


@dataclass
class Gate:
    """What stands at a lane: its key, the sealing keys that it shares with its neighbours, its journal."""

    lane: Lane
    key: keys.PrivateKey
    sealing: list[keys.PrivateKey]
    entries: list[journal.Entry] = field(default_factory=list)

    def assertion(self, now: int, **changes: Any) -> str:
        facts = {
            "lane_id": self.lane.lane_id,
            "audience": NODE,
            "now": now,
            "jti": f"lane-{next(_SERIAL)}",
            "lane_key": self.key,
            **changes,
        }
        return lane_assertion.assert_lane(**facts)

    def headers(self, now: int, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Lane {self.assertion(now, **changes)}"}

    def entry(self, now: int, **changes: Any) -> journal.Entry:
        """Write one entry down; an admission of a mainland token into Hong Kong unless ``changes`` say otherwise."""
        facts = {
            "checkpoint": self.lane.checkpoint.entity_id,
            "lane": self.lane.name,
            "at": now,
            "jti": f"token-{next(_SERIAL)}",
            "iss": NODE,
            "sub": "s" * 43,
            "direction": self.lane.direction,
            "decision": "admit",
            "reason": "",
            "score_band": "high",
            "bundle_serial": 3,
        }
        entry = journal.append(self.entries[-1] if self.entries else None, {**facts, **changes})
        self.entries.append(entry)
        return entry

    def batch(self, first: int = 1) -> dict[str, Any]:
        """The signed batch from ``seq`` ``first`` to the last."""
        return journal.sign_head(self.entries[first - 1 :], self.key)


class World:
    """The node with everything that a border token needs."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.machine = Machine(headers={"host": "hk.localhost"})
        self.checkpoint = self.register()
        self.gate = self.enrol(self.checkpoint, "1", "exit")
        self.phone, self.holder = keys.generate(), keys.generate()
        self.traveller, self.document = self.person("mei", "A1234563")
        Device.objects.create(traveller=self.traveller, jkt=self.phone.public.thumbprint, name="phone")
        self.client, _ = Client.objects.get_or_create(
            client_id="https://messenger.example",
            defaults={"profile": "border", "registration": "admin", "sector": "messenger.example", "created_at": now},
        )

    # --- the authority --------------------------------------------------------------------------------------------

    def register(self, code: str = CODE, **changes: Any) -> Checkpoint:
        facts = {
            "code": code,
            "name": {"en": "Lo Wu", "zh-Hans": "罗湖"},
            "neighbour": "CHN",
            "directions": ["exit", "entry"],
            "officer": OFFICER,
            "now": self.now,
            **changes,
        }
        return checkpoints.register(**facts)

    def invite(self, checkpoint: Checkpoint, lane: str, direction: str) -> dict[str, Any]:
        return checkpoints.invite_lane(
            checkpoint=checkpoint, name=lane, direction=direction, officer=OFFICER, now=self.now
        )

    def enrol(
        self, checkpoint: Checkpoint, lane: str, direction: str = "entry", sealing: list[keys.PrivateKey] | None = None
    ) -> Gate:
        invitation = self.invite(checkpoint, lane, direction)
        key, sealing = keys.generate(), sealing or [keys.generate(), keys.generate()]
        enrolled = checkpoints.enrol_lane(
            checkpoint_code=checkpoint.code,
            lane_name=lane,
            code=invitation["code"],
            lane_keys=checkpoints.parse_lane_keys(lane_body(key, sealing)),
            now=self.now,
        )
        return Gate(enrolled, key, sealing)

    def person(self, name: str, number: str, **changes: Any) -> tuple[Traveller, TravelDocument]:
        traveller = Traveller.objects.create(account=Account.objects.create_user(name))
        return traveller, self.give(traveller, number, **changes)

    def give(self, traveller: Traveller, number: str, *, face: bytes | None = bytes(128), **changes: Any) -> Any:
        """A linked document, with a face reference unless ``face`` is None."""
        facts = {
            "type": "hkid",
            "number": number,
            "name_native": "陳大文",
            "name_latin": "CHAN, TAI MAN",
            "birth_date": datetime.date(1990, 1, 1),
            "sex": "M",
            "nationality": "CHN",
            "issued_by": "HKG",
            "traveller": traveller,
            "linked_at": datetime.datetime.fromtimestamp(self.now, datetime.UTC),
            **changes,
        }
        document = TravelDocument.objects.create(**facts)
        if face is not None:
            template = Template(EMBEDDED_MODEL, "q8", face)
            references.keep(traveller=traveller, document=document, template=template, now=self.now)
        return document

    # --- the phone ------------------------------------------------------------------------------------------------

    def detail(self, **changes: Any) -> dict[str, Any]:
        """A ``border_crossing`` as granted."""
        return {
            "type": "border_crossing",
            "locations": [self.checkpoint.entity_id],
            "directions": ["exit"],
            "document": str(self.document.pk),
            "valid_from": self.now,
            "valid_until": self.now + 86_400,
            "max_tokens": 3,
            "ahead": False,
            **changes,
        }

    def grant(self, *details: Mapping[str, Any], acr: str = "urn:causeway:acr:mfa") -> Grant:
        return Grant.objects.create(
            traveller=self.traveller,
            client=self.client,
            authorization_details=[dict(item) for item in details or [self.detail()]],
            acr=acr,
            amr=["hwk", "user", "mfa"],
            auth_time=self.now,
            jkt=self.phone.public.thumbprint,
            created_at=self.now,
        )

    def access_token(self, grant: Grant | None = None) -> str:
        grant = grant or self.grant()
        jkt = self.phone.public.thumbprint
        return tokens.access_token(
            grant, audience=NODE, scope="", details=grant.authorization_details, jkt=jkt, now=self.now
        )

    def authorized(
        self, path: str, access_token: str, now: int | None = None, *, nonce: str | None = "", method: str = "POST"
    ) -> dict[str, str]:
        """``nonce`` is a fresh one, unless one is given, or None."""
        now = self.now if now is None else now
        proof = dpop.prove(
            method=method,
            url=NODE + path,
            now=now,
            jti=f"proof-{next(_SERIAL)}",
            key=self.phone,
            access_token=access_token,
            nonce=dpop_nonces.fresh(now=now) if nonce == "" else nonce,
        )
        return {"Authorization": f"DPoP {access_token}", "DPoP": proof}

    def body(self, access_token: str, **changes: Any) -> dict[str, Any]:
        proof = holder_key.prove_holder_key(
            holder=self.holder,
            audience=NODE,
            access_token=access_token,
            now=changes.pop("at", self.now),
            jti=f"holder-{next(_SERIAL)}",
        )
        return {
            "checkpoint": self.checkpoint.entity_id,
            "direction": "exit",
            "document": str(self.document.pk),
            "format": "jwt",
            "holder_key": self.holder.public.jwk(),
            "proof": proof,
            **changes,
        }

    def ask(self, access_token: str | None = None, *, grant: Grant | None = None, **changes: Any) -> HttpResponse:
        """``POST /border/v1/tokens`` as a sound wallet does it."""
        access_token = access_token or self.access_token(grant)
        body = self.body(access_token, **changes)
        headers = self.authorized("/border/v1/tokens", access_token, changes.get("at"))
        return self.post("/border/v1/tokens", body, headers=headers)

    def read(self, path: str, access_token: str, query: str = "", **headers: str) -> HttpResponse:
        """``GET`` as a sound wallet does it."""
        known = self.authorized(path, access_token, method="GET")
        return self.machine.get(path + query, headers={**known, **headers})

    def post(self, path: str, body: Any, **options: Any) -> HttpResponse:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.machine.post(path, data, content_type="application/json", **options)

    def endorse(self, document: TravelDocument, **changes: Any) -> Endorsement:
        facts = {
            "document": document,
            "kind": "G",
            "destination": "CHN",
            "valid_from": datetime.date(2026, 12, 1),
            "valid_to": datetime.date(2027, 11, 30),
            "entries_left": 2,
            "stay_days": 7,
        }
        return Endorsement.objects.create(**{**facts, **changes})


def browser(account: Account, *, second_factor: bool = True, **options: Any) -> Machine:
    """Somebody's browser, logged in at the admin site."""
    client = Machine(headers={"host": "hk.localhost"}, **options)
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    if second_factor:
        device = TOTPDevice.objects.create(user=account, name="authenticator", confirmed=True)
        session = client.session
        session["otp_device_id"] = device.persistent_id
        session.save()
    return client


def lane_body(key: keys.PrivateKey, sealing: list[keys.PrivateKey], models: Any = (EMBEDDED_MODEL,)) -> dict[str, Any]:
    """What a gate brings to its enrolment."""
    jwks = {"keys": [item.public.jwk() for item in sealing]}
    return {"jwk": key.public.jwk(), "sealing_jwks": jwks, "face_models": list(models)}


def problem_of(response: HttpResponse) -> tuple[int, str]:
    """Status and code of a problem document, and that it is one (RFC 9457)."""
    assert response["Content-Type"] == "application/problem+json", response.content
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


@dataclass
class Receiver:
    """A peer's receipts endpoint on loopback: answers ``status``, 400 to tokens ``refused``, and keeps what came."""

    url: str
    status: int = 204
    came: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, text: str) -> int:
        self.came.append(text)
        token = jws.parse_unverified(text, receipts.CROSSING_RECEIPT).claims["token_jti"]
        return 400 if token in self.refused else self.status


@contextmanager
def receiving(host: str) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(receiver.answer(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://{host}:{server.server_address[1]}/border/v1/receipts")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

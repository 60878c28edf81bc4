"""Officers of each role before a node with crossings."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.biometrics.engine import EMBEDDED_MODEL
from idp.biometrics.models import Job
from idp.border import recording
from idp.border.figures import counting, delays, issuing
from idp.border.models import IssuedToken, Lane
from idp.federation import failures
from idp.federation.models import ChainCache, MirroredStatusList, Peer, WitnessedHead
from idp.protocol.refusals import Unavailable
from tests.border.figures.tokens import issued
from tests.border.world import World, browser

OFFICER = Callable[[Role], Any]


@pytest.fixture
def officer(world: World, monkeypatch: pytest.MonkeyPatch) -> OFFICER:
    """The browser of an officer with this role."""
    monkeypatch.setattr("idp.clock.now", lambda: world.now)

    def made(role: Role) -> Any:
        account = Account.objects.create_user(f"the-{role}", kind="officer", is_staff=True)
        granting.grant(account=account, role=role, actor="console", now=5)
        return browser(account)

    return made


@pytest.fixture
def crossed(world: World) -> World:
    """A day at two checkpoints: admissions both ways, referrals for two reasons, a refusal, a release by hand."""
    back = world.enrol(world.checkpoint, "2", "entry", sealing=world.gate.sealing)
    other = world.enrol(world.register("futian"), "1", "entry")
    for hour in range(8):
        for gate in (world.gate, back, other)[: 1 + hour % 3]:
            gate.entry(world.now - 3600 * hour, took_ms=350 + 97 * hour)
    world.gate.entry(world.now, decision="refer", reason="face_uncertain", score_band="middle")
    world.gate.entry(world.now, decision="refer", reason="face_no_face", score_band="")
    world.gate.entry(world.now, decision="release", reason="document_checked", about=9, officers="o-1")
    other.entry(world.now - 7200, decision="refer", reason="status_stale", score_band="")
    other.entry(world.now - 7200, decision="refuse", reason="expired", score_band="")
    for gate in (world.gate, back, other):
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    counting.count(now=world.now)
    enrolled(world)
    seen(world)
    given(world)
    return world


def given(world: World) -> None:
    """Nine tokens, eight of them taken back: one lane has heard of all, one of half, one of none."""
    assert world.ask().status_code == 201
    token, lanes = IssuedToken.objects.get(), list(Lane.objects.order_by("pk"))
    Lane.objects.update(enrolled_at=world.now - 9000)
    for lane in lanes:
        lane.refresh_from_db()
    for number in range(8):
        at = world.now - 7000 + 500 * number
        issued(token, at=at - 60, revoked_at=at)
        delays.note(lane=lanes[0], now=at + 3 + 7 * number)
        if number == 3:
            delays.note(lane=lanes[1], now=at + 400)
    delays.count(now=world.now)
    issuing.count()


def enrolled(world: World) -> None:
    """Enrolments of the last hours: most succeed, some show no face, one is another person's."""
    for number in range(24):
        state, reason = ("failed", ("face_no_face", "face_mismatch")[number % 2]) if number % 5 == 0 else ("done", "")
        score = None if reason == "face_no_face" else 0.3 if reason else 0.6 + number / 60
        at = world.now - 1500 * number
        facts = {"traveller": world.traveller, "document": world.document, "model": str(number), "challenge": ["turn"]}
        measured = {"score": score, "score_model": EMBEDDED_MODEL}
        Job.objects.create(state=state, reason=reason, created_at=at, finished_at=at, **facts, **measured)


def seen(world: World) -> None:
    """A peer in good order, and one that does not answer."""
    for name in ("cn", "mo"):
        peer = {"entity_id": f"https://{name}.example", "jwks": {"keys": []}, "proposed_at": 1, "recognised_at": 2}
        Peer.objects.create(valid_until=world.now + 40 * 86_400, **peer)
    copies = {"issuer": "https://cn.example", "text": "t", "expires_at": world.now + 86_000}
    for number in range(3):
        MirroredStatusList.objects.create(uri=f"u{number}", issued_at=world.now - 15 * number, **copies)
    times = {"refresh_at": world.now, "searched_at": world.now - 900, "expires_at": world.now + 90_000}
    ChainCache.objects.create(subject="https://cn.example", immediate=True, **times)
    head = {"authority": "https://cn.example", "size": 900, "root": bytes(32), "at": 1, "text": "t"}
    WitnessedHead.objects.create(seen_at=world.now - 70, **head)
    failures.keep("https://mo.example", failures.Act.STATUS, Unavailable("timeout"), now=world.now - 4000)

"""Officers of each role before a node with crossings."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.border import recording
from idp.border.figures import counting
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
            gate.entry(world.now - 3600 * hour)
    world.gate.entry(world.now, decision="refer", reason="face_uncertain", score_band="middle")
    world.gate.entry(world.now, decision="refer", reason="face_no_face", score_band="")
    world.gate.entry(world.now, decision="release", reason="document_checked", about=9, officers="o-1")
    other.entry(world.now - 7200, decision="refer", reason="status_stale", score_band="")
    other.entry(world.now - 7200, decision="refuse", reason="expired", score_band="")
    for gate in (world.gate, back, other):
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)
    counting.count(now=world.now)
    return world

"""A node with one of everything that a page of the admin site can be about."""

import pytest

from idp.accounts.models import Account
from idp.biometrics.models import Calibration
from idp.federation.models import IssuedMark, Peer
from tests.border.world import World
from tests.office.test_work_lists import full
from tests.simulators.gate import holder_key, jwks, sealing_key

__all__ = ["full", "inhabited"]


@pytest.fixture
def inhabited(full: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("idp.clock.now", lambda: full.now)
    found = {"model": "embedded-1", "target": "1e-4", "threshold": 0.5, "genuine": 9, "impostor": 9, "fmr_high": 0.1}
    Calibration.objects.create(**found, dataset="d", officer="account:7", created_at=full.now)
    IssuedMark.objects.create(subject="https://p0.example", mark_type="https://m.example/a", issued_at=full.now)
    Account.objects.create_user("newcomer", kind="officer", is_staff=True)
    Peer.objects.update(jwks=jwks(holder_key()), successor_jwks=jwks(sealing_key()))
    return full

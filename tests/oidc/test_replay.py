"""The memory of what was used: never shorter than the window, and shut when it cannot answer."""

import pytest
from django.db import DatabaseError, transaction

from idp.oidc import grants, pushing, replay, tasks
from idp.oidc.models import AuthorizationCode, PushedRequest, RefreshToken, UsedOnce
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.oidc.world import World


def test_what_is_spent_stays_spent(db: None) -> None:
    """invalid solely because the key was used before."""
    replay.spend("dpop", "a", 100)
    with pytest.raises(Refusal) as caught:
        replay.spend("dpop", "a", 200)
    assert caught.value.reason is Reason.REPLAYED


def test_kinds_do_not_collide(db: None) -> None:
    """An assertion's jti that equals a proof's is another identifier."""
    for kind in (replay.DPOP, replay.ASSERTION, replay.REQUEST_OBJECT):
        replay.spend(kind, "a", 100)


def test_nothing_is_accepted_while_the_memory_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails open lets everything pass once it is pushed over."""

    def fail(**_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(UsedOnce.objects, "create", fail)
    with pytest.raises(Unavailable):
        replay.spend("dpop", "a", 100)


def test_an_error_later_does_not_give_it_back(db: None) -> None:
    """Inside a transaction, a rollback would: so it refuses to run there."""
    with pytest.raises(RuntimeError), transaction.atomic():
        replay.spend("dpop", "a", 100)


def test_the_machine_says_so_when_the_memory_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is told to come back, and gets nothing."""

    def fail(**_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(UsedOnce.objects, "create", fail)
    response = world.push()
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


def test_purge_forgets_what_is_past_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge by the wrong column would open the window again, or never shrink the table."""
    world.tokens()
    before = UsedOnce.objects.count()
    tasks.purge()
    assert UsedOnce.objects.count() == before > 0
    later = world.now + 86_400
    assert replay.purge(now=later) == before
    assert pushing.purge(now=later) == 1 and grants.purge(now=later) == 0
    assert AuthorizationCode.objects.count() == RefreshToken.objects.count() == 1
    assert grants.purge(now=world.now + 40 * 86_400) == 2
    assert not PushedRequest.objects.exists()

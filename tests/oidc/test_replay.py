"""The memory of what was used: never shorter than the window, and shut when it cannot answer."""

import pytest
from django.db import DatabaseError, transaction

from idp.audit import events, sealing, verification
from idp.audit.models import AuditEvent
from idp.oidc import grants, pushing, replay, tasks
from idp.oidc.models import AuthorizationCode, PushedRequest, RefreshToken, UsedOnce
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.oidc.world import World

EVENT = events.Event("a.b", "node", "", '{"n": [1]}', 1_800_000_000)


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

    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(replay, "_write", fail)
    with pytest.raises(Unavailable):
        replay.spend("dpop", "a", 100)


def test_an_error_later_does_not_give_it_back(db: None) -> None:
    """Inside a transaction, a rollback would: so it refuses to run there."""
    with pytest.raises(RuntimeError), transaction.atomic():
        replay.spend("dpop", "a", 100)


def test_all_that_one_request_brought_is_spent_when_one_of_it_was_seen_before(db: None) -> None:
    """invalid solely because the proof was seen before; the assertion beside it must not live on."""
    replay.spend(replay.DPOP, "proof", 100)
    seen = replay.Seen()
    seen.add(replay.ASSERTION, "assertion", 100)
    seen.add(replay.DPOP, "proof", 100)
    with pytest.raises(Refusal, match="dpop seen before"):
        seen.spend(event=EVENT)
    with pytest.raises(Refusal, match="assertion seen before"):
        replay.spend(replay.ASSERTION, "assertion", 100)
    assert not AuditEvent.objects.exists(), "recorded what was refused"


def test_the_first_that_was_seen_before_is_named(db: None) -> None:
    """Whoever repeats a whole request learns about the client's authentication, not about the proof behind it."""
    for _ in range(2):
        seen = replay.Seen()
        seen.add(replay.DPOP, "b", 100)
        seen.add(replay.ASSERTION, "a", 100)
        if UsedOnce.objects.exists():
            with pytest.raises(Refusal, match="dpop seen before"):
                seen.spend()
        else:
            seen.spend()


def test_one_identifier_twice_in_one_request_is_refused(db: None) -> None:
    """invalid solely because both documents of the request have one jti."""
    seen = replay.Seen()
    for _ in range(2):
        seen.add(replay.ASSERTION, "a", 100)
    with pytest.raises(Refusal, match="assertion seen before"):
        seen.spend(event=EVENT)
    assert UsedOnce.objects.count() == 1 and not AuditEvent.objects.exists()


def test_the_event_is_recorded_with_what_is_spent(db: None) -> None:
    """The same row as `events.record` writes: whoever seals it finds nothing else."""
    seen = replay.Seen()
    seen.add(replay.ASSERTION, "a", 100)
    seen.spend(event=EVENT)
    seen.spend()  # nothing is left
    event = AuditEvent.objects.get()
    assert (event.kind, event.actor, event.subject, event.data, event.at) == ("a.b", "node", "", {"n": [1]}, EVENT.at)
    sealing.seal(EVENT.at)
    assert list(verification.findings(EVENT.at)) == []


def test_an_event_alone_is_recorded(db: None) -> None:
    """A client without assertion and proof leaves an event too."""
    replay.Seen().spend(event=EVENT)
    assert AuditEvent.objects.count() == 1


def test_the_event_does_not_stand_where_the_identifiers_do_not(transactional_db: None) -> None:
    """One transaction: an event that the database refuses takes the identifiers with it."""
    seen = replay.Seen()
    seen.add(replay.ASSERTION, "a", 100)
    with pytest.raises(Unavailable):
        seen.spend(event=EVENT._replace(kind=""))
    assert not UsedOnce.objects.exists() and not AuditEvent.objects.exists()


def test_the_machine_says_so_when_the_memory_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is told to come back, and gets nothing."""

    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(replay, "_write", fail)
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

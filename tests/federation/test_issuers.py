"""What all bundles have in common is put together once, and never a moment longer than it is so."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from idp.federation import bundles, issuers, marks, peering, signing, status_lists, status_mirror, watching
from idp.federation.models import MirroredStatusList, StatusList
from idp.protocol.refusals import Unavailable
from idp.protocol.status_list import StatusList as Statuses
from idp.protocol.status_list import sign_status_list
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Page, Peers
from tests.federation.test_bundles import EMPTY, FACTS, POLICY

pytestmark = pytest.mark.django_db(transaction=True)  # nothing is held of what a transaction sees


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that it is put together."""
    made: list[int] = []
    real = issuers._claim

    def claim(chains: Any, now: int) -> Any:
        made.append(now)
        return real(chains, now)

    monkeypatch.setattr(issuers, "_claim", claim)
    return made


@pytest.fixture
def cn(node: str, peers: Peers) -> str:
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=peers.cn.entity_id, now=NOW), mark_type)
    _publish(peers, revoked=False)
    watching.watch(NOW)
    status_mirror.mirror(NOW)
    return peers.cn.entity_id


@pytest.fixture
def place(cn: str) -> tuple[str, int]:
    """A token of ours, and what holds it held."""
    found = status_lists.allocate(expires_at=NOW + 1800, now=NOW)
    for _ in range(2):
        issuers.accepted(NOW)
    return found


def _publish(peers: Peers, *, revoked: bool) -> None:
    statuses, uri = Statuses.blank(size=64), peers.url("cn", "/status/a")
    if revoked:
        statuses.set(5, 1)
    text = sign_status_list(statuses, uri=uri, signer=peers.status_keys["cn"], now=NOW, lifetime=86_400, ttl=30)
    peers.pages[uri] = Page(status_mirror.MEDIA_TYPE, text)
    listed = json.dumps({"status_lists": [uri]})
    peers.pages[peers.url("cn", "/status/aggregation")] = Page("application/json", listed)


def _build(name: str, now: int = NOW) -> dict[str, str]:
    facts = {"checkpoint": FACTS, "policy": POLICY, "rules": [], "watchlist": EMPTY.claim(), "opening": []}
    return bundles.build(checkpoint_entity_id=f"http://hk.localhost:8002/checkpoints/{name}", now=now, **facts)


def test_fifty_checkpoints_are_told_the_same_put_together_once(place: tuple[str, int], counted: list[int]) -> None:
    found = [_build(f"checkpoint-{number}") for number in range(50)]
    assert counted == []
    assert len({bundle["bundle"] for bundle in found}) == 50
    assert _build("checkpoint-0") == found[0]


def _revoke(peers: Peers, place: tuple[str, int]) -> None:
    status_lists.set_statuses(place[0], [place[1]], 1, now=NOW)


def _peer_revokes(peers: Peers, place: tuple[str, int]) -> None:
    _publish(peers, revoked=True)  # in the same second, so that no time in it tells
    status_mirror.mirror(NOW)


CHANGES: dict[str, Callable[[Peers, tuple[str, int]], object]] = {
    "own revocation": _revoke,
    "peer's revocation": _peer_revokes,
    "peer suspended": lambda peers, place: peering.suspend(peering.Peer.objects.get(), officer=OFFICER),
    "status key killed": lambda peers, place: signing.kill(kid=signing.signer("status").kid, now=NOW),
    "list opened": lambda peers, place: status_lists.allocate(expires_at=NOW + 9000, now=NOW + 3600),
    "list gone": lambda peers, place: StatusList.objects.all().delete(),
    "copy gone": lambda peers, place: MirroredStatusList.objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_shows_at_the_next_request(place: tuple[str, int], peers: Peers, change: str) -> None:
    """A bundle from before would open a gate to what an officer took back."""
    before, bundle = issuers.accepted(NOW), _build("x")
    assert issuers.accepted(NOW) is before
    CHANGES[change](peers, place)
    after = issuers.accepted(NOW)
    assert after.digest != before.digest
    assert _build("x") != bundle
    assert after.claim == issuers._claim(issuers.resolution.accepted_issuers(NOW), NOW)


def test_lists_are_signed_anew_when_they_are_due_and_together(place: tuple[str, int], counted: list[int]) -> None:
    """Each in its own second they would make a new bundle for every checkpoint in every second."""
    status_lists.allocate(expires_at=NOW + 9000, now=NOW + 3600)
    status_lists.published(status_lists.live(NOW)[1], NOW + 20)
    issuers.accepted(NOW + status_lists.TTL)
    assert {*StatusList.objects.values_list("signed_at", flat=True)} == {NOW + status_lists.TTL}


def test_nothing_is_held_of_a_transaction(place: tuple[str, int]) -> None:
    """It may be rolled back, and its numbers come again with something else."""
    before = issuers.accepted(NOW)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        status_lists.set_statuses(place[0], [place[1]], 1, now=NOW)
        assert issuers.accepted(NOW).digest != before.digest
        _ = 1 // 0
    assert issuers.accepted(NOW).digest == before.digest


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """When the chains were looked through."""
    looked: list[int] = []
    real = issuers.resolution.accepted_issuers
    monkeypatch.setattr(issuers.resolution, "accepted_issuers", lambda now: looked.append(now) or real(now))
    return looked


def test_the_chains_are_looked_through_once_in_a_second(place: tuple[str, int], found: list[int]) -> None:
    """Seven hundred lanes ask for the same answer."""
    for at in (NOW + 1, NOW + 1, NOW + 2, NOW + 2):
        issuers.accepted(at)
    assert found == [NOW + 1, NOW + 2]


def test_a_recognition_that_ends_by_the_clock_ends_in_that_second(place: tuple[str, int]) -> None:
    """No number grows by it."""
    peering.Peer.objects.update(valid_until=NOW + 9)
    assert [len(issuers.accepted(at).claim) for at in (NOW + 8, NOW + 9)] == [2, 1]


def test_a_peer_that_is_left_out_is_looked_for_at_each_request(
    place: tuple[str, int], peers: Peers, found: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its chain may come in the same second, and a first chain grows no number."""
    monkeypatch.setattr(issuers.resolution, "issuer", lambda *_, **__: (_ for _ in ()).throw(Unavailable("down")))
    for _ in range(2):
        issuers.accepted(NOW + 3)
    assert found == [NOW + 3] * 2

"""What only asking tells: whether the public address is this node, and whether the peers' clocks agree with ours."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.federation import peering, signing, statements
from idp.federation.models import Peer, SigningKey
from idp.office.findings import trust
from idp.outbound import Response
from idp.protocol.entity_ids import WELL_KNOWN
from tests.conftest import NOW
from tests.federation.peers import STATEMENT, Page, Peers, running

SECURE = {"strict-transport-security": "max-age=31536000"}


@pytest.fixture
def world(node: Path, settings: Any) -> Iterator[Peers]:
    """Peers, and this node as its public address shows it, all on one loopback server."""
    with running(NOW, "http://hk.localhost:8002") as world:
        settings.IDP_ENTITY_ID = world.url("hk")
        show(world)
        yield world


def show(world: Peers) -> None:
    world.pages[world.url("hk", WELL_KNOWN)] = Page(STATEMENT, statements.entity_configuration(NOW))
    world.pages[world.url("hk", trust.LOGIN)] = Page("text/html", "log in")


def ids(found: Iterator[Any]) -> list[str]:
    return [finding.id for finding in found]


def test_the_public_address_is_this_node(world: Peers) -> None:
    assert ids(trust.address()) == []


def test_nobody_answers_at_the_public_address(world: Peers, settings: Any) -> None:
    settings.IDP_ENTITY_ID = "http://hk.localhost:1"
    assert ids(trust.address()) == ["idp.E214"]


def test_the_public_name_leads_to_an_address_that_peers_do_not_ask(world: Peers, settings: Any) -> None:
    settings.IDP_ENTITY_ID = "https://127.0.0.1"
    assert ids(trust.address()) == ["idp.W214"]


@pytest.mark.parametrize("who", ["refused host", "a page", "a peer", "a copy"])
def test_another_answers_at_the_public_address(world: Peers, who: str) -> None:
    shown = world.pages[world.url("hk", WELL_KNOWN)]
    if who == "refused host":
        shown.status = 400
    elif who == "a page":
        shown.text = "<h1>It works</h1>"
    elif who == "a peer":
        shown.text = world.cn.configuration()
    else:  # of this node's database, with keys of its own
        SigningKey.objects.filter(use="federation").delete()
        signing.ensure_keys()
        signing._sound_at.cache_clear()
    assert ids(trust.address()) == ["idp.E215"]


def test_the_proxy_does_not_say_that_the_request_came_over_tls(world: Peers, settings: Any) -> None:
    settings.IDP_ENTITY_ID = "https://idp.hk.example"
    told = Response(200, {}, statements.entity_configuration(NOW).encode())
    assert ids(trust.judged(told, Response(200, {}, b""))) == ["idp.E216"]
    assert ids(trust.judged(told, Response(200, SECURE, b""))) == []


def test_a_peers_clock_is_wrong(world: Peers) -> None:
    peering.propose(world.cn.entity_id, officer="chan")
    now = round(time.time())  # the server tells the machine's
    assert ids(trust.peers(now)) == []
    for wrong in (now + trust.SKEW + 10, now - trust.SKEW - 10):
        assert ids(trust.peers(wrong)) == ["idp.E217"]


def test_a_peer_is_away_and_one_that_has_ended_is_not_asked(world: Peers) -> None:
    peering.propose(world.cn.entity_id, officer="chan")
    Peer.objects.update(entity_id="http://cn.localhost:1")
    assert ids(trust.peers(NOW)) == ["idp.W218"]
    Peer.objects.update(ended_at=NOW)
    assert ids(trust.peers(NOW)) == []

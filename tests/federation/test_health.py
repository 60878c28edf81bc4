"""How the federation is doing: every peer that stands is told, with the oldest of what it has."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.federation import failures, health
from idp.federation.models import ChainCache, MirroredStatusList, Peer, WitnessedHead
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
CN = "https://cn.example"


def copy(name: str, issued_at: int, expires_at: int) -> None:
    MirroredStatusList.objects.create(
        uri=f"{CN}/status/{name}", issuer=CN, text="t", issued_at=issued_at, expires_at=expires_at
    )


def head(size: int, **facts: object) -> None:
    WitnessedHead.objects.create(authority=CN, size=size, root=bytes([size] * 32), at=1, text="t", **facts)


@pytest.fixture
def peers(db: None) -> None:
    for name, facts in ((CN, {"recognised_at": 5, "valid_until": NOW + 9}), ("https://mo.example", {})):
        Peer.objects.create(entity_id=name, jwks={"keys": []}, proposed_at=1, **facts)
    Peer.objects.create(entity_id="https://gone.example", jwks={"keys": []}, proposed_at=1, ended_at=2)


def test_a_copy_chain_or_head_that_counts_no_more_is_told(peers: None) -> None:
    copy("old", NOW - 500, NOW - 1)
    copy("a", NOW - 60, NOW + 100)
    copy("b", NOW - 20, NOW + 50)
    ChainCache.objects.create(
        subject=CN, immediate=True, failure="unavailable", refresh_at=1, searched_at=2, expires_at=NOW + 5
    )
    head(3, seen_at=NOW - 90)
    head(4, seen_at=NOW - 30)
    head(5, seen_at=NOW - 10, contradicts=True, why="w")
    head(6, seen_at=NOW - 5, contradicts=True, why="w", resolved_at=NOW - 1)
    failures.keep(CN, failures.Act.STATUS, Refusal(Reason.EXPIRED), now=NOW - 40)
    failures.keep(CN, failures.Act.CHAIN, Refusal(Reason.EXPIRED), now=NOW - 70)
    cn, mo = health.peers(now=NOW)
    assert (cn.copies, cn.oldest_copy, cn.first_copy_ends) == (2, NOW - 60, NOW + 50)
    assert (cn.chain_searched_at, cn.chain_expires_at) == (None, None)
    assert (cn.head_size, cn.head_seen_at, cn.contradictions) == (4, NOW - 30, 1)
    assert (cn.failing, cn.failing_since, cn.valid_until) == (2, NOW - 70, NOW + 9)
    assert (mo.entity_id, mo.copies, mo.oldest_copy, mo.head_size, mo.failing) == (
        "https://mo.example",
        0,
        None,
        None,
        0,
    )


def test_each_peer_is_asked_about_by_a_query_of_its_own(peers: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        health.peers(now=NOW)
    assert len(queries) == 6

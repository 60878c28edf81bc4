"""What failed is remembered with its reason until it succeeds."""

import pytest
from django.db import IntegrityError, transaction

from idp.federation import failures, peering, resolution, sync, watching
from idp.federation.models import Failure, Peer
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Page, Peers

CONFIGURATION = "/.well-known/openid-federation"


def test_a_failure_that_goes_on_forgets_when_it_began(db: None) -> None:
    failures.keep("https://a.example", failures.Act.CHAIN, Unavailable("down"), now=NOW)
    failures.keep("https://a.example", failures.Act.CHAIN, Refusal(Reason.EXPIRED, "x"), now=NOW + 60)
    (row,) = failures.standing()
    assert (row.since, row.last_at, row.times, row.reason) == (NOW, NOW + 60, 2, "expired")


def test_a_peer_that_answers_again_still_fails(peers: Peers) -> None:
    cn = peering.accept_recognition(peering.propose(peers.cn.entity_id), officer=OFFICER).entity_id
    peers.pages[cn + CONFIGURATION] = Page("application/json", "{}", 503)
    watching.watch(NOW)
    (row,) = failures.standing(cn)
    assert (row.act, row.reason) == ("configuration", "unavailable")
    del peers.pages[cn + CONFIGURATION]
    watching.watch(NOW + 15)
    assert failures.standing(cn) == []


def test_a_bad_configuration_is_forgotten_when_the_peer_repeats_it(peers: Peers) -> None:
    cn = peering.accept_recognition(peering.propose(peers.cn.entity_id), officer=OFFICER).entity_id
    peers.pages[cn + CONFIGURATION] = Page("application/entity-statement+jwt", "nonsense", headers={"ETag": '"1"'})
    watching.watch(NOW)
    watching.watch(NOW + 15)  # 304
    (row,) = failures.standing(cn)
    assert row.reason == "malformed"


def test_sync_leaves_officers_to_read_the_log(cn: str, peers: Peers) -> None:
    peering.accept_recognition(Peer.objects.get(), officer=OFFICER)
    peers.pages[cn + CONFIGURATION] = Page("application/json", "{}", 503)
    sync.sync(NOW)
    assert {row.act for row in failures.standing(cn)} >= {"configuration", "mark", "issuer", "chain"}


def test_a_strangers_name_fills_the_table(node: str, peers: Peers) -> None:
    with pytest.raises((Refusal, Unavailable)):
        resolution.resolve(peers.url("nobody"), now=NOW)
    assert failures.standing() == []


def test_what_nobody_tries_any_more_stays_for_ever(db: None) -> None:
    failures.keep("https://a.example", failures.Act.CHAIN, Unavailable("down"), now=NOW)
    assert failures.purge(NOW + failures.KEPT - 1) == 0
    assert failures.purge(NOW + failures.KEPT) == 1


@pytest.mark.parametrize(("last_at", "name"), [(NOW - 1, "since_before_last"), (NOW, "once")])
def test_a_row_that_makes_no_sense_is_stored(db: None, last_at: int, name: str) -> None:
    failures.keep("https://a.example", failures.Act.MARK, Unavailable("down"), now=NOW)
    entity_id = "https://a.example" if name == "once" else "https://b.example"
    with pytest.raises(IntegrityError), transaction.atomic():
        Failure.objects.create(entity_id=entity_id, act="mark", reason="x", since=NOW, last_at=last_at)

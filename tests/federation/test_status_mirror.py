import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp import conf
from idp.federation import fetching, marks, peering, status_lists, status_mirror, watching
from idp.federation.models import MirroredStatusList
from idp.outbound import Response
from idp.protocol import keys
from idp.protocol.refusals import Unavailable
from idp.protocol.status_list import StatusList, sign_status_list, subject, verify_status_list
from tests.conftest import NOW
from tests.federation.conftest import OFFICER
from tests.federation.peers import Page, Peers
from tests.oidc.conftest import shared_database  # noqa: F401  a fixture
from tests.oidc.test_races import race

JSON = "application/json"


@pytest.fixture
def cn(node: str, peers: Peers) -> str:
    """The mainland as an accepted issuer that publishes one list."""
    peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.cn.carry(marks.issued(mark_type=mark_type, subject=peers.cn.entity_id, now=NOW), mark_type)
    _publish(peers, "/status/a")
    _aggregate(peers, ["/status/a"])
    watching.watch(NOW)
    return peers.cn.entity_id


def _publish(
    peers: Peers, path: str, *, now: int = NOW, revoked: int | None = None, key: str = "cn", etag: str = ""
) -> None:
    statuses = StatusList.blank(size=64)
    if revoked is not None:
        statuses.set(revoked, 1)
    uri = peers.url("cn", path)
    text = sign_status_list(statuses, uri=uri, signer=peers.status_keys[key], now=now, lifetime=86_400, ttl=30)
    peers.pages[uri] = Page(status_mirror.MEDIA_TYPE, text, headers={"ETag": etag} if etag else {})


def _aggregate(peers: Peers, paths: list[str]) -> None:
    uris = [path if path.startswith("http") else peers.url("cn", path) for path in paths]
    peers.pages[peers.url("cn", "/status/aggregation")] = Page(JSON, json.dumps({"status_lists": uris}))


def _revoked(peers: Peers, idx: int) -> int:
    (text,) = status_mirror.lists_of(peers.cn.entity_id, NOW)
    own = keys.KeySet([peers.status_keys["cn"].public])
    return verify_status_list(text, keys=own, uri=peers.url("cn", "/status/a"), now=NOW + 60).get(idx)


def test_a_peers_list_is_copied_and_a_revocation_follows(cn: str, peers: Peers) -> None:
    assert status_lists.mirror(NOW) == 1
    assert _revoked(peers, 5) == 0
    _publish(peers, "/status/a", now=NOW + 5, revoked=5)
    status_lists.mirror(NOW + 5)
    assert _revoked(peers, 5) == 1


def test_an_older_copy_does_not_undo_a_revocation(cn: str, peers: Peers) -> None:
    """Invalid solely because the list that came is older than the one at hand."""
    _publish(peers, "/status/a", now=NOW + 5, revoked=5)
    status_lists.mirror(NOW + 5)
    _publish(peers, "/status/a", now=NOW)
    status_lists.mirror(NOW + 6)
    assert _revoked(peers, 5) == 1


def test_an_unchanged_list_is_not_sent_again(cn: str, peers: Peers) -> None:
    _publish(peers, "/status/a", etag='"one"')
    status_lists.mirror(NOW)
    peers.pages[peers.url("cn", "/status/a")].text = "not looked at"
    assert status_lists.mirror(NOW + 1) == 1
    assert _revoked(peers, 5) == 0


@pytest.mark.parametrize("what", ["another key", "another address", "a web page", "a zip bomb"])
def test_a_list_that_does_not_verify_leaves_the_last_copy(cn: str, peers: Peers, what: str) -> None:
    """Negative case 61: invalid solely because of the signature, the subject, the type or its size."""
    _publish(peers, "/status/a", revoked=5)
    status_lists.mirror(NOW)
    page = peers.pages[peers.url("cn", "/status/a")]
    if what == "another key":
        _publish(peers, "/status/a", now=NOW + 1, key="mo")
    elif what == "another address":
        _publish(peers, "/status/b", now=NOW + 1)
        page.text = peers.pages[peers.url("cn", "/status/b")].text
    elif what == "a web page":
        page.content_type = "text/html"
    else:
        page.text = "x" * 600_000
    assert status_lists.mirror(NOW + 1) == 0
    assert _revoked(peers, 5) == 1


def test_lists_outside_the_peers_own_address_are_not_fetched(cn: str, peers: Peers) -> None:
    """Negative case 11: invalid solely because the aggregation points elsewhere."""
    elsewhere = [peers.url("mo", "/status/x"), "http://169.254.169.254/latest", f"{peers.cn.entity_id}x/"]
    _aggregate(peers, [*elsewhere, "/status/a"])
    peers.asked.clear()
    assert status_lists.mirror(NOW) == 1
    assert not any("/status/x" in url for url in peers.asked)


@pytest.mark.parametrize("text", ["[]", "{}", '{"status_lists":"x"}', '{"status_lists":[1]}', "<p>", "{"])
def test_an_aggregation_that_is_none_is_survived(cn: str, peers: Peers, text: str) -> None:
    """Invalid solely because of the aggregation's form."""
    peers.pages[peers.url("cn", "/status/aggregation")] = Page(JSON, text)
    assert status_lists.mirror(NOW) == 0


def test_a_peer_that_is_down_keeps_its_copies_until_they_expire(cn: str, peers: Peers) -> None:
    status_lists.mirror(NOW)
    peers.pages.clear()
    peers.federation.down.add(cn.removeprefix("http://"))
    status_lists.mirror(NOW + 100)
    assert len(status_mirror.lists_of(cn, NOW + 100)) == 1
    assert status_mirror.lists_of(cn, NOW + 86_400) == []
    status_lists.mirror(NOW + 86_400)
    assert not MirroredStatusList.objects.exists()


def test_nothing_is_asked_of_a_suspended_peer(cn: str, peers: Peers) -> None:
    peering.suspend(peering.Peer.objects.get(), officer=OFFICER)
    peers.asked.clear()
    assert status_lists.mirror(NOW) == 0
    assert peers.asked == []


def test_a_peer_that_hangs_does_not_keep_the_others_lists(
    cn: str, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Macau's lists take all the time there is; the mainland's revocation is here when it is given up."""
    node = conf.authority().entity_id
    peering.recognise(peering.propose(peers.mo.entity_id), officer=OFFICER)
    mark_type = marks.border_issuer(node)
    peers.mo.carry(marks.issued(mark_type=mark_type, subject=peers.mo.entity_id, now=NOW), mark_type)
    watching.watch(NOW)
    uris = [peers.url("mo", f"/status/{number}") for number in range(20)]
    peers.pages[peers.url("mo", "/status/aggregation")] = Page(JSON, json.dumps({"status_lists": uris}))
    real = fetching.get

    def get(url: str, *, timeout: float, **options: Any) -> Response:
        if url in uris:
            time.sleep(timeout)
            raise Unavailable("too late")
        return real(url, timeout=timeout, **options)

    monkeypatch.setattr(fetching, "get", get)
    monkeypatch.setattr(status_mirror, "TIMEOUT", 0.4)
    monkeypatch.setattr(status_mirror, "BUDGET", 1.0)
    _publish(peers, "/status/a", now=NOW + 5, revoked=5)
    begun = time.monotonic()
    assert status_lists.mirror(NOW + 5) == 1
    assert time.monotonic() - begun < 4, "twenty lists of 0.4 s one after the other would take 8"
    assert _revoked(peers, 5) == 1


def test_nothing_is_asked_of_a_peer_whose_period_is_over(cn: str, peers: Peers) -> None:
    peering.Peer.objects.update(valid_until=NOW)
    peers.asked.clear()
    assert status_lists.mirror(NOW) == 0
    assert peers.asked == []


def test_an_entity_tag_that_is_no_header_does_not_stop_the_round(cn: str, peers: Peers) -> None:
    """Whatever the peer wrote there, the next round asks without it."""
    _publish(peers, "/status/a", etag='"caf\xe9"')
    status_lists.mirror(NOW)
    assert MirroredStatusList.objects.get().etag == ""
    assert status_lists.mirror(NOW + 1) == 1


def test_no_chain_is_looked_for_while_the_others_wait(cn: str, peers: Peers) -> None:
    """The chain of a peer that hangs has expired: a search takes twenty seconds, and lists are due every fifteen."""
    peering.recognise(peering.propose(peers.mo.entity_id), officer=OFFICER)
    peers.asked.clear()
    assert status_lists.mirror(NOW) == 1
    assert not any(url.startswith(peers.mo.entity_id) for url in peers.asked)


def test_of_too_many_lists_the_newest_are_copied(cn: str, peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """An aggregation names the oldest first: cut at its beginning, the tokens issued just now would have no list."""
    monkeypatch.setattr(status_mirror, "MAX_LISTS", 3)
    paths = [f"/status/{number}" for number in range(5)]
    for path in paths:
        _publish(peers, path)
    _aggregate(peers, paths)
    assert status_lists.mirror(NOW) == 3
    copied = MirroredStatusList.objects.order_by("uri").values_list("uri", flat=True)
    assert [*copied] == [peers.url("cn", path) for path in paths[2:]]


def test_lists_that_have_ended_push_none_of_the_living_out_of_the_bundle(
    cn: str, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay until they expire, a day after the peer renewed them last."""
    monkeypatch.setattr(status_mirror, "MAX_LISTS", 3)
    for number in range(6):
        _publish(peers, f"/status/{number}", now=NOW + number)
        _aggregate(peers, [f"/status/{number}"])
        status_lists.mirror(NOW + number)
    named = [subject(text) for text in status_mirror.lists_of(cn, NOW + 6)]
    assert named == [peers.url("cn", f"/status/{number}") for number in (3, 4, 5)]


def test_256_lists_are_copied_in_one_round_and_written_together(
    cn: str, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of a large authority; the second round finds nothing changed."""
    monkeypatch.setattr(status_mirror, "BUDGET", 120.0)  # how fast the machine is, is no matter here
    paths = [f"/status/{number}" for number in range(256)]
    for path in paths:
        _publish(peers, path, etag=f'"{path}"')
    _aggregate(peers, paths)
    with CaptureQueriesContext(connection) as queries:
        assert status_lists.mirror(NOW) == 256
    assert len([query for query in queries if "INSERT" in query["sql"]]) < 10
    assert status_lists.mirror(NOW + 1) == 256


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_database")
def test_two_rounds_at_once_keep_the_newer_list(cn: str, peers: Peers) -> None:
    """Eight rounds fetched a list with the revocation, eight one without: whoever writes last, it stays revoked."""
    status_lists.mirror(NOW)
    errand = status_mirror._errand(cn, NOW)
    assert errand is not None
    uri = peers.url("cn", "/status/a")

    def fetched(now: int, revoked: int | None) -> Response:
        _publish(peers, "/status/a", now=now, revoked=revoked)
        return fetching.get(uri, media_type=status_mirror.MEDIA_TYPE)

    newer, older = fetched(NOW + 6, 5), fetched(NOW + 5, None)

    def job(answer: Response) -> Callable[[], int]:
        return lambda: 0 * status_mirror._take(errand, {uri: answer}, NOW + 7)

    race(*[job(newer), job(older)] * 8)
    assert _revoked(peers, 5) == 1

"""What the fetcher takes for an answer, and what it never asks for."""

import contextvars
import socket
import threading
import time
from typing import Any

import pytest

from idp import conf
from idp.federation import entities, fetching
from idp.outbound import Outbound
from idp.protocol.entity_ids import WELL_KNOWN
from idp.protocol.entity_statements import parse_entity_configuration
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.conftest import NOW
from tests.federation.peers import STATEMENT, Page, Peers


def _answers(peers: Peers, content_type: str = STATEMENT, text: str = "x", status: int = 200, **headers: str) -> str:
    url = peers.url("cn", "/page")
    peers.pages[url] = Page(
        content_type, text, status, {name.replace("_", "-"): value for name, value in headers.items()}
    )
    return url


@pytest.mark.parametrize("content_type", [STATEMENT, f"{STATEMENT}; charset=utf-8", STATEMENT.upper()])
def test_the_right_content_type_is_taken_whatever_its_parameters(peers: Peers, content_type: str) -> None:
    assert fetching.get(_answers(peers, content_type), media_type=STATEMENT).body == b"x"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/jwt",
        "application/entity-statement",
        f"{STATEMENT}x",
        f"text/html, {STATEMENT}",
        f"x;{STATEMENT}",
        "application/trust-mark+jwt",
    ],
)
def test_any_other_content_type_is_refused(peers: Peers, content_type: str) -> None:
    """Invalid solely because of the type (Federation §8.1.2): a web page's upload must not pass for a statement."""
    with pytest.raises(Refusal) as refused:
        fetching.get(_answers(peers, content_type), media_type=STATEMENT)
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 304, 307, 400, 401, 404, 410])
def test_only_200_is_an_answer(peers: Peers, status: int) -> None:
    with pytest.raises(Refusal):
        fetching.get(_answers(peers, status=status), media_type=STATEMENT)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_peer_that_is_overloaded_is_unavailable_and_not_wrong(peers: Peers, status: int) -> None:
    """The chain that was found before serves on: a refusal would end it."""
    with pytest.raises(Unavailable):
        fetching.get(_answers(peers, status=status), media_type=STATEMENT)


def test_304_is_an_answer_to_a_conditional_request_only(peers: Peers) -> None:
    url = _answers(peers, ETag='"a"')
    assert fetching.get(url, media_type=STATEMENT, headers={"If-None-Match": '"a"'}).status == 304
    assert fetching.get(url, media_type=STATEMENT, headers={"If-None-Match": '"b"'}).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/.well-known/openid-federation",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://10.0.0.1/",
    ],
)
def test_a_discovery_never_asks_inside_this_house(node: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative case 11: blocked before a connection is made."""

    def create_connection(address: object, *_: object, **__: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(Refusal):
        fetching.fetcher(NOW)(url)


def test_all_fetches_of_one_discovery_share_one_time(peers: Peers) -> None:
    """Negative case 10: fifty superiors that are slow one after the other must not hold a worker for minutes."""
    fetch = fetching.fetcher(NOW, budget=0.0)
    with pytest.raises(Unavailable, match="used up"):
        fetch(peers.url("cn", WELL_KNOWN))
    assert peers.asked == []


def test_a_fetch_gets_what_is_left_of_the_time(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []
    real = Outbound.request

    def request(self: Outbound, method: str, url: str, *, timeout: float, **options: Any) -> Any:
        limits.append(timeout)
        time.sleep(0.1)
        return real(self, method, url, timeout=timeout, **options)

    monkeypatch.setattr(Outbound, "request", request)
    fetch = fetching.fetcher(NOW, budget=5.0)
    for _ in range(3):
        fetch(peers.url("cn", WELL_KNOWN))
    assert 5.0 >= limits[0] > limits[1] > limits[2]
    assert limits[0] - limits[2] >= 0.2


def test_our_own_documents_are_not_asked_for_over_the_network(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that waits for another worker of the same node may wait for itself."""

    def request(*_: object, **__: object) -> None:
        raise AssertionError("asked over the network")

    monkeypatch.setattr(Outbound, "request", request)
    hosted = entities.host(path="checkpoints/lo-wu", metadata={"oauth_resource": {"resource": "x"}}, now=NOW)
    fetch = fetching.fetcher(NOW)
    assert parse_entity_configuration(fetch(f"{node}{WELL_KNOWN}"), now=NOW).iss == node
    assert parse_entity_configuration(fetch(f"{hosted.entity_id}{WELL_KNOWN}"), now=NOW).iss == hosted.entity_id
    assert fetch(f"{node}/federation/fetch?sub={hosted.entity_id}")
    for unknown in ("/federation/fetch?sub=https://x.example", "/federation/fetch?x=1", "/x", "/x/y"):
        with pytest.raises(Refusal):
            fetch(f"{node}{unknown}")


def test_what_is_at_hand_is_not_fetched_and_only_there(peers: Peers) -> None:
    url = peers.url("cn", WELL_KNOWN)
    fetch = fetching.fetcher(NOW)
    with fetching.at_hand({url: "here"}):
        assert fetch(url) == "here"
        assert contextvars.Context().run(fetch, url) != "here", "another task's search is not this one's"
        fetch(peers.url("mo", WELL_KNOWN))
    assert fetch(url) != "here"
    assert len(peers.asked) == 3


def test_the_nodes_client_asks_each_host_one_thing_at_a_time(peers: Peers) -> None:
    most, under_way, lock = 0, 0, threading.Lock()
    real = peers.federation.fetch

    def slow(url: str) -> str:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        return real(url)

    peers.federation.fetch = slow  # type: ignore[method-assign]
    url = peers.url("cn", WELL_KNOWN)
    jobs = {str(number): lambda: fetching.get(url, media_type=STATEMENT).status for number in range(5)}
    assert set(fetching.together(jobs).values()) == {200}
    assert most == 1


def test_the_client_is_one_for_the_process_and_insecure_only_by_the_switch(node: str) -> None:
    assert fetching.client() is fetching.client()
    assert fetching.client()._insecure is conf.authority().insecure_loopback_http

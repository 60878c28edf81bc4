"""Negative cases 10 and 11: what a stranger can name, and what his server can answer, to hurt whoever asks."""

import socket
import threading
import time

import pytest

from idp.outbound import Response, check_address
from idp.protocol.refusals import Refusal, Unavailable
from tests.simulators.raw_http import client as _client
from tests.simulators.raw_http import server as _server


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b:1::7f00:1",  # NAT64 of a network's own (RFC 8215)
        "::ffff:0:7f00:1",  # IPv4-translated
        "192.88.99.1",  # 6to4 relay
        "192.0.0.8",
        "198.18.0.1",  # benchmarking
        "240.0.0.1",
        "2001:10::1",  # ORCHID
        "2001:db8::1",
        "3fff::1",  # documentation
        "5f00::1",  # segment routing
        "100::1",  # discard
        "fd00:ec2::254",  # cloud metadata
    ],
)
def test_an_address_of_a_special_range_is_refused(address: str) -> None:
    """Invalid solely because the range is not for servers, though the standard library may call it global."""
    with pytest.raises(Refusal):
        check_address(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",  # decimal
        "017700000001",  # octal
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "10.1",
        "0",
        "[::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[::ffff:0:7f00:1]",
    ],
)
def test_no_spelling_of_a_private_address_is_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative case 11: refused as malformed or because no such name is found, and no socket is opened in any case."""

    def create_connection(address: object, *_: object, **__: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with _client() as client, pytest.raises((Refusal, Unavailable)):
        client.request("GET", f"https://{host}/")


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "https://10.0.0.1/", "file:///etc/passwd", "//169.254.169.254/"]
)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 For Ever"])
def test_no_kind_of_redirect_is_followed(status: str, target: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nLocation: {target}\r\nRefresh: 0; url={target}\r\nContent-Length: 0\r\n\r\n"
    with _server(answer.encode()) as (url, seen), _client() as client:
        assert client.request("GET", url).status == int(status[:3])
    assert len(seen) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"X-Long: " + b"x" * 300_000,
        b"\r\n".join(b"X-%d: 1" % number for number in range(30_000)),
        b"X-Folded: 1" + b"\r\n more" * 60_000,
    ],
    ids=["one long", "many", "folded"],
)
def test_a_bomb_of_headers_is_unavailable(head: bytes) -> None:
    """Invalid solely because of the size of its headers (negative case 10)."""
    with (
        _server(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n") as (url, _),
        _client() as client,
        pytest.raises(Unavailable),
    ):
        client.request("POST", url)


def test_endless_interim_answers_end_with_the_deadline() -> None:
    """Invalid solely because 100 Continue never ends: each of them is a whole and valid answer (negative case 10)."""
    begun = time.monotonic()
    interim = [b"HTTP/1.1 100 Continue\r\n\r\n"] * 400
    with _server(*interim, pause=0.01) as (url, _), _client(timeout=0.4) as client, pytest.raises(Unavailable):
        client.request("POST", url)
    assert time.monotonic() - begun < 2.0


def test_headers_that_come_byte_by_byte_end_with_the_deadline() -> None:
    """Invalid solely because it is slow before the first line is whole (negative case 10: slow loris)."""
    begun = time.monotonic()
    slow = [bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200]
    with _server(*slow, pause=0.02) as (url, _), _client(timeout=0.4) as client, pytest.raises(Unavailable):
        client.request("POST", url)
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"])
def test_no_compression_is_opened(coding: str) -> None:
    """Negative case 10: a bomb that is not opened does not go off."""
    answer = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n\r\n\x1f\x1f\x1f\x1f".encode()
    with _server(answer) as (url, _), _client() as client, pytest.raises(Refusal):
        client.request("GET", url)


def test_a_compressed_transfer_is_refused() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    with _server(answer) as (url, _), _client() as client, pytest.raises((Refusal, Unavailable)):
        client.request("GET", url)


@pytest.mark.parametrize("lengths", ["5\r\nContent-Length: 6", "-1", "5, 6", "0x5", "99999999999999999999"])
def test_an_answer_of_unclear_length_is_no_answer(lengths: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {lengths}\r\n\r\nhello!".encode()
    with _server(answer) as (url, _), _client() as client, pytest.raises((Refusal, Unavailable)):
        client.request("GET", url)


def test_an_answer_of_two_content_types_is_refused() -> None:
    """Invalid solely because two readers of it could each see another type."""
    types = b"Content-Type: text/html\r\nContent-Type: application/json\r\n"
    answer = b"HTTP/1.1 200 OK\r\n" + types + b"Content-Length: 2\r\n\r\n{}"
    with _server(answer) as (url, _), _client() as client, pytest.raises(Refusal):
        client.request("GET", url)


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("application/entity-statement+jwt", "application/entity-statement+jwt"),
        ("Application/Entity-Statement+JWT; charset=utf-8", "application/entity-statement+jwt"),
        ("application/entity-statement+jwt;charset=utf-16", "application/entity-statement+jwt"),  # ASCII is read
        ("text/html, application/entity-statement+jwt", "text/html, application/entity-statement+jwt"),
        ("application/entity-statement+jwtx", "application/entity-statement+jwtx"),
        ("", ""),
    ],
)
def test_a_media_type_is_compared_without_its_parameters_and_whole(value: str, media_type: str) -> None:
    assert Response(200, {"content-type": value}, b"").media_type == media_type


def test_one_host_is_asked_one_thing_at_a_time_and_the_others_wait_for_their_turn() -> None:
    """Negative case 10: a stranger whose entity hangs must not have this process hold all its connections to it."""
    under_way, most, lock = 0, 0, threading.Lock()

    answer = [b"", b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"]
    with _server(*answer, pause=0.1) as (url, seen), _client(timeout=5, one_by_one=True) as client:
        real = client._exchange

        def exchange(*arguments: object) -> Response:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            try:
                return real(*arguments)  # type: ignore[arg-type]
            finally:
                with lock:
                    under_way -= 1

        client._exchange = exchange  # type: ignore[method-assign]
        threads = [threading.Thread(target=client.request, args=("POST", url)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client._turns is not None and client._turns._hosts == {}, "nothing is remembered of who was asked"
    assert (len(seen), most) == (4, 1)


def test_whoever_waits_for_a_turn_waits_within_his_own_deadline() -> None:
    answer = [b"", b"HTTP/1.1 204 No Content\r\n\r\n"]
    with _server(*answer, pause=1.0) as (url, seen), _client(timeout=5, one_by_one=True) as client:
        first = threading.Thread(target=client.request, args=("POST", url))
        first.start()
        while not seen:
            time.sleep(0.01)
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="under way"):
            client.request("POST", url, timeout=0.2)
        assert time.monotonic() - begun < 0.9
        other = url.replace("x.localhost", "y.localhost")
        assert client.request("POST", other, timeout=3.0).status == 204, "another host's turn is its own"
        first.join()
        assert client.request("POST", url).status == 204, "the one that gave up left nothing behind"

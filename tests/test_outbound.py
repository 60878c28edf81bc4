import gzip
import ipaddress
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.outbound import Outbound, check_address, check_url
from idp.protocol.refusals import Reason, Refusal, Unavailable
from tests.simulators.raw_http import client as _client
from tests.simulators.raw_http import server as _server

BAD_ADDRESSES = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # cloud metadata
    "100.64.0.1",  # carrier NAT
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "::127.0.0.1",  # IPv4-compatible
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:10.0.0.1",
    "::ffff:224.0.0.1",
    "64:ff9b::7f00:1",  # NAT64 of the loopback
    "2002:7f00:1::",  # 6to4 of the loopback
    "2001:0:7f00:1::",  # Teredo
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Invalid solely because the address is not one of the public internet (negative case 11)."""
    with pytest.raises(Refusal) as caught:
        check_address(address)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_passes(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/",
        "http://127.0.0.1/",
        "http://evil.example/.localhost",
        "http://localhost.evil.example/",
        "http://hk.localhost@evil.example/",
        "file:///etc/passwd",
        "ftp://idp.example/",
        "gopher://idp.example/",
        "//idp.example/",
        "https:///path",
        "https://user@idp.example/",
        "https://user:secret@idp.example/",
        "https://idp.example/#fragment",
        "https://idp.example:0/",
        "https://idp.example:65536/",
        "https://idp.example:x/",
        "https://idp.example\\@evil.example/",
        "https://idp.example/ x",
        "https://idp.example/\r\nHost: evil",
        "https://bücher.example/",
        "https://.example/",
        "https://[::1/",
        "",
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str) -> None:
    """Invalid solely because of its scheme, user information, fragment or spelling (negative case 11)."""
    with pytest.raises(Refusal) as caught:
        check_url(url, insecure_loopback_http=True)
    assert caught.value.reason is Reason.MALFORMED


@given(st.one_of(st.text(), st.from_regex(r"(https|http)://[^/]{0,40}(/.*)?", fullmatch=True)))
def test_whatever_passes_as_a_url_is_https_or_loopback_and_names_one_host(url: str) -> None:
    try:
        check_url(url, insecure_loopback_http=True)
    except Refusal:
        return
    parts = urlsplit(url)
    assert parts.scheme == "https" or str(parts.hostname).endswith(".localhost")
    assert parts.username is None
    assert parts.hostname == httpcore.URL(url).host.decode().strip("[]").lower(), "both readers see the same host"


@given(st.one_of(st.ip_addresses().map(str), st.text()))
def test_whatever_passes_as_an_address_is_public(address: str) -> None:
    try:
        check_address(address)
    except Refusal:
        return
    assert ipaddress.ip_address(address).is_global
    assert not ipaddress.ip_address(address).is_multicast


def test_plain_http_to_localhost_names_needs_the_insecure_flag() -> None:
    check_url("http://cn.localhost:8001/x", insecure_loopback_http=True)
    with pytest.raises(Refusal):
        check_url("http://cn.localhost:8001/x", insecure_loopback_http=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_a_loopback_address_in_another_spelling_is_refused_before_a_connection(host: str) -> None:
    """Invalid solely because the resolver reads the number as 127.0.0.1 (negative case 11: decimal IP)."""
    with _client() as client, pytest.raises((Refusal, Unavailable)):
        client.request("GET", f"https://{host}/")


def _answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Have the resolver give these addresses, a list for each question; returns the log of what was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        addresses = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invalid solely because the second address of the name is private: a rebinding half done."""
    _answers(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with _client() as client, pytest.raises(Refusal):
        client.request("GET", "https://rebind.example/")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invalid solely because the name's second answer would be the loopback: nobody asks a second time."""
    asked = _answers(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    connected: list[object] = []

    def create_connection(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address)
        raise OSError("nothing leaves the test")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with _client() as client, pytest.raises(Unavailable):
        client.request("POST", "https://rebind.example:4443/")
    assert asked == ["rebind.example"]
    assert connected == [("8.8.8.8", 4443)]


def test_a_resolver_that_hangs_ends_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hang.wait(5) and [])
    begun = time.monotonic()
    with _client(timeout=0.2) as client, pytest.raises(Unavailable):
        client.request("GET", "https://slow.example/")
    hang.set()
    assert time.monotonic() - begun < 1.0


def test_an_answer_arrives_whole_with_lower_case_headers() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello") as (url, seen), _client() as client:
        response = client.request("GET", url, headers={"If-None-Match": '"x"', "Accept-Encoding": "gzip"})
    assert (response.status, response.headers["x-one"], response.body) == (200, "1", b"hello")
    assert b"accept-encoding: identity" in seen[0].lower()
    assert b"gzip" not in seen[0]
    assert b'if-none-match: "x"' in seen[0].lower()


def test_a_redirect_is_handed_back_and_not_followed() -> None:
    """Invalid solely because it redirects to where it must not (negative case 11: redirect to those)."""
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with _server(answer) as (url, seen), _client() as client:
        assert client.request("GET", url).status == 302
    assert len(seen) == 1


def test_proxies_in_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, _), _client() as client:
        assert client.request("GET", url).status == 200


def test_a_body_beyond_the_limit_is_refused_by_its_length_and_while_it_streams() -> None:
    """Invalid solely because of its size, told or not told before (negative case 10)."""
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
    untold = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"800\r\n" + b"x" * 2048 + b"\r\n"
    for answer in (told, untold):
        with _server(answer) as (url, _), _client(max_bytes=1024) as client, pytest.raises(Refusal) as caught:
            client.request("GET", url)
        assert caught.value.reason is Reason.MALFORMED


def test_a_compressed_answer_is_refused_unopened() -> None:
    """Invalid solely because it is compressed although identity was asked for (negative case 10: gzip bomb)."""
    body = gzip.compress(b"x" * 1000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with _server(head + body) as (url, _), _client() as client, pytest.raises(Refusal):
        client.request("GET", url)


def test_one_byte_at_a_time_ends_with_the_deadline() -> None:
    """Invalid solely because it is slow: each byte comes before any timeout of its own (negative case 10)."""
    slow = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 100]
    begun = time.monotonic()
    with _server(*slow, pause=0.05) as (url, _), _client(timeout=0.4) as client, pytest.raises(Unavailable):
        client.request("POST", url)
    assert time.monotonic() - begun < 1.5


def test_nobody_at_home_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with _client() as client, pytest.raises(Unavailable):
        client.request("GET", f"http://x.localhost:{port}/")


def test_nonsense_instead_of_http_is_unavailable() -> None:
    with _server(b"SSH-2.0-OpenSSH\r\n\r\n") as (url, _), _client() as client, pytest.raises(Unavailable):
        client.request("GET", url)


def test_https_to_a_server_without_a_certificate_is_unavailable() -> None:
    with _server(b"HTTP/1.1 200 OK\r\n\r\n") as (url, _), _client() as client, pytest.raises(Unavailable):
        client.request("GET", url.replace("http:", "https:"))


def test_a_method_with_other_characters_is_refused() -> None:
    with _client() as client, pytest.raises(Refusal):
        client.request("GET / HTTP/1.1\r\nX:", "http://x.localhost:1/")


def test_one_client_serves_many_threads_each_with_its_own_deadline() -> None:
    results: list[object] = []

    def ask(client: Outbound, url: str, limit: float) -> None:
        try:
            results.append(client.request("POST", url, timeout=limit).status)
        except Unavailable:
            results.append("late")

    answer = [b"", b"HTTP/1.1 204 No Content\r\n\r\n"]
    with _server(*answer, pause=0.3) as (url, _), _client(timeout=5) as client:
        limits = (0.1, 3.0, 0.1, 3.0)
        threads = [threading.Thread(target=ask, args=(client, url, limit)) for limit in limits]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(str, results)) == ["204", "204", "late", "late"]


def test_a_kept_connection_is_used_again_and_its_loss_survived() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with _server(answer) as (url, seen), _client() as client:
        assert client.request("GET", url).status == 200  # the server closes after each answer
        assert client.request("GET", url).status == 200
    assert len(seen) == 2


def test_the_system_store_of_certificates_is_what_counts() -> None:
    with _client() as client:
        context = client._pool._ssl_context
        assert context is not None
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname

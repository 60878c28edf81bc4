"""The device's HTTP server: what it refuses before a handler sees it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp import inbound
from idp.inbound import server as server_module
from idp.protocol.refusals import Reason, Refusal, Unavailable

SECONDS = 1.0  # for a request to arrive, here


def _echo(request: inbound.Request) -> inbound.Response:
    return inbound.json_response(
        {"path": request.path, "query": dict(request.query), "body": request.body.decode("latin-1")}
    )


def _fail(request: inbound.Request) -> inbound.Response:
    raise ValueError("a secret in a traceback")


def _refuse(request: inbound.Request) -> inbound.Response:
    raise Refusal(Reason.WRONG_AUDIENCE, "detail for the log")


def _unavailable(request: inbound.Request) -> inbound.Response:
    raise Unavailable("disk gone")


def _read(request: inbound.Request) -> inbound.Response:
    return inbound.json_response(inbound.json_body(request))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    files = tmp_path_factory.mktemp("static")
    (files / "deep").mkdir()
    (files / "a.css").write_text("body{}")
    (files / "deep" / "b.json").write_text("{}")
    (files / "key.pem").write_text("secret")
    (files.parent / "outside.css").write_text("outside")
    (files / "link.css").symlink_to(files.parent / "outside.css")
    routes = {
        ("GET", "/echo"): _echo,
        ("POST", "/echo"): _echo,
        ("GET", "/under/*"): _echo,
        ("GET", "/fail"): _fail,
        ("GET", "/refuse"): _refuse,
        ("GET", "/unavailable"): _unavailable,
        ("POST", "/read"): _read,
        ("GET", "/split"): lambda request: inbound.redirect("/x\r\nSet-Cookie: a=b"),
        **inbound.static_files({"/static": files}),
    }
    with inbound.DeviceServer(
        host="127.0.0.1", port=0, routes=routes, max_body=1000, hosts=["Lane.Example"], request_seconds=SECONDS
    ) as server:
        yield server.port


def _raw(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


def _status(port: int, data: bytes) -> int:
    return int(_raw(port, data).split(b" ", 2)[1])


def _call(
    port: int, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_a_plain_request_is_answered_with_security_headers(port: int) -> None:
    status, headers, body = _call(port, "GET", "/echo?a=1&b=%E6%B7%B1")
    assert (status, json.loads(body)["query"]) == (200, {"a": "1", "b": "深"})
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["connection"] == "close"
    assert "set-cookie" not in headers
    assert "python" not in headers["server"].lower()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b", "x:y"])
def test_dns_rebinding_to_a_foreign_host_name(port: int, host: str) -> None:
    """Invalid solely because the Host header names somebody else."""
    assert _status(port, f"GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "phone.localhost:9001", "LANE.example"])
def test_own_host_names_are_answered(port: int, host: str) -> None:
    assert _status(port, f"GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_another_sites_page_presses_a_button(port: int, origin: str) -> None:
    """Invalid solely because the Origin is not the device's own."""
    headers = {"Host": f"localhost:{port}", "Origin": origin}
    assert _call(port, "POST", "/echo", b"{}", headers)[0] == 403
    assert _call(port, "POST", "/echo", b"{}", {**headers, "Origin": f"http://localhost:{port}"})[0] == 200


@pytest.mark.parametrize("name", ["Host: localhost", "Content-Length: 0", "Authorization: DPoP a", "DPoP: a"])
def test_a_header_that_must_be_single_stands_twice(port: int, name: str) -> None:
    first = "" if name.startswith("Host") else "Host: localhost\r\n"
    assert _status(port, f"GET /echo HTTP/1.1\r\n{first}{name}\r\n{name}\r\n\r\n".encode()) == 400


@pytest.mark.parametrize("line", ["X-A: b\r\n folded", "no colon here", "Content-Length : 5", "X-\xe9: 1"])
def test_a_header_that_readers_read_differently(port: int, line: str) -> None:
    assert _status(port, f"GET /echo HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode("latin-1")) == 400


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/static/../outside.css", 404),
        ("/static/%2e%2e/outside.css", 404),
        ("/static/..%2foutside.css", 404),
        ("/static/..%5coutside.css", 404),
        ("/under//etc/passwd", 404),
        ("/static/a.css%00.png", 400),
        ("/static/%zz", 400),
        ("/static/%ff", 400),
        ("http://evil.example/echo", 400),
        ("*", 400),
        ("/static/key.pem", 404),
        ("/static/link.css", 404),
        ("/static/deep", 404),
    ],
)
def test_a_path_that_leads_elsewhere(port: int, target: str, status: int) -> None:
    assert _status(port, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) == status


def test_static_files_are_served_by_kind(port: int) -> None:
    status, headers, body = _call(port, "GET", "/static/a.css")
    assert (status, headers["content-type"], body) == (200, "text/css; charset=utf-8", b"body{}")
    assert _call(port, "GET", "/static/deep/b.json")[1]["content-type"] == "application/json"
    status, headers, body = _call(port, "HEAD", "/static/a.css")
    assert (status, headers["content-length"], body) == (200, "6", b"")


def test_methods_and_unknown_paths(port: int) -> None:
    status, headers, _ = _call(port, "DELETE", "/echo")
    assert (status, headers["allow"]) == (405, "GET, POST")
    status, headers, body = _call(port, "GET", "/nothing")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(body)["code"] == "not_found"
    assert json.loads(_call(port, "GET", "/under/a/b")[2])["path"] == "/under/a/b"
    assert _call(port, "GET", "/under")[0] == 404


def test_a_body_beyond_the_limit_is_refused_and_the_answer_arrives(port: int) -> None:
    assert _call(port, "POST", "/echo", b"x" * 1000)[0] == 200
    assert _call(port, "POST", "/echo", b"x" * 1001)[0] == 413
    assert _call(port, "POST", "/echo", b"x" * 200_000)[0] == 413


@pytest.mark.parametrize("value", ["-1", "+1", "1e2", "0x1", "٣", "9" * 30, "1, 1"])
def test_a_content_length_that_is_no_plain_number(port: int, value: str) -> None:
    assert _status(port, f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {value}\r\n\r\n".encode()) == 400


def test_a_chunked_body(port: int) -> None:
    """Invalid solely because its length is not announced."""
    request = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert _status(port, request) == 411


def test_a_second_request_hidden_behind_the_first(port: int) -> None:
    request = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert _raw(port, request + request).count(b"HTTP/1.1 200") == 1


def test_a_header_without_end(port: int) -> None:
    assert _status(port, b"GET /echo HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 40_000) == 431
    many = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 400) for number in range(60))
    assert _status(port, b"GET /echo HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n") == 431
    assert _status(port, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n") == 431


def test_a_request_that_drips_in(port: int) -> None:
    """Invalid solely because it has not arrived after the time for a request, though a byte came every moment."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        started, closed = time.monotonic(), False
        while not closed and time.monotonic() - started < SECONDS * 4:
            try:
                connection.sendall(b"G")
                time.sleep(0.1)
                connection.settimeout(0.01)
                closed = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
    assert closed
    assert time.monotonic() - started < SECONDS * 2 + 1


def test_a_body_shorter_than_announced_holds_no_thread(port: int) -> None:
    started = time.monotonic()
    assert _raw(port, b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc") == b""
    assert time.monotonic() - started < SECONDS * 2 + 1


def test_errors_say_no_more_than_they_must(port: int) -> None:
    status, _, body = _call(port, "GET", "/fail")
    assert (status, json.loads(body)["code"]) == (500, "internal")
    assert b"secret" not in body
    assert b"Traceback" not in body
    status, _, body = _call(port, "GET", "/refuse")
    assert (status, json.loads(body)["code"]) == (400, "wrong_audience")
    assert b"detail" not in body
    assert _call(port, "GET", "/unavailable")[0] == 503


def test_a_line_break_in_a_header_of_ours(port: int) -> None:
    status, headers, _ = _call(port, "GET", "/split")
    assert status == 500
    assert "set-cookie" not in headers


def test_json_bodies(port: int) -> None:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    assert _call(port, "POST", "/read", b'{"a": 1}', kind)[2] == b'{"a":1}'
    assert _call(port, "POST", "/read", b'{"a": 1, "a": 2}', kind)[0] == 400
    assert _call(port, "POST", "/read", b"[]", kind)[0] == 400
    assert _call(port, "POST", "/read", b"", kind)[0] == 400
    assert _call(port, "POST", "/read", b'{"a": 1}', {"Content-Type": "text/plain"})[0] == 415


@pytest.mark.parametrize("query", ["a=1&a=2", "a=1&%61=2", "a=%", "a=%zz", "a=%ff", "a=%00", "&".join("abcdef" * 6)])
def test_a_query_with_two_readings(query: str) -> None:
    with pytest.raises(Refusal) as caught:
        inbound.parse_query(query)
    assert caught.value.reason is Reason.MALFORMED


@given(st.text(max_size=200))
def test_parse_query_reads_or_refuses(text: str) -> None:
    try:
        values = inbound.parse_query(text)
    except Refusal:
        return
    assert all(isinstance(value, str) for pair in values.items() for value in pair)


def test_too_many_connections_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    with inbound.DeviceServer(
        host="127.0.0.1", port=0, routes={("GET", "/echo"): _echo}, max_body=10, request_seconds=2
    ) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(2)]
        time.sleep(0.2)
        assert _raw(server.port, b"") == b""
        for connection in idle:
            connection.close()
        time.sleep(0.2)
        assert _call(server.port, "GET", "/echo")[0] == 200


def test_stop_waits_for_a_handler_at_work() -> None:
    begun, results = threading.Event(), []

    def slow(request: inbound.Request) -> inbound.Response:
        begun.set()
        time.sleep(0.4)
        return inbound.json_response({"done": True})

    server = inbound.DeviceServer(host="127.0.0.1", port=0, routes={("GET", "/slow"): slow}, max_body=10)
    server.start()
    caller = threading.Thread(target=lambda: results.append(_call(server.port, "GET", "/slow")[2]))
    caller.start()
    assert begun.wait(5)
    server.stop()
    server.stop()
    caller.join(5)
    assert results == [b'{"done":true}']
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_a_server_stopped_before_it_served_does_not_hang() -> None:
    server = inbound.DeviceServer(host="127.0.0.1", port=0, routes={}, max_body=10)
    server.stop()
    server.serve_forever()


def test_a_page_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text("<p>one</p>")
    handler = inbound.page(path)
    path.write_text("<p>two</p>")
    answer = handler(inbound.Request("GET", "/", {}, {}))
    assert (answer.content_type, answer.body) == ("text/html; charset=utf-8", b"<p>one</p>")

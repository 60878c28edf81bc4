"""The short stack for machines: what holds for every answer is kept, what only a page needs is gone."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.urls import URLPattern, get_resolver, resolve
from django.utils import translation

from idp import machines
from idp.machines import MachineHandler, Switch

# Each request looks at the connection first, and closes one of PostgreSQL that is in a transaction.
pytestmark = pytest.mark.usefixtures("transactional_db")


class Answer:
    """Status, headers by lower-case name, and body."""

    def __init__(self, application: Callable[..., Any], path: str, *, method: str = "POST", **environ: Any) -> None:
        body = environ.pop("body", b"")
        whole = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "hk.localhost:8002",
            "SERVER_NAME": "hk.localhost",
            "SERVER_PORT": "8002",
            "SCRIPT_NAME": "",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            **environ,
        }
        started: list[Any] = []
        parts = application(whole, lambda *what: started.append(what))
        self.body = b"".join(parts)
        self.status = int(started[0][0].split()[0])
        self.headers = {name.lower(): value for name, value in started[0][1]}


@pytest.fixture
def handler(settings: Any) -> MachineHandler:
    return MachineHandler()


def paths_of(patterns: list[Any], before: str = "/") -> list[tuple[str, URLPattern]]:
    found: list[tuple[str, URLPattern]] = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found.append((route, pattern))
        else:
            found += paths_of(pattern.url_patterns, route)
    return found


def test_an_error_is_answered_as_json_with_what_holds_for_every_answer(handler: MachineHandler) -> None:
    """A stack that is too short: an answer that a browser may take for a page."""
    answer = Answer(handler, "/oidc/token", body=b"grant_type=refresh_token&refresh_token=x&client_assertion_type=y")
    assert answer.status == 401
    assert json.loads(answer.body)["error"] == "invalid_client"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["content-security-policy"] == machines.POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_nothing_of_a_page_comes_along(handler: MachineHandler) -> None:
    """A stack that is too long: a session looked up, a cookie set, an answer that varies by language."""
    cookies = "session=abc; csrf=def; django_language=zh-hant"
    answer = Answer(handler, "/oidc/token", HTTP_COOKIE=cookies, HTTP_ACCEPT_LANGUAGE="pt")
    assert not {"set-cookie", "vary", "content-language"} & answer.headers.keys()


def test_another_host_is_refused(handler: MachineHandler) -> None:
    """invalid solely because the Host header names another machine."""
    assert Answer(handler, "/oidc/token", HTTP_HOST="evil.example").status == 400


def test_transport_security_is_announced_over_tls(settings: Any) -> None:
    """The machine endpoints' answers are the only ones that some clients ever see."""
    settings.SECURE_HSTS_SECONDS = 31_536_000
    answer = Answer(MachineHandler(), "/oidc/token", **{"wsgi.url_scheme": "https"})
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


def test_each_path_keeps_its_view(handler: MachineHandler) -> None:
    """A view that is looked for once must not answer for another path, nor for one that only begins like it."""
    for _ in range(2):
        assert Answer(handler, "/oidc/token", method="GET").headers["allow"] == "POST"
        assert json.loads(Answer(handler, "/oidc/jwks", method="GET").body)["keys"] == []
        assert Answer(handler, "/oidc/jwks/", method="GET").status == 404


def test_a_body_beyond_the_limit_is_not_read(handler: MachineHandler) -> None:
    """invalid solely because of its length."""
    answer = Answer(handler, "/oidc/token", CONTENT_LENGTH="1000000000")
    assert answer.status == 413


def test_an_unexpected_error_is_a_500_and_no_traceback(
    handler: MachineHandler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A stack without the conversion of exceptions would end the worker's thread."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("idp.oidc.form.read", fail)
    answer = Answer(handler, "/oidc/token")
    assert answer.status == 500 and b"secret" not in answer.body


def test_a_connection_that_is_too_old_is_not_used_again(handler: MachineHandler) -> None:
    """No signal says that a request begins, so nobody else closes it."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's one in memory is never closed")
    connection.ensure_connection()
    old, connection.close_at = connection.connection, 0
    assert Answer(handler, "/oidc/jwks", method="GET").status == 200
    assert connection.connection is not old


def test_the_language_of_the_last_page_is_forgotten(handler: MachineHandler) -> None:
    """A thread that rendered a page in Portuguese answers the next machine in it."""
    switch = Switch(machines=handler, pages=WSGIHandler())
    with translation.override(None):
        page = Answer(switch, "/account/login", method="GET", HTTP_ACCEPT_LANGUAGE="pt", CONTENT_TYPE="")
        assert page.headers["content-language"] == "pt" and translation.get_language() == "en"


def test_the_switch_sends_machines_one_way_and_pages_the_other() -> None:
    """A page without its session, or a machine with one."""

    def named(name: str) -> Callable[..., Any]:
        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
            start_response("200 OK", [])
            return [name.encode()]

        return application

    switch = Switch(machines=named("machines"), pages=named("pages"))
    for path in (*machines.PATHS, "/border/v1/checkpoints/x/bundle"):
        assert Answer(switch, path).body == b"machines", path
    for path in (
        "/oidc/authorize",
        "/oidc/consent",
        "/admin/",
        "/oidc/token/",
        "/oidc/tokens",
        "/border",
        machines.OFFICERS + "alerts",
        "",
    ):
        assert Answer(switch, path).body == b"pages", path


def test_no_view_of_a_machine_relies_on_the_check_of_csrf_tokens() -> None:
    """The short stack has none: a view that counted on it would be open to other sites' pages."""
    for route, pattern in paths_of(get_resolver().url_patterns):
        if route in machines.PATHS or route.startswith(machines.PREFIX):
            assert getattr(pattern.callback, "csrf_exempt", False), route


def test_the_paths_are_there() -> None:
    """A path that was renamed would fall back to the page stack, and nobody would notice."""
    assert (
        resolve("/oidc/token") and resolve("/oidc/par") and resolve("/oidc/userinfo") and resolve("/border/v1/tokens")
    )
    routes = {route for route, _ in paths_of(get_resolver().url_patterns)}
    planned = {"/oidc/introspect", "/oidc/revoke"}
    assert machines.PATHS - planned <= routes

"""The phone over HTTP: what the traveller and the orchestrator may do, and who may not."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from idp.protocol.refusals import Refusal
from idp.wallet import __main__ as program
from idp.wallet import config, phone_pages
from idp.wallet.errors import CODES, UnableTo
from tests.wallet.conftest import World, phone_config

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh-hans", "zh-hant", "pt")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def port(world: World) -> Iterator[int]:
    with phone_pages.server(phone=world.phone, port=0) as server:
        yield server.port


def _call(
    port: int, method: str, path: str, value: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body, headers or JSON)
        response = connection.getresponse()
        text = response.read().decode()
        answer = {name.lower(): item for name, item in response.getheaders()}
        return response.status, answer, json.loads(text) if answer["content-type"].endswith("json") else text
    finally:
        connection.close()


def test_the_whole_way_by_the_interface(world: World, port: int) -> None:
    status, _, started = _call(port, "POST", "/api/authorize", {"crossing": "day"})
    assert (status, started["provider_name"]["zh-hans"]) == (200, "海港入境处")
    answer = urlencode(world.authority.answer(started["authorization_url"]))
    status, headers, _ = _call(port, "GET", f"/callback?{answer}")
    assert (status, headers["location"]) == (303, "/#/crossing/day")
    wanted = {"checkpoint": world.authority.checkpoint, "direction": "exit", "format": "cwt"}
    status, _, token = _call(port, "POST", "/api/tokens", wanted)
    assert status == 200
    assert [item["id"] for item in _call(port, "GET", "/api/tokens")[2]["tokens"]] == [token["id"]]
    for image, kind in ((None, "svg"), ("png", "png")):
        shown = _call(port, "POST", "/api/present", {"token_id": token["id"], "mode": "qr", "image": image})[2]
        assert shown["qr"].startswith("BT1:")
        assert len(shown[kind]) > 100
    link = _call(port, "POST", "/api/tokens", {**wanted, "format": "jwt"})[2]
    assert set(_call(port, "POST", "/api/present", {"token_id": link["id"], "mode": "link"})[2]) == {"token", "proof"}
    step = _call(port, "GET", "/api/state")[2]["crossings"][0]["steps"][0]
    assert step["granted"] is True
    assert set(step["tokens"]) == {"cwt", "jwt"}


def test_the_page_and_the_interface_show_no_secret(world: World, port: int) -> None:
    grant = world.grant()
    token = world.token("jwt")
    for path in ("/", "/api/state", "/api/tokens", "/api/provider"):
        text = str(_call(port, "GET", path)[2])
        assert grant.access_token not in text
        assert token.body not in text


def test_a_failed_return_ends_on_the_page_with_its_code_and_no_more(world: World, port: int) -> None:
    started = _call(port, "POST", "/api/authorize", {"crossing": "day"})[2]
    answer = urlencode(world.authority.answer(started["authorization_url"], iss="https://evil.example/<script>"))
    assert _call(port, "GET", f"/callback?{answer}")[1]["location"] == "/#/error/issuer_mismatch"
    assert _call(port, "GET", "/callback?state=x")[1]["location"] == "/#/error/state_unknown"
    assert _call(port, "GET", "/callback?state=x&state=y")[0] == 400


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("/api/authorize", {}, 400),
        ("/api/authorize", {"crossing": "none"}, 404),
        ("/api/authorize", {"crossing": 7}, 400),
        ("/api/authorize", {"authorization_details": {}}, 400),
        ("/api/authorize", {"authorization_details": []}, 400),
        ("/api/authorize", {"authorization_details": [{"type": "border_crossing"}]}, 400),
        ("/api/tokens", {"checkpoint": "x", "direction": "exit", "format": "pdf"}, 400),
        ("/api/tokens", {"checkpoint": "x", "direction": "up"}, 400),
        ("/api/tokens", {"checkpoint": "x", "direction": "exit"}, 409),
        ("/api/present", {"token_id": "x", "mode": "nfc"}, 400),
        ("/api/present", {"token_id": "x", "mode": ["qr"]}, 400),
        ("/api/present", {"token_id": "x", "mode": "qr"}, 404),
        ("/api/send", {"token_id": "x"}, 400),
        ("/api/send", {"token_id": "x", "lane": "javascript:alert(1)"}, 503),
    ],
)
def test_a_request_that_the_phone_cannot_do(port: int, path: str, value: Any, status: int) -> None:
    answered, headers, body = _call(port, "POST", path, value)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert body["code"] in CODES


def test_a_web_page_cannot_drive_the_phone(port: int) -> None:
    """Invalid solely because the request comes from another site, or by another name."""
    assert (
        _call(port, "POST", "/api/authorize", {"crossing": "day"}, {**JSON, "Origin": "https://evil.example"})[0] == 403
    )
    assert _call(port, "POST", "/api/authorize", {"crossing": "day"}, {"Content-Type": "text/plain"})[0] == 415
    assert _call(port, "GET", "/api/state", None, {"Host": "evil.example"})[0] == 421


def test_a_home_authority_that_cannot_be_trusted_is_said_in_words(world: World, port: int) -> None:
    world.authority.changes["configuration"] = lambda claims: {**claims, "metadata": {}}
    assert _call(port, "GET", "/api/provider")[2]["error"] == "provider_untrusted"
    assert _call(port, "POST", "/api/authorize", {"crossing": "day"})[2]["code"] == "provider_untrusted"
    assert _call(port, "GET", "/api/state")[0] == 200  # codes fetched before are still shown


def test_the_page_has_nothing_inline_and_nothing_foreign() -> None:
    page = (ROOT / "templates/wallet/index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|https?://", page)
    assert all(not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", page, re.S))
    for script in (ROOT / "static/wallet").glob("*.js"):
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text()), script.name


def test_every_language_has_every_word() -> None:
    folder = ROOT / "static/wallet/messages"
    catalogues = {name: json.loads((folder / f"{name}.json").read_text()) for name in LANGUAGES}
    english = catalogues["en"]
    for name, words in catalogues.items():
        assert words.keys() == english.keys(), name
        assert all(words.values()), name
        for key, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), (name, key)
    assert {key.removeprefix("error.") for key in english if key.startswith("error.")} >= CODES
    used = set()
    for script in (ROOT / "static/wallet").glob("*.js"):
        used |= set(re.findall(r'say\((?:\w+ \? )?"([\w.]+)"', script.read_text()))
    assert used <= english.keys()


def test_an_error_without_words_cannot_be_raised() -> None:
    with pytest.raises(RuntimeError):
        UnableTo("unheard_of")


@pytest.mark.parametrize(
    "change",
    [
        {"messenger": "no url"},
        {"home": None},
        {"anchors": {}},
        {"anchors": {"https://a.example": {"keys": []}}},
        {"crossings": [{"id": "a/b", "title": {"en": "x"}, "steps": []}]},
        {"crossings": [{"id": "a", "title": {}, "steps": [{}]}]},
        {"redirect_uri": "javascript:x"},
    ],
)
def test_a_configuration_that_is_wrong_is_refused_at_the_start(
    world: World, tmp_path: Path, change: dict[str, Any]
) -> None:
    path = phone_config(tmp_path / "c.json", world.authority, "https://m.example")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Refusal):
        config.phone(path)
    arguments = ["phone", "--directory", str(tmp_path / "d"), "--config", str(path), "--port", "0"]
    assert program.main(arguments) == 2


def test_the_messengers_keys_can_be_printed_for_an_authority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.json"
    value = {
        "entity_id": "https://m.example",
        "name": {"en": "M"},
        "authority_hints": ["https://idp.example"],
        "redirect_uris": ["https://w.example/back"],
    }
    path.write_text(json.dumps(value))
    common = ["--directory", str(tmp_path / "d"), "--config", str(path)]
    assert program.main(["messenger-keys", *common]) == 0
    first = capsys.readouterr().out
    assert program.main(["messenger-keys", *common]) == 0
    assert capsys.readouterr().out == first
    assert set(json.loads(first)["keys"][0]) == {"kty", "crv", "x", "y", "kid", "alg"}
    assert program.main(["messenger-revoke", *common, "--jkt", "nobody"]) == 1


def test_the_phone_starts_as_a_process_and_stops_when_asked(world: World, tmp_path: Path) -> None:
    path = phone_config(tmp_path / "c.json", world.authority, world.phone.config.messenger)
    process = subprocess.Popen(
        [sys.executable, "-m", "idp.wallet", "phone", "--directory", tmp_path / "p", "--port", "0", "--config", path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = int(next(line for line in process.stderr if "serving on port" in line).split()[-1])
    assert _call(port, "GET", "/api/state")[2]["home"] == world.authority.url
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in errors) == (0, False)

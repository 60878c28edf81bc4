"""What is served at a status list's address, in which form, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from idp.federation import signing, status_lists
from idp.protocol.status_list import verify_status_list
from idp.protocol.status_list_cwt import verify_cwt
from tests.conftest import NOW

JWT, CWT = "application/statuslist+jwt", "application/statuslist+cwt"


@pytest.fixture
def http(node: str, settings: Any, tmp_path: Path) -> Client:
    settings.STATIC_ROOT = tmp_path  # whitenoise warns of a folder that is not there
    return Client(headers={"host": "hk.localhost"})


@pytest.fixture
def uri(node: str) -> str:
    """A list in which one token is revoked."""
    uri, idx = status_lists.allocate(expires_at=NOW + 1800, now=NOW)
    status_lists.set_statuses(uri, [idx], 1, now=NOW - 1)
    return uri


def _path(uri: str, node: str) -> str:
    return uri.removeprefix(node)


def _problem(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response["Cache-Control"] == "no-store"


def test_a_status_list_is_served_to_everybody(http: Client, node: str) -> None:
    uri, idx = status_lists.allocate(expires_at=NOW + 1800, now=NOW)
    response = http.get(_path(uri, node))
    assert response["Content-Type"] == JWT
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "no-cache", "a copy that was kept would hide a revocation"
    keys = signing.published("status")
    assert verify_status_list(response.content, keys=keys, uri=uri, now=NOW).get(idx) == 0
    assert http.get(_path(uri, node), headers={"if-none-match": response["ETag"]}).status_code == 304
    assert http.get("/status/aggregation").json() == {"status_lists": [uri]}
    _problem(http.get("/status/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JWT),
        ("*/*", JWT),
        ("application/*", JWT),
        (JWT, JWT),
        (CWT, CWT),
        (f"{JWT}, {CWT}", JWT),
        (f"{JWT};q=0.5, {CWT}", CWT),
        ("text/html, */*;q=0.1", JWT),
    ],
)
def test_the_form_is_the_one_that_is_preferred(
    http: Client, node: str, uri: str, accept: str | None, form: str
) -> None:
    response = http.get(_path(uri, node), headers={"accept": accept} if accept else {})
    assert response["Content-Type"] == form
    assert "Accept" in response["Vary"], "or a cache between gives the one form for the other"
    verify = verify_cwt if form == CWT else verify_status_list
    assert verify(response.content, keys=signing.published("status"), uri=uri, now=NOW).statuses.tobytes().count(0)


@pytest.mark.parametrize("accept", ["text/html", "application/statuslist+xml", "application/jwt"])
def test_a_form_that_there_is_not_is_not_acceptable(http: Client, node: str, uri: str, accept: str) -> None:
    """invalid solely because of Accept (RFC 9110 §15.5.7)."""
    _problem(http.get(_path(uri, node), headers={"accept": accept}), 406, "invalid_request")


def test_the_forms_have_tags_of_their_own(http: Client, node: str, uri: str) -> None:
    jwt = http.get(_path(uri, node), headers={"accept": JWT})
    cwt = http.get(_path(uri, node), headers={"accept": CWT})
    assert jwt["ETag"] != cwt["ETag"]
    again = http.get(_path(uri, node), headers={"accept": CWT, "if-none-match": cwt["ETag"]})
    assert (again.status_code, "Accept" in again["Vary"]) == (304, True)


def test_compression_is_for_those_who_ask(http: Client, node: str, uri: str) -> None:
    """§8.2; our own way out asks for none and takes none."""
    plain = http.get(_path(uri, node))
    packed = http.get(_path(uri, node), headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    again = http.get(_path(uri, node), headers={"accept-encoding": "gzip", "if-none-match": packed["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("form", [JWT, CWT])
def test_a_list_as_it_was_is_served(http: Client, node: str, uri: str, form: str) -> None:
    response = http.get(_path(uri, node), {"time": str(NOW)}, headers={"accept": form})
    assert (response.status_code, response["Content-Type"]) == (200, form)
    verify = verify_cwt if form == CWT else verify_status_list
    found = verify(response.content, keys=signing.published("status"), uri=uri, now=NOW)
    assert found.issued_at <= NOW < (found.expires_at or 0), "else the one who asked must refuse it (§8.4)"


@pytest.mark.parametrize("time", ["", "now", "-1", "1.5", "1e9", "٣", "9" * 16])
def test_a_time_that_is_none_is_refused(http: Client, node: str, uri: str, time: str) -> None:
    """invalid solely because time is no number of seconds."""
    _problem(http.get(_path(uri, node), {"time": time}), 400, "invalid_request")


def test_a_time_twice_is_refused(http: Client, node: str, uri: str) -> None:
    _problem(http.get(f"{_path(uri, node)}?time=1&time=2"), 400, "invalid_request")


@pytest.mark.parametrize("time", [1, NOW - 3600, NOW + 1, 10**14])
def test_a_time_that_is_not_supported_is_not_found(http: Client, node: str, uri: str, time: int) -> None:
    """§8.4: 404 where that time is not supported, and 501 where none is."""
    _problem(http.get(_path(uri, node), {"time": str(time)}), 404, "not_found")


def test_history_that_is_not_kept_is_not_implemented(http: Client, node: str, uri: str, settings: Any) -> None:
    settings.IDP_STATUS_HISTORY = 0
    _problem(http.get(_path(uri, node), {"time": str(NOW)}), 501, "invalid_request")

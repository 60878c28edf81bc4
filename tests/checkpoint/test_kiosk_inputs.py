"""Whatever is sent to the lane's screen: a verdict or a problem document, never a 500, never an Admit."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.checkpoint import kiosk
from tests.checkpoint.browser import JSON, PNG, TEXT, Browser, is_problem
from tests.checkpoint.lanes import LaneSimulator


@pytest.mark.parametrize("path", ["/face", "/camera-failed"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"id": 1}', b'{"id": ""}', b'{"id": "a", "id": "b"}', b"\xff", b'{"id": NaN}'],
)
def test_a_body_that_is_not_the_json_it_should_be_is_a_problem(browser: Browser, path: str, body: bytes) -> None:
    assert is_problem(browser.send("POST", path, body, JSON), 400)


@pytest.mark.parametrize(
    "frames",
    [
        None,
        [],
        "AAAA",
        [1],
        [None],
        ["not base64!"],
        ["AAA"],
        ["AAAA", "é"],
        [["AAAA"]],
        {"0": "AAAA"},
        ["AAAA"] * (kiosk.MAX_FRAMES + 1),
    ],
)
def test_frames_that_are_none_are_a_problem_and_leave_the_traveller_waiting(
    lane: LaneSimulator, browser: Browser, frames: object
) -> None:
    waiting = browser.scan(lane.code()).json["id"]
    assert is_problem(browser.post("/face", {"id": waiting, "frames": frames}), 400)
    assert browser.face(waiting).json["verdict"] == "admit"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/code", None),
        ("/code", JSON),
        ("/code", "image/gif"),
        ("/code", "image/svg+xml"),
        ("/scan", JSON),
        ("/scan", None),
        ("/present", TEXT),
        ("/present", None),
        ("/face", TEXT),
        ("/face", None),
        ("/camera-failed", "application/x-www-form-urlencoded"),
    ],
)
def test_a_wrong_media_type_is_a_problem_and_decides_nothing(
    lane: LaneSimulator, browser: Browser, path: str, kind: str | None
) -> None:
    assert is_problem(browser.send("POST", path, str(lane.code()).encode(), kind), 415)
    assert lane.journal() == []


def test_a_media_type_with_parameters_is_the_same_type(lane: LaneSimulator, browser: Browser) -> None:
    assert browser.send("POST", "/scan", str(lane.code()).encode(), "Text/Plain; charset=utf-8").json["phase"] == "face"


@pytest.mark.parametrize("path", ["/code", "/face", "/scan", "/present"])
def test_a_huge_body_is_a_problem(browser: Browser, path: str) -> None:
    size = str(kiosk.MAX_BODY + 1)
    answer = browser.send("POST", path, b"x" * 1000, JSON, **{"Content-Length": size})
    assert is_problem(answer, 413)


def test_a_large_body_within_the_limit_is_read_and_refused(browser: Browser) -> None:
    assert browser.send("POST", "/scan", b"BT1:" + b"A" * 200_000, TEXT).json["verdict"] == "refuse"
    assert is_problem(browser.send("POST", "/face", b"[" * 200_000, JSON), 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/face", 405), ("PUT", "/state", 405), ("GET", "/nothing", 404), ("GET", "/static/checkpoint/../x", 404)],
)
def test_what_is_not_there_is_a_problem(browser: Browser, method: str, path: str, status: int) -> None:
    assert is_problem(browser.send(method, path), status)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/scan", "/present", "/code", "/face", "/camera-failed"]),
    kind=st.sampled_from([JSON, TEXT, PNG, "image/jpeg"]),
    body=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=100).map(lambda text: ("BT1:" + text).encode("utf-8", "replace")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "frames", "token"]), inner)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_nothing_that_is_sent_is_answered_500_or_admitted(
    lane: LaneSimulator, browser: Browser, path: str, kind: str, body: bytes
) -> None:
    answer = browser.send("POST", path, body, kind)
    if answer.status == 200:
        assert answer.json.get("verdict") != "admit"
        assert answer.json.get("phase") != "face"
    else:
        assert is_problem(answer, 400, 415)

"""The officers' page over real HTTP: nobody without a badge of this node for this checkpoint, handed over once."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from idp.checkpoint import officers_log, officers_page, texts
from idp.inbound import DeviceServer
from idp.protocol.keys import PrivateKey
from idp.protocol.officer_badge import MAX_LIFE, sign_badge
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.toy_engine import OTHER, UNSURE
from tests.simulators.gate import CHECKPOINT, HK, NOW, bundle_key, key


@dataclass
class Desk:
    """One officer's browser."""

    server: DeviceServer
    cookie: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        sent = {**({"Cookie": self.cookie} if self.cookie else {}), **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        text, found = answer.read(), answer.getheader("Set-Cookie")
        connection.close()
        if found is not None:
            self.said = found
            self.cookie = found.partition(";")[0]
        return answer.status, json.loads(text) if "json" in (answer.getheader("Content-Type") or "") else text

    def sign_in(self, text: str) -> int:
        return self.send("POST", "/session", {"badge": text})[0]

    def state(self) -> Any:
        status, value = self.send("GET", "/state")
        assert status == 200
        return value


def badge(number: int = 1, *, signer: PrivateKey | None = None, **changes: Any) -> str:
    options = {
        "node": HK,
        "checkpoint": CHECKPOINT,
        "now": NOW,
        "lifetime": MAX_LIFE,
        "jti": f"badge-number-{number:04}",
    }
    return sign_badge(**{**options, "officer": f"account:{number}", "signer": signer or bundle_key(), **changes})


@pytest.fixture
def lane(tmp_path: Path) -> LaneSimulator:
    made = LaneSimulator(tmp_path / "lane")
    made.gate.policy["four_eyes"] = ["watchlist"]
    made.take_bundle(serial=8)
    return made


@pytest.fixture
def server(lane: LaneSimulator) -> Iterator[DeviceServer]:
    with officers_page.serve(lane.lane, host="127.0.0.1", port=0, names=[]) as server:
        yield server


@pytest.fixture
def desk(server: DeviceServer) -> Desk:
    made = Desk(server)
    assert made.sign_in(badge()) == 200
    return made


def referred(lane: LaneSimulator, number: int = 0, **changes: Any) -> int:
    return lane.cross(lane.code(number, **changes), (UNSURE,) * 3).seq


def test_officer_sees_the_case_the_document_and_the_ages_and_releases(lane: LaneSimulator, desk: Desk) -> None:
    seq = referred(lane)
    lane.clock.now += 65
    state = desk.state()
    assert (state["officer"], state["bundle_age"], state["bundle_serial"]) == ("account:1", 65, 8)
    assert {found["age"] for found in state["status"]} == {65}
    (case,) = state["cases"]
    assert (case["seq"], case["reasons"], case["age"], case["status_age"]) == (seq, ["face_uncertain"], 65, 65)
    assert "document" not in case
    status, opened = desk.send("GET", f"/case?seq={seq}")
    assert status == 200
    assert (opened["document"]["name_native"], opened["document"]["name_latin"]) == ("陳大文", "CHEN DAWEN")
    looked = officers_log.read(lane.directory)[-1]
    assert (looked["decision"], looked["officers"], looked["seq"]) == ("looked", "account:1", seq)
    asked = {"seq": seq, "ground": "face_checked", "acknowledged": case["reasons"]}
    assert desk.send("POST", "/release", asked) == (200, {"decided": True})
    assert lane.journal()[-1].officers == "account:1"


def test_four_eyes_are_two_badges_in_two_sessions(lane: LaneSimulator, desk: Desk, server: DeviceServer) -> None:
    seq = referred(lane, sealed={"document_number": "C00000000"})
    asked = {"seq": seq, "ground": "superior_order", "acknowledged": ["watchlist"]}
    assert desk.send("POST", "/release", asked) == (200, {"decided": False})
    status, problem = desk.send("POST", "/release", asked)
    assert (status, problem["code"]) == (409, "second_officer")
    same = Desk(server)
    assert same.sign_in(badge(3, officer="account:1")) == 200
    assert same.send("POST", "/release", asked)[1]["code"] == "second_officer", "one officer with two badges"
    other = Desk(server)
    assert other.sign_in(badge(2)) == 200
    assert other.state()["cases"][0]["proposed"] == {"officer": "account:1", "ground": "superior_order"}
    assert other.send("POST", "/release", asked) == (200, {"decided": True})
    assert lane.journal()[-1].officers == "account:1 account:2"


def test_decline_over_the_page(lane: LaneSimulator, desk: Desk) -> None:
    seq = referred(lane)
    assert desk.send("POST", "/decline", {"seq": seq, "ground": "withdrew"}) == (200, {"decided": True})
    assert lane.journal()[-1].decision == "decline"


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": key("an attacker's")},
        {"node": "https://idp.mo.example"},
        {"checkpoint": f"{HK}/checkpoints/other"},
        {"now": NOW - MAX_LIFE - 60},
        {"now": NOW + 3600},
    ],
    ids=["forged", "another authority", "another checkpoint", "ended", "not yet"],
)
def test_badge_that_is_not_good_here_begins_nothing(server: DeviceServer, changes: dict[str, Any]) -> None:
    """invalid solely because of the one thing named."""
    desk = Desk(server)
    assert desk.sign_in(badge(**changes)) == 401
    assert desk.cookie == ""
    assert desk.send("GET", "/state")[0] == 401


def test_badge_is_handed_over_once(server: DeviceServer, desk: Desk) -> None:
    """A picture of the code, taken over an officer's shoulder, would make another officer."""
    assert Desk(server).sign_in(badge()) == 401
    assert desk.state()["officer"] == "account:1"
    desk.send("POST", "/session/end", {})
    assert Desk(server).sign_in(badge()) == 401, "also after its officer has left"


def test_session_ends_with_the_officer_the_badge_or_the_bundle(lane: LaneSimulator, server: DeviceServer) -> None:
    desk = Desk(server)
    for number, end in enumerate(("leaves", "badge", "revoked", "bundle"), start=10):
        assert desk.sign_in(badge(number, lifetime=3_600)) == 200
        kept = desk.cookie
        if end == "leaves":
            assert desk.send("POST", "/session/end", {})[0] == 200
            desk.cookie = kept
        if end == "badge":
            lane.clock.now += 3_600 + 10
        if end == "revoked":
            lane.take_bundle(serial=20, revoked_badges=[f"badge-number-{number:04}"])
        if end == "bundle":
            lane.store.keep("bundle", "{}")
            lane.restarted()
            lane.lane.bundle()
            server_lane = lane.lane
            assert server_lane.bundle() is None
            break
        assert desk.send("GET", "/state")[0] == 401, end
        lane.clock.now = NOW


def test_session_outlives_the_lane_s_process(lane: LaneSimulator, desk: Desk) -> None:
    """The badge is spent, and the node that could give another may be out of reach."""
    with officers_page.serve(lane.restarted(), host="127.0.0.1", port=0, names=[]) as again:
        assert Desk(again, desk.cookie).state()["officer"] == "account:1"


def test_lane_without_a_bundle_has_no_officers(tmp_path: Path) -> None:
    made = LaneSimulator(tmp_path / "bare", bundled=False)
    with officers_page.serve(made.lane, host="127.0.0.1", port=0, names=[]) as server:
        assert Desk(server).sign_in(badge()) == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/state", None),
        ("GET", "/case?seq=1", None),
        ("POST", "/release", {"seq": 1, "ground": "face_checked", "acknowledged": ["face_uncertain"]}),
        ("POST", "/decline", {"seq": 1, "ground": "withdrew"}),
        ("POST", "/session/end", {}),
    ],
)
@pytest.mark.parametrize("cookie", ["", "guessed", "twice"])
def test_nothing_is_told_or_done_without_a_session(
    lane: LaneSimulator, server: DeviceServer, desk: Desk, method: str, path: str, body: Any, cookie: str
) -> None:
    referred(lane)
    name = desk.cookie.partition("=")[0]
    sent = {"": "", "guessed": f"{name}=AAAA", "twice": f"{desk.cookie}; {desk.cookie}"}[cookie]
    status, said = Desk(server, sent).send(method, path, body)
    assert (status, said["code"]) == (401, "no_officer")
    assert len(lane.journal()) == 1


def test_another_site_s_page_cannot_press_a_button(lane: LaneSimulator, desk: Desk) -> None:
    seq = referred(lane)
    asked = {"seq": seq, "ground": "face_checked", "acknowledged": ["face_uncertain"]}
    assert desk.send("POST", "/release", asked, Origin="https://evil.example")[0] == 403
    assert desk.send("GET", "/state", Host="evil.example")[0] == 421
    assert len(lane.journal()) == 1


def test_cookie_is_read_by_no_script_and_sent_by_no_other_site(desk: Desk) -> None:
    assert {part.strip() for part in desk.said.split(";")} >= {"HttpOnly", "SameSite=Strict", "Path=/"}


def test_refused_are_looked_at_and_not_released(lane: LaneSimulator, desk: Desk) -> None:
    seq = lane.cross(frames=(OTHER,) * 3).seq
    status, case = desk.send("GET", f"/case?seq={seq}")
    assert (status, case["decision"], case["releasable"]) == (200, "refuse", False)
    asked = {"seq": seq, "ground": "face_checked", "acknowledged": case["reasons"]}
    assert desk.send("POST", "/release", asked)[1]["code"] == "not_releasable"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/session", {}),
        ("/session", {"badge": "x" * 3000}),
        ("/release", {"seq": 1, "ground": "face_checked"}),
        ("/release", {"seq": 1, "ground": "face_checked", "acknowledged": [1]}),
        ("/release", {"seq": "1", "ground": "face_checked", "acknowledged": []}),
        ("/decline", {"seq": 1}),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_a_bad_request(desk: Desk, path: str, body: Any) -> None:
    assert desk.send("POST", path, body)[0] == 400


@pytest.mark.parametrize("seq", ["", "x", "-1", "9" * 20, "7"])
def test_case_that_is_not_here_is_not_found(desk: Desk, seq: str) -> None:
    assert desk.send("GET", f"/case?seq={seq}")[0] == 404


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_page_has_its_words_in_every_language(server: DeviceServer, language: str) -> None:
    desk = Desk(server)
    assert desk.send("GET", "/")[0] == 200
    status, value = desk.send("GET", f"/texts?lang={language}")
    assert status == 200
    assert value["desk"] == texts.catalogue(language)["desk"]

"""The lane's screen over real HTTP: a traveller's way, and what is never said."""

import json

import pytest

from idp.checkpoint import kiosk, officers_log, texts
from idp.protocol.refusals import Reason
from tests.checkpoint.browser import JSON, PNG, TEXT, Browser, is_problem
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.pictures import drawn, wall
from tests.checkpoint.toy_engine import ALIKE, CRASH, NOBODY, OTHER, STILL, UNSURE
from tests.simulators.gate import CN, GateSimulator

SECRET = ("score", "0.9", "step", "watchlist", "face_mismatch", "high", "pairwise", "CA1234567", "dawen")


# The way of a traveller


def test_a_code_and_a_face_admit(lane: LaneSimulator, browser: Browser) -> None:
    asked = browser.scan(lane.code()).json
    assert asked.keys() == {"found", "phase", "id"}
    verdict = browser.face(asked["id"]).json
    assert (verdict["phase"], verdict["verdict"], verdict["text"]) == ("verdict", "admit", "Welcome. Please pass.")
    assert lane.journal()[0].decision == "admit"


def test_a_code_is_read_from_a_camera_picture(lane: LaneSimulator, browser: Browser) -> None:
    assert browser.send("POST", "/code", wall(), PNG).json == {"found": False}
    asked = browser.send("POST", "/code", drawn(str(lane.code())), PNG).json
    assert asked["phase"] == "face"


def test_a_token_comes_by_the_local_link(lane: LaneSimulator, browser: Browser) -> None:
    link = lane.gate.present(lane.token(form="jwt"))
    assert isinstance(link, bytes)
    asked = browser.send("POST", "/present", link, JSON).json
    assert browser.face(asked["id"]).json["verdict"] == "admit"


def test_a_face_that_nobody_waits_for_asks_for_a_code(browser: Browser) -> None:
    assert browser.face("nobody").json == {"found": True, "phase": "code"}
    assert browser.post("/camera-failed", {"id": "nobody"}).json == {"found": True, "phase": "code"}


def test_a_failed_camera_is_the_officer_s(lane: LaneSimulator, browser: Browser) -> None:
    asked = browser.scan(lane.code()).json
    assert browser.post("/camera-failed", {"id": asked["id"]}).json["verdict"] == "refer"


@pytest.mark.parametrize(("frame", "again"), [(NOBODY, True), (OTHER, False), (UNSURE, False), (STILL, False)])
def test_only_what_another_try_can_mend_is_tried_again(
    lane: LaneSimulator, browser: Browser, frame: bytes, again: bool
) -> None:
    assert browser.cross(lane.code(), frame)["again"] is again


# What is never said


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_hit_on_the_watch_list_reads_like_any_referral(lane: LaneSimulator, browser: Browser, language: str) -> None:
    """The hit refers before the face is asked for, as a document that is not eligible does: the answers are equal."""
    hit = browser.cross(lane.code(1, sealed={"document_number": "C00000000"}), language=language)
    other = browser.cross(lane.code(2, document_type="bir"), language=language)
    uncertain = browser.cross(lane.code(3), UNSURE, language)
    assert [entry.reason for entry in lane.journal()] == ["watchlist", "document_not_eligible", "face_uncertain"]
    neutral = {"found": True, "phase": "verdict", "verdict": "refer", "again": False}
    neutral["text"] = texts.catalogue(language)["traveller"]["officer"]
    for answer in (hit, other, uncertain):
        assert {name: answer[name] for name in answer if name != "seq"} == neutral


def test_no_answer_holds_a_score_a_step_a_reason_or_a_name(lane: LaneSimulator, browser: Browser) -> None:
    codes = [
        lane.code(1),
        lane.code(1),
        lane.code(2, sealed={"document_number": "C00000000"}),
        lane.code(3, iss="https://idp.mo.example", document_type="eep"),
        lane.code(4, exp=lane.gate.now - 100, nbf=lane.gate.now - 900, iat=lane.gate.now - 900),
        lane.code(5, aud="https://idp.hk.example/checkpoints/other"),
        "BT1:nonsense",
    ]
    said = [json.dumps(browser.cross(code)) for code in codes]
    said += [json.dumps(browser.cross(lane.code(10 + n), frame)) for n, frame in enumerate((OTHER, UNSURE, CRASH))]
    said += [browser.get(path).body.decode() for path in ("/state", "/state?lang=pt")]
    words = {reason.value for reason in Reason if "_" in reason.value} | set(SECRET)
    for text in said:
        assert not [word for word in words if word.lower() in text.lower()], text
    assert len({entry.reason for entry in lane.journal()}) >= 8


def test_the_officers_log_has_what_the_screen_has_not(lane: LaneSimulator, browser: Browser) -> None:
    browser.cross(lane.code(1), OTHER)
    (line,) = officers_log.read(lane.directory)
    assert (line["reason"], line["step"], line["score"], line["seq"]) == ("face_mismatch", 10, 0.1, 1)
    assert line["status_age"] == 0, "how old the status was that let the token come so far"
    assert "CA1234567" not in json.dumps(line)
    assert "pairwise" not in json.dumps(line)


def test_the_officers_log_says_how_old_the_status_was_that_was_relied_on(lane: LaneSimulator, browser: Browser) -> None:
    """A lane that is cut off admits on an old list where the policy says so; somebody must be able to find it again."""
    lane.gate.policy = {"on_stale_status": "admit_and_mark"}
    lane.take_bundle()
    lane.clock.now += 600
    browser.cross(lane.code(1), ALIKE)
    (line,) = officers_log.read(lane.directory)
    assert (line["decision"], line["status_age"], line["marks"]) == ("admit", 600, ["status_stale_admitted"])


def test_an_officers_log_that_cannot_be_written_stops_no_answer(lane: LaneSimulator, browser: Browser) -> None:
    (lane.directory / officers_log.FILE).mkdir()
    assert browser.cross(lane.code())["verdict"] == "admit"


def test_a_lane_whose_disk_is_gone_answers_in_words(lane: LaneSimulator, browser: Browser) -> None:
    raw = lane.code()
    lane.directory.rename(lane.directory.with_name("gone"))
    answer = browser.cross(raw)
    assert (answer["verdict"], answer["text"]) == ("refer", "Please see the officer.")
    assert browser.get("/state").status == 200
    lane.directory.with_name("gone").rename(lane.directory)


# The edge of the screen


def test_the_state_is_what_stands_on_the_edge(lane: LaneSimulator, browser: Browser) -> None:
    lane.clock.now += 12
    state = browser.get("/state").json
    assert (state["lane"], state["direction"], state["bundle_age"], state["bundle_serial"]) == ("1", "entry", 12, 7)
    assert state["names"]["zh-Hant"] == "羅湖"
    assert (state["modes"], state["liveness"], state["picture_files"]) == (["challenge", "time"], True, False)
    assert (state["frames_needed"], state["waiting"], state["latest"]) == (3, None, None)


def test_a_lane_without_trust_data_says_so(make_lane: MakeLane) -> None:
    with kiosk.serve(kiosk.Kiosk(make_lane(bundled=False).lane), host="127.0.0.1", port=0, names=[]) as server:
        state = Browser(server).get("/state").json
    assert (state["bundle_age"], state["bundle_serial"], state["modes"]) == (None, None, [])


def test_one_picture_is_enough_where_the_server_allows_it(make_lane: MakeLane) -> None:
    for options in ({"still_pictures": True}, {"gate": GateSimulator(checkpoint={"liveness": False})}):
        with kiosk.serve(kiosk.Kiosk(make_lane(**options).lane), host="127.0.0.1", port=0, names=[]) as server:
            assert Browser(server).get("/state").json["frames_needed"] == 1


def test_the_screen_learns_what_another_reader_brought_about(lane: LaneSimulator, browser: Browser) -> None:
    waiting = lane.lane.present(lane.code())
    assert browser.get("/state").json["waiting"] == waiting
    lane.lane.face(str(waiting), (OTHER,) * 3)
    latest = browser.get("/state?lang=pt").json["latest"]
    assert latest == {"verdict": "refuse", "text": "Dirija-se ao agente.", "seq": 1, "again": False}
    lane.clock.now += kiosk.SHOWN
    assert browser.get("/state").json["latest"] is None


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_the_page_s_words_come_in_every_language(browser: Browser, language: str) -> None:
    said = browser.get(f"/texts?lang={language}").json
    assert said == {"languages": list(texts.LANGUAGES), "page": dict(texts.catalogue(language)["page"])}


@pytest.mark.parametrize("language", ["xx", "", "../../etc/passwd", "EN"])
def test_an_unknown_language_is_english(browser: Browser, language: str) -> None:
    assert browser.get(f"/texts?lang={language}").json["page"]["refer"] == "Please see the officer"


def test_the_page_is_served_with_a_strict_policy_and_leave_to_use_the_camera(browser: Browser) -> None:
    answer = browser.get("/")
    assert answer.media_type.startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "camera=(self)" in answer.headers["permissions-policy"]
    body = answer.body.decode()
    assert "style=" not in body
    assert "onclick" not in body
    for path in ("gate.js", "gate.css", "page.js", "server.js", "camera.js", "signs.svg", "icon.svg"):
        assert browser.get(f"/static/checkpoint/{path}").status == 200


# The challenge


def test_a_challenge_is_shown_as_text_and_as_a_code(browser: Browser) -> None:
    assert browser.get("/challenge").json["challenge"].count(".") == 2
    picture = browser.get("/challenge.svg")
    assert (picture.status, picture.media_type) == (200, "image/svg+xml")
    assert picture.body.startswith(b"<svg")


def test_where_no_challenge_is_known_none_is_shown(make_lane: MakeLane) -> None:
    """A wallet takes 404 for time mode."""
    lane = make_lane(gate=GateSimulator(checkpoint={"modes": ["time"]}))
    with kiosk.serve(kiosk.Kiosk(lane.lane), host="127.0.0.1", port=0, names=[]) as server:
        for path in ("/challenge", "/challenge.svg"):
            assert is_problem(Browser(server).get(path), 404)


# The phones' side


def test_a_phone_on_the_link_does_not_learn_the_id_for_a_face(lane: LaneSimulator, phone: Browser) -> None:
    """Else a thief's phone would bring the owner's pictures itself."""
    link = lane.gate.present(lane.token(form="jwt"))
    assert isinstance(link, bytes)
    answer = phone.send("POST", "/present", link, JSON)
    assert answer.json == {"found": True, "phase": "face"}
    assert (lane.lane.waiting_id() or "").encode() not in answer.body


def test_a_phone_on_the_link_learns_a_verdict(lane: LaneSimulator, phone: Browser) -> None:
    answer = phone.send("POST", "/present", b'{"token": "a", "proof": "b"}', JSON).json
    assert answer.keys() == {"found", "phase", "verdict", "text"}
    assert answer["verdict"] == "refuse"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/face"),
        ("POST", "/camera-failed"),
        ("POST", "/code"),
        ("POST", "/scan"),
        ("GET", "/state"),
        ("GET", "/"),
    ],
)
def test_a_phone_on_the_link_reaches_nothing_of_the_screen(phone: Browser, method: str, path: str) -> None:
    assert is_problem(phone.send(method, path, b"{}" if method == "POST" else None, JSON), 404)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "gate.example", ""])  # noqa: S104  refused
def test_the_screen_is_not_served_to_others(lane: LaneSimulator, host: str) -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        kiosk.serve(kiosk.Kiosk(lane.lane), host=host, port=0, names=[])


def test_another_site_cannot_press_the_lane_s_buttons(browser: Browser) -> None:
    assert is_problem(browser.send("GET", "/state", Host="gate.attacker.example"), 421)
    assert is_problem(browser.send("POST", "/scan", b"BT1:", TEXT, Origin="https://attacker.example"), 403)


def test_a_traveller_of_an_unknown_issuer_is_told_nothing_of_why(lane: LaneSimulator, browser: Browser) -> None:
    lane.gate.issuers = ("https://idp.hk.example",)
    lane.take_bundle(serial=8)
    answer = browser.cross(lane.code())
    assert (answer["verdict"], answer["text"]) == ("refuse", "Please see the officer.")
    assert CN not in json.dumps(answer)

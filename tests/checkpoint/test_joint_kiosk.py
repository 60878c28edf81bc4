"""The screen of a joint gate over real HTTP: two codes, one face, one of two sentences; nothing of either side."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.checkpoint import kiosk, officers_log, texts
from idp.checkpoint.joint_kiosk import JointKiosk
from idp.protocol.joint import SIDES
from tests.checkpoint.browser import PNG, Browser
from tests.checkpoint.joint import JointSimulator
from tests.checkpoint.pictures import drawn, wall
from tests.checkpoint.test_joint_lane import OUTCOMES, changes
from tests.checkpoint.toy_engine import NOBODY, OTHER
from tests.simulators.gate import CN


@pytest.fixture
def gate(tmp_path: Path) -> JointSimulator:
    made = JointSimulator(tmp_path)
    for lane in made.sides.values():
        lane.gate.revoked = {CN: {9}}
        lane.take_bundle(serial=8)
    return made


@pytest.fixture
def browser(gate: JointSimulator) -> Iterator[Browser]:
    with kiosk.serve(JointKiosk(gate.gate), host="127.0.0.1", port=0, names=[]) as server:
        yield Browser(server)


def test_two_codes_and_a_face_release(gate: JointSimulator, browser: Browser) -> None:
    assert browser.send("POST", "/code", wall(), PNG).json == {"found": False}
    first = browser.send("POST", "/code", drawn(str(gate.sides["entry"].code())), PNG).json
    assert first == {"found": True, "phase": "second"}
    assert browser.get("/state").json["second"] is True
    asked = browser.scan(gate.sides["exit"].code()).json
    assert asked["phase"] == "face"
    assert browser.get("/state").json["waiting"] == asked["id"]
    verdict = browser.face(asked["id"]).json
    assert (verdict["verdict"], verdict["text"]) == ("admit", "Welcome. Please pass.")
    for side in SIDES:
        assert [line["decision"] for line in officers_log.read(gate.sides[side].directory)] == ["admit"]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_other_end_is_one_and_the_same_answer(gate: JointSimulator, browser: Browser, language: str) -> None:
    """A word, a colour or a hint that differs tells one authority what the other found, on a shared screen."""
    answers = []
    for number, name in enumerate(list(OUTCOMES)[1:], start=1):
        browser.scan(gate.sides["exit"].code(number, **changes(name)))
        asked = browser.scan(gate.sides["entry"].code(number)).json
        assert asked["phase"] == "face", "also where a code was refused"
        answers.append(browser.face(asked["id"], language=language).json)
    for number, frame in enumerate((OTHER, NOBODY), start=20):
        browser.scan(gate.sides["exit"].code(number))
        asked = browser.scan(gate.sides["entry"].code(number)).json
        answers.append(browser.face(asked["id"], frame, language).json)
    assert [answer.pop("seq") for answer in answers] == list(range(1, len(answers) + 1)), "of no journal"
    neutral = texts.catalogue(language)["traveller"]["officer"]
    expected = {"found": True, "phase": "verdict", "verdict": "refer", "text": neutral, "again": False}
    assert all(answer == expected for answer in answers)


def test_state_tells_of_no_side_s_trust_data(gate: JointSimulator, browser: Browser) -> None:
    """A side without a bundle refers everybody: the other would read it off the screen."""
    before = browser.get("/state").json
    gate.clock.now += 86_401
    after = browser.get("/state").json
    assert before == after
    assert before["names"]["en"] == "Lo Wu · Lo Wu"
    assert "reason" not in json.dumps(before)


def test_camera_that_fails_and_a_traveller_who_leaves(gate: JointSimulator, browser: Browser) -> None:
    browser.scan(gate.sides["exit"].code())
    assert browser.post("/restart", {}).json == {"phase": "code"}
    assert browser.get("/state").json["second"] is False
    assert browser.post("/camera-failed", {"id": "nobody"}).json == {"found": True, "phase": "code"}
    for side in SIDES:
        asked = browser.scan(gate.sides[side].code(1)).json
    assert browser.post("/camera-failed", {"id": asked["id"]}).json["verdict"] == "refer"


def test_foreign_code_is_passed_over(gate: JointSimulator, browser: Browser) -> None:
    assert browser.scan("BT1:nothing").json == {"found": True, "phase": "first"}


def test_challenge_is_that_of_the_side_whose_code_comes_next(gate: JointSimulator, browser: Browser) -> None:
    """The phone would answer the wrong lane's nonce."""
    challenges = [browser.get("/challenge").json["challenge"]]
    browser.scan(gate.sides["exit"].code())
    challenges.append(browser.get("/challenge").json["challenge"])
    from idp.protocol.presentation import read_challenge_unverified

    for side, challenge in zip(SIDES, challenges, strict=True):
        read_challenge_unverified(challenge, aud=gate.sides[side].config.checkpoint, now=gate.clock.now)

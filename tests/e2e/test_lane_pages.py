"""The officers' page and a joint gate's screen in a real Chromium: what an officer and a traveller see and press."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from idp.checkpoint import kiosk, officers_page
from idp.checkpoint.joint_kiosk import JointKiosk
from tests.checkpoint.joint import JointSimulator
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.pictures import drawn
from tests.checkpoint.test_officers_page import badge, referred
from tests.e2e.browser import chromium

pytestmark = [pytest.mark.browser]
SHOTS = os.environ.get("SCREENSHOTS", "")  # a directory for whoever wants to look


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright, chromium(playwright) as found:
        yield found


def opened(context: BrowserContext, port: int) -> tuple[Page, list[str]]:
    """The page, and what its console complains of."""
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}/")
    return page, said


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def test_officer_signs_in_looks_and_lets_through(context: BrowserContext, tmp_path: Path) -> None:
    lane = LaneSimulator(tmp_path / "lane")
    lane.gate.policy["four_eyes"] = ["watchlist"]
    lane.take_bundle(serial=8)
    lane.clock.now += 130
    with officers_page.serve(lane.lane, host="127.0.0.1", port=0, names=[]) as server:
        page, said = opened(context, server.port)
        shot(page, "officers-sign-in")
        page.get_by_label("Badge").fill("nonsense")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_contain_text("not good here")
        page.get_by_label("Badge").fill(badge())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Nobody waits for an officer.")).to_be_visible()
        expect(page.locator("#trust")).to_contain_text("2 min old (no. 8)")
        referred(lane, sealed={"document_number": "C00000000"})
        lane.gate.now = lane.clock.now
        lane.take_bundle(serial=9)
        referred(lane, 1)
        lane.cross(lane.code(2), (b"toy 0.1",) * 3)
        expect(page.locator("#cases li")).to_have_count(3)
        shot(page, "officers-desk")
        page.locator("#cases li").nth(0).get_by_role("button", name="Look").click()
        expect(page.get_by_text("What was refused is not let through by hand.")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        page.locator("#cases li").nth(1).get_by_role("button", name="Look").click()
        expect(page.get_by_text("CHEN DAWEN")).to_be_visible()
        shot(page, "officers-case")
        let = page.get_by_role("button", name="Let through")
        expect(let).to_be_disabled()
        page.get_by_label("I have seen what does not hold").check()
        page.get_by_label("Ground").select_option("face_checked")
        let.click()
        expect(page.locator("#cases li").nth(1)).to_contain_text("Let through by hand")
        page.get_by_role("button", name="繁體中文").click()
        page.locator("#cases li").nth(2).get_by_role("button", name="查看").click()
        expect(page.get_by_text("此旅客須由兩名職員放行。")).to_be_visible()
        shot(page, "officers-two")
        page.locator("#seen").check()
        page.locator("#ground").select_option("superior_order")
        page.locator("#release").click()
        expect(page.get_by_role("status")).to_contain_text("須由另一名職員")
        page.get_by_role("button", name="登出").click()
        page.locator("#badge").fill(badge(2))
        page.get_by_role("button", name="登入").click()
        page.locator("#cases li").nth(2).get_by_role("button", name="查看").click()
        # A busy browser tells late that the case before was closed.
        page.locator("#case").evaluate("dialog => dialog.dispatchEvent(new Event('close'))")
        page.locator("#seen").check()
        page.get_by_role("button", name="確認").click()
        expect(page.locator("#cases li").nth(2)).to_contain_text("已人工放行")
        shot(page, "officers-done")
        assert [entry.officers for entry in lane.journal()[-2:]] == ["account:1", "account:1 account:2"]
        assert [text for text in said if "401" not in text] == [], "a policy or a script that breaks"
        page.close()


def test_joint_gate_asks_for_two_codes_and_a_face(context: BrowserContext, tmp_path: Path) -> None:
    gate = JointSimulator(tmp_path)
    for lane in gate.sides.values():
        lane.still_pictures = True
    gate.restarted()
    with kiosk.serve(JointKiosk(gate.gate), host="127.0.0.1", port=0, names=[]) as server:
        page, said = opened(context, server.port)
        expect(page.get_by_text("Show the first code on your phone to the camera")).to_be_visible()
        expect(page.locator("#direction")).to_have_text("Exit and entry")
        expect(page.locator("#band")).to_be_hidden()
        codes = {side: gate.sides[side].code() for side in gate.sides}
        _choose(page, tmp_path, codes["exit"])
        expect(page.get_by_text("Now show the second code")).to_be_visible()
        shot(page, "joint-second")
        _choose(page, tmp_path, codes["entry"])
        expect(page.get_by_text("Look at the camera", exact=True)).to_be_visible()
        face = tmp_path / "face.png"
        face.write_bytes(b"toy 0.9")
        page.locator("#face-files input").set_input_files(str(face))
        expect(page.get_by_role("heading", name="Please pass")).to_be_visible()
        shot(page, "joint-verdict")
        assert gate.said("exit") == gate.said("entry") == [("admit", "")]
        assert said == []
        page.close()


def _choose(page: Page, directory: Path, code: str | bytes) -> None:
    picture = directory / "code.png"
    picture.write_bytes(drawn(str(code)))
    page.locator("#code-file input").set_input_files(str(picture))

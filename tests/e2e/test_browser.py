"""A person clicks through everything: home authority, phone, gate and admin site, in a real browser."""

import json
import re
import signal
import subprocess
import sys
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django_otp.oath import totp
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from idp.demo import photographs
from tests.e2e.browser import chromium, film, give_authenticator, need_chromium
from tests.e2e.worlds import environment

ROOT = Path(__file__).resolve().parents[2]
START = 300  # seconds for the world to come up on a machine that does other things too
STRANGER = 3  # a face of the photograph that nobody here is registered with

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """One driver for all browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """`make up`, and what it says of itself in ``up.json``; ended as Ctrl-C ends it."""
    need_chromium()
    directory = tmp_path_factory.mktemp("up")
    with (directory / "out.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "idp.demo", "up", "--directory", str(directory)],
            cwd=ROOT,
            env=environment(9600),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield {**_ready(process, directory), "directory": directory}
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def _ready(process: "subprocess.Popen[bytes]", directory: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        if "Ctrl-C" in (directory / "out.txt").read_text("utf-8"):
            value: dict[str, Any] = json.loads((directory / "up.json").read_text("utf-8"))
            return value
        time.sleep(0.5)
    raise AssertionError((directory / "out.txt").read_text("utf-8")[-3000:])


def test_from_enrolment_to_admit_and_refuse(world: dict[str, Any], playwright: Playwright, tmp_path: Path) -> None:
    """The whole way, as a traveller without any command line goes it."""
    with chromium(playwright) as context:
        page = context.new_page()
        give_authenticator(page)
        register(page, world["authorities"]["cn"]["url"])
        link_document(page, world["documents"]["jia"], partial(pictures, world, "jia"))
        allow(page, world["phones"]["jia"], world["authorities"]["cn"]["url"])
        entry = code_of(page, world["phones"]["jia"], place=1)
        at_gate(
            playwright,
            world["gates"]["hk-entry-1"],
            film(tmp_path / "admit.mjpeg", entry, faces(0)),
            "admit",
            "Please pass",
        )
        leaving = code_of(page, world["phones"]["jia"], place=0)
        other = film(tmp_path / "refuse.mjpeg", leaving, faces(STRANGER))
        at_gate(playwright, world["gates"]["cn-exit-1"], other, "refuse", "Please see the officer")


def test_an_officer_sees_and_decides(world: dict[str, Any], playwright: Playwright) -> None:
    """The admin site asks for a second factor, and then lets an officer read, suspend, and propose to end that."""
    hong_kong = world["authorities"]["hk"]
    with chromium(playwright) as context:
        page = context.new_page()
        page.goto(f"{hong_kong['url']}/admin/")
        log_in(page, hong_kong, one_time_password="000000")
        expect(page.locator(".errornote")).to_be_visible()
        page.wait_for_timeout(1500)  # after a wrong one, django-otp waits a second
        log_in(page, hong_kong, one_time_password=now_password(hong_kong["totp_secret"]))
        expect(page.locator("#site-name")).to_contain_text("Causeway")

        page.goto(f"{hong_kong['url']}/admin/trust/")
        row = page.locator(".trust tbody tr", has_text=world["authorities"]["mo"]["url"])
        expect(row).to_contain_text("mutual")
        row.get_by_role("link").click()
        page.get_by_role("link", name="Suspend at once").click()
        page.get_by_label("why").fill("a drill")
        page.get_by_role("button", name="Suspend it now").click()
        expect(page.locator(".standing")).to_have_text("suspended")
        page.get_by_role("link", name="End the suspension").click()
        page.get_by_label("why").fill("the drill is over")
        page.get_by_role("button", name="Propose it").click()
        expect(page.get_by_role("button", name="Withdraw")).to_be_visible()
        page.goto(f"{hong_kong['url']}/admin/trust/")
        expect(row).to_contain_text("suspended")  # until another officer approves

        page.goto(f"{hong_kong['url']}/admin/audit/auditevent/")
        expect(page.locator(".office.audit table")).to_contain_text("suspended")
        page.goto(f"{hong_kong['url']}/admin/border/checkpoint/add/")
        page.locator("#id_code").fill("lok-ma-chau")
        page.locator("#id_name_en").fill("Lok Ma Chau")
        page.locator("#id_neighbour").select_option("CHN")
        page.locator("#id_directions input[value=entry]").check()
        page.locator("input[name=_save]").click()
        expect(page.locator("#result_list")).to_contain_text("lok-ma-chau")


def test_pages_speak_chinese(world: dict[str, Any], playwright: Playwright) -> None:
    """A page whose words stay English when another language is chosen."""
    with chromium(playwright) as context:
        page = context.new_page()
        page.goto(f"{world['authorities']['cn']['url']}/account/login")
        page.get_by_role("button", name="简体中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        expect(page.locator("h1")).to_have_text(re.compile("[\u4e00-\u9fff]"))
        page.goto(world["gates"]["hk-entry-1"])
        page.get_by_role("button", name="简体中文").click()
        expect(page.locator("#checkpoint")).to_have_text("深圳湾口岸(香港)")
        page.goto(world["phones"]["yi"])
        page.locator("#language").select_option(label="简体中文")
        expect(page.locator("h1")).to_have_text(re.compile("[\u4e00-\u9fff]"))


def register(page: Page, home: str) -> None:
    """An account with a passkey, at the home authority."""
    page.goto(f"{home}/account/register")
    page.locator("input[name=username]").fill("specimen-browser")
    page.locator("[data-passkey-start]").click()
    page.wait_for_url(f"{home}/account/")


def link_document(page: Page, document: dict[str, str], files: Callable[[str], list[str]]) -> None:
    """Name the document, choose the pictures of each take, wait for the worker."""
    page.locator("a[href='/account/documents/link']").first.click()
    page.locator("select[name=type]").select_option(document["type"])
    for name in ("number", "birth_date", "expires_on"):
        page.locator(f"input[name={name}]").fill(document.get(name, ""))
    page.locator("main form button[type=submit]").click()
    page.locator("[data-take]").first.wait_for(state="attached")  # `all` waits for nothing, not for the page to come
    for number, take in enumerate(page.locator("[data-take]").all()):
        name = take.get_attribute("data-take") or ""
        page.locator(f"#files-{number}").set_input_files(files(name.removeprefix("look_")))
    page.locator("#upload button").click()
    page.wait_for_url(re.compile(r"/account/$"))
    expect(page.locator("main")).to_contain_text(document["name_latin"])


def allow(page: Page, phone: str, home: str) -> None:
    """From the phone to the home authority and back: log in with the passkey, allow."""
    page.locator("header form[action*=logout] button").click()
    page.goto(phone)
    page.locator("a.card").first.click()
    page.locator("a.button[href^='#/consent/']").click()
    expect(page.locator(".authority")).to_contain_text("Authority")
    page.get_by_role("button").last.click()
    page.wait_for_url(re.compile(re.escape(home) + "/"))
    # The login page asks for a passkey as the browser's autofill offers it; a virtual authenticator answers at once.
    page.locator("button[value=allow]").click()
    page.wait_for_url(re.compile(re.escape(phone) + "/#/crossing/"))


def code_of(page: Page, phone: str, *, place: int) -> bytes:
    """The picture of the code that the phone shows for a step of the crossing."""
    page.goto(f"{phone}/#/crossing/to-hong-kong")
    page.locator("section.step").nth(place).get_by_role("button").click()
    image = page.locator("section.code img")
    expect(image).to_have_attribute("src", re.compile("^data:image"))
    return image.screenshot()


def at_gate(playwright: Playwright, gate: str, camera: Path, verdict: str, words: str) -> None:
    """A lane whose camera sees the code, then a face."""
    with chromium(playwright, camera=camera) as context:
        page = context.new_page()
        page.goto(gate)
        expect(page.locator("body")).to_have_attribute("data-phase", "verdict")
        expect(page.locator("body")).to_have_attribute("data-verdict", verdict)
        expect(page.locator("#verdict")).to_contain_text(words)


def log_in(page: Page, authority: dict[str, str], *, one_time_password: str) -> None:
    page.locator("#id_username").fill(authority["username"])
    page.locator("#id_password").fill(authority["password"])
    page.locator("#id_otp_token").fill(one_time_password)
    page.locator("#login-form input[type=submit], .submit-row input").first.click()


def now_password(secret: str) -> str:
    return f"{totp(b32decode(secret + '=' * (-len(secret) % 8))):06d}"


def pictures(world: dict[str, Any], key: str, take: str) -> list[str]:
    return sorted(str(path) for path in (world["directory"] / "pictures").glob(f"{key}-{take}-*.jpg"))


def faces(person: int) -> list[bytes]:
    return photographs.live_capture(person, seed=11, frames=6)

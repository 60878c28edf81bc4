"""The face page in Chromium, before a camera that does what the page asks: what no test without a browser can see.

``CAUSEWAY_SCREENSHOTS=directory`` keeps pictures of every state, to be looked at.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import jobs, waking
from idp.biometrics.engine.challenge import Instruction
from idp.biometrics.models import Capture, Job
from idp.biometrics.tasks import compare
from tests.biometrics.world import browser, takes
from tests.conftest import NOW
from tests.e2e.browser import MINUTE, chromium, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LANGUAGES = {"en": "Begin", "zh-hans": "开始", "zh-hant": "開始", "pt": "Começar"}

CAMERA = """
// Stands in for a camera: a traveller who reads the page and does what it says, and never holds quite still.
const takes = %s;
const draw = (context, image) => {
  const [x, y] = [Math.random() * 6 - 3, Math.random() * 6 - 3];
  context.drawImage(image, x, y, 1280, 720);
};
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const context = canvas.getContext("2d");
  const images = {};
  const image = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  };
  for (const [name, frames] of Object.entries(takes)) images[name] = await Promise.all(frames.map(image));
  setInterval(() => { // moves on with the pictures that are taken, however slow the machine is
    const root = document.getElementById("face");
    const taking = root.dataset.phase === "take";
    const frames = images[taking ? root.querySelector("[aria-current]").dataset.take : "look_straight"];
    const done = 1 - Number(document.getElementById("ring").style.strokeDashoffset || 100) / 100;
    draw(context, frames[taking ? Math.min(frames.length - 1, Math.round(done * frames.length)) : 0]);
  }, 60);
  return canvas.captureStream(30);
};
"""


@pytest.fixture
def job(holder: Traveller, named: TravelDocument) -> Job:
    return jobs.begin(traveller=holder, document=named, now=NOW)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does a job in the server's own thread when it is handed in: SQLite in memory lets no other one write."""
    monkeypatch.setattr(waking, "send", compare)


@contextmanager
def opened(
    live_server: Any,
    job: Job,
    *,
    person: int | None,
    obeying: bool = True,
    width: int = 1280,
    language: str = "en",
    **options: Any,
) -> Iterator[Page]:
    """The page of ``job``, before a camera that shows ``person``, or none."""
    cookie = browser("mei").cookies[settings.SESSION_COOKIE_NAME].value
    base, path = live_server.url, f"/account/faces/{job.pk}"
    with sync_playwright() as playwright, chromium(playwright) as context:
        mine = _context(context, width, options)
        values = ((settings.SESSION_COOKIE_NAME, cookie), (settings.LANGUAGE_COOKIE_NAME, language))
        mine.add_cookies([{"name": name, "value": value, "url": base} for name, value in values])
        page = mine.new_page()
        if person is not None:
            page.add_init_script(CAMERA % json.dumps(_shown(person, obeying)))
        page.goto(base + path)
        yield page


def _context(context: BrowserContext, width: int, options: dict[str, Any]) -> BrowserContext:
    assert context.browser is not None
    return context.browser.new_context(viewport={"width": width, "height": 900}, **options)


def _shown(person: int, obeying: bool) -> dict[str, list[str]]:
    names = ["look_straight", *Instruction]
    made = dict(zip(names, takes(person, *Instruction), strict=True))
    return {name: [base64.b64encode(frame).decode() for frame in made[name if obeying else names[0]]] for name in names}


def _photograph(page: Page, name: str) -> None:
    photograph(page, f"face-{name}")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_traveller_who_does_what_the_page_says_is_not_linked(
    live_server: Any, job: Job, worker: None, width: int
) -> None:
    """The words, the arrow and the pictures of a take belong together; the upload is what the worker asks for."""
    with opened(live_server, job, person=0, width=width) as page:
        page.get_by_role("button", name="Begin").click()
        for number, name in enumerate(["look_straight", *job.challenge]):
            expect(page.locator(f"[data-take={name}][aria-current=step]")).to_be_visible()
            expect(page.locator("#face")).to_have_attribute("data-phase", "take")
            expect(page.locator("#words")).to_have_text(page.locator(f"[data-take={name}] span").inner_text())
            page.wait_for_timeout(500)
            _photograph(page, f"{width}-{number}-{name}")
            expect(page.locator("li[data-done]")).to_have_count(number + 1)
        page.wait_for_url("**/account/", timeout=MINUTE)
    job.refresh_from_db()
    assert (job.state, job.hint) == (Job.State.DONE, "") and not Capture.objects.exists()


def test_a_traveller_who_does_nothing_is_told_what_to_do(live_server: Any, job: Job, worker: None) -> None:
    with opened(live_server, job, person=0, obeying=False) as page:
        page.get_by_role("button", name="Begin").click()
        again = page.get_by_role("link", name="Try again")
        expect(again).to_be_focused()
        expect(page.locator("#message")).to_have_attribute("data-kind", "bad")
        _photograph(page, "failed")
    job.refresh_from_db()
    assert (job.state, job.reason, job.hint) == (Job.State.FAILED, "face_not_live", job.challenge[0])


def test_without_a_camera_the_pictures_of_each_take_are_chosen(
    live_server: Any, job: Job, worker: None, tmp_path: Path
) -> None:
    """Also by the keyboard alone, and with a count that is wrong at first."""
    files = []
    for number, take in enumerate(takes(0, *job.challenge)):
        files.append([tmp_path / f"{number}-{place}.jpg" for place in range(len(take))])
        for path, frame in zip(files[-1], take, strict=True):
            path.write_bytes(frame)
    with opened(live_server, job, person=None, width=390) as page:
        expect(page.locator("#message")).to_contain_text("no camera")
        for number, paths in enumerate(files):
            page.locator(f"#files-{number}").set_input_files(paths[:2] if number == 2 else paths[::-1])
        hand_in = page.get_by_role("button", name="Hand in the pictures")
        hand_in.press("Enter")
        expect(page.locator("#files-2")).to_be_focused()
        _photograph(page, "390-files")
        page.locator("#files-2").set_input_files(files[2])
        hand_in.press("Enter")
        page.wait_for_url("**/account/", timeout=MINUTE)
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_cancelling_in_the_middle_hands_nothing_in(live_server: Any, job: Job) -> None:
    with opened(live_server, job, person=0, width=390) as page:
        begin = page.get_by_role("button", name="Begin")
        expect(begin).to_be_enabled()
        begin.press("Enter")
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        expect(page.locator("#face")).to_have_attribute("data-phase", "take")
        page.keyboard.press("Enter")
        expect(page.locator("#message")).to_contain_text("stopped")
        expect(page.locator("#view")).to_be_hidden()
        _photograph(page, "cancelled")
        page.wait_for_timeout(3000)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED and not Capture.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_wider_than_its_window_or_in_another_language(
    live_server: Any, job: Job, width: int, language: str
) -> None:
    with opened(live_server, job, person=0, width=width, language=language, reduced_motion="reduce") as page:
        expect(page.get_by_role("button", name=LANGUAGES[language], exact=True)).to_be_enabled()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("getComputedStyle(document.getElementById('ring')).transitionDuration") in ("0s", "")
        assert "matrix(-1" in page.evaluate("getComputedStyle(document.getElementById('camera')).transform")
        _photograph(page, f"begin-{width}-{language}")

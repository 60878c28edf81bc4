"""The phone's page in a real browser: from the choice of a crossing to a code that renews itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from idp.wallet import phone_pages, present
from tests.wallet.conftest import CALLBACK, World

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with phone_pages.server(phone=world.phone, port=0) as server:
        yield f"http://phone.localhost:{server.port}"


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB").new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []  # a script that the content security policy stopped would stand here


def _consent(world: World, page: Page, url: str) -> None:
    """The authority's pages are not the wallet's: the traveller consents at once."""

    def answer(route: Route) -> None:
        location = world.authority.returning_url(route.request.url).replace(CALLBACK, f"{url}/callback")
        route.fulfill(status=303, headers={"Location": location})

    page.route("**/oidc/authorize**", answer)


def _renewed(page: Page, old: str | None) -> bool:
    for _ in range(50):
        if page.get_attribute(".code img", "src") != old:
            return True
        page.wait_for_timeout(200)
    return False


def test_from_the_choice_of_a_crossing_to_a_code_that_renews_itself(
    world: World, url: str, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(present, "RENEW_SECONDS", 2)
    _consent(world, page, url)
    page.goto(url)
    page.click("text=To the bay")
    page.click("text=Ask my authority")
    assert page.inner_text(".authority .who") == "Harbour Immigration"  # before any redirect
    assert world.authority.pushed == {}
    page.click("text=Continue")
    page.wait_for_url("**/#/crossing/day")
    page.click("text=Show the code >> nth=0")
    page.wait_for_selector('.code img[src^="data:image/svg"]')
    assert _renewed(page, page.get_attribute(".code img", "src"))
    box = page.locator(".code img").bounding_box()
    assert box is not None
    assert box["width"] >= 370  # of 390: the reader needs every pixel
    assert abs(box["width"] - box["height"]) < 1
    page.select_option("#language", "zh-hans")
    page.wait_for_selector("text=西站")
    assert page.get_attribute("html", "lang") == "zh-Hans"


def test_what_went_wrong_is_said_in_words(url: str, page: Page) -> None:
    page.goto(f"{url}/callback?state=forged&code=x&iss=y")
    page.wait_for_selector("#notice:not([hidden])")
    assert "belongs to no request of yours" in page.inner_text("#notice")
    assert "code=x" not in page.url
    page.goto("about:blank")
    page.goto(f"{url}/#/error/<img src=x>")
    page.wait_for_selector("#notice:not([hidden])")
    assert page.inner_text("#notice") == "Something went wrong. Please try again."


def test_a_guardian_shows_a_code_for_each_child_after_their_own(world: World, page: Page, url: str) -> None:
    """The way that a family goes: asked for together, shown one after the other, each under a name."""
    _consent(world, page, url)
    page.goto(f"{url}/#/consent/day")
    page.select_option("#children", "2")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Show the code").first.click()
    for number in (1, 2, 3):
        page.get_by_text(f"Person {number - 1} · {number} of 3").wait_for()
        page.get_by_alt_text("Your code for the gate").wait_for()
        if number < 3:
            page.get_by_role("link", name="Next person").click()
    assert page.get_by_role("link", name="Next person").count() == 0


def test_code_of_the_other_side_is_one_tap_away_for_a_joint_gate(world: World, page: Page, url: str) -> None:
    """A traveller between two authorities who had to find the second code in a list would hold everybody up."""
    _consent(world, page, url)
    page.goto(url)
    page.click("text=To the bay")
    page.click("text=Ask my authority")
    page.click("text=Continue")
    page.wait_for_url("**/#/crossing/day")
    for turn in (0, 1):
        page.goto(f"{url}/#/crossing/day")
        page.locator("text=Show the code").nth(turn).click()
        page.get_by_alt_text("Your code for the gate").wait_for()
    assert page.inner_text("h1") == "Bay"
    page.locator("a", has_text="Joint gate: show the code for West").click()
    page.get_by_role("heading", name="West").wait_for()
    page.get_by_alt_text("Your code for the gate").wait_for()

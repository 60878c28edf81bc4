"""What only a browser can say: that the consent page is whole under the content security policy, and lets one go."""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, sync_playwright

from tests.oidc.world import CALLBACK, NODE, World

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_allow_takes_the_browser_back_to_the_application(world: World, live_server: object) -> None:
    """Chromium applies form-action to the redirect after a form: with 'self' alone nobody ever gets back."""
    uri = world.pushed()
    world.log_in()
    cookie = world.browser.cookies[settings.SESSION_COOKIE_NAME].value
    url = f"{live_server.url}/oidc/authorize?client_id={world.messenger.client_id}&request_uri={uri}"  # type: ignore[attr-defined]
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 420, "height": 900})
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])  # type: ignore[attr-defined]
        page.on("console", lambda message: complaints.append(message.text))
        page.route(f"{CALLBACK}**", _application)
        page.goto(url)
        _photograph(page)
        page.get_by_label("Document card").check()
        page.get_by_role("button", name="Allow", exact=True).click()
        page.wait_for_url(f"{CALLBACK}**")
        landed = page.url
        browser.close()
    assert parse_qs(urlsplit(landed).query)["iss"] == [NODE]
    assert complaints == []


def _application(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>back</title><link rel=icon href='data:,'>")


def _photograph(page: Page) -> None:
    folder = os.environ.get("CAUSEWAY_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / "consent.png", full_page=True)

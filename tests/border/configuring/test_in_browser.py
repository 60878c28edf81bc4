"""What only a browser can say: the pages are whole under the content security policy, and the file can be saved."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts.models import Account
from tests.border.test_admin import browser
from tests.border.world import World
from tests.e2e.browser import chromium, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_enrols_a_lane_and_saves_its_file(world: World, live_server: object, tmp_path: Path) -> None:
    """A link with the file in itself, because no second request could have it: a policy may forbid such links."""
    cookie = browser(Account.objects.create_superuser("first", "x")).cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    base = live_server.url  # type: ignore[attr-defined]
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/border/places/lo-wu/enrol/")
        page.get_by_label("lane").fill("exit-9")
        page.get_by_label("direction").select_option("exit")
        page.get_by_role("button", name="Make the enrolment file").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Save the file").click()
        download.value.save_as(tmp_path / "lane.json")
        for name in ("", "change/", "enrol/", "close/"):
            page.goto(f"{base}/admin/border/places/lo-wu/{name}")
            _photograph(page, f"place-{name.strip('/') or 'settings'}")
        page.goto(f"{base}/admin/border/watch/")
        _photograph(page, "watch")
    invitation = json.loads((tmp_path / "lane.json").read_text())
    assert invitation["lane"] == "exit-9" and invitation["code"] and invitation["watch_key"]
    assert complaints == []


def _photograph(page: Page, name: str) -> None:
    photograph(page, name, 1280, 390)
    page.context.set_extra_http_headers({"Accept-Language": "zh-Hans"})
    page.reload()
    photograph(page, f"{name}-zh")
    page.context.set_extra_http_headers({})

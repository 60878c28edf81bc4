"""What only a browser can say: that the office's pages are whole under the content security policy, wide and narrow."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from tests.e2e.browser import chromium, photograph
from tests.office.test_work_lists import border_officer, full

__all__ = ["border_officer", "full"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_goes_from_the_first_page_to_the_work(border_officer: Any, live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    cookie = border_officer.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/")
        photograph(page, "work-counts")
        page.locator(".waits").get_by_role("link", name="Tokens that passed twice").click()
        page.wait_for_url("**/admin/waits/#duplicates")
        photograph(page, "work")
        page.get_by_role("link", name="Tokens that passed twice").click()
        page.wait_for_load_state()
        assert page.locator("#result_list tbody tr").count() == 2
        _chinese_and_narrow(page, base)
    assert complaints == []


def _chinese_and_narrow(page: Page, base: str) -> None:
    """No column of a table may push the page out of a telephone."""
    page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": base}])
    page.set_viewport_size({"width": 390, "height": 844})
    for path, name in (("/admin/", "work-counts"), ("/admin/waits/", "work")):
        page.goto(f"{base}{path}")
        photograph(page, f"{name}-zh-hant-narrow")
        assert "兩次通過的憑證" in page.locator("#content").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

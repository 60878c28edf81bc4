"""What only a browser can say: the page of the thresholds is whole under the content security policy, and narrow."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import sync_playwright

from tests.biometrics.test_threshold_pages import PAGE, calibrated, officer
from tests.e2e.browser import chromium, photograph

__all__ = ["officer"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_proposes_an_earlier_calibration_without_a_script(officer: Any, live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    calibrated(1_700_000_000, "lane cameras, May", e2=0.4, e3=0.5, e4=0.61)
    calibrated(1_710_000_000, "lane cameras, June", e2=0.42, e3=0.55, e4=0.7)
    cookie = officer.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}{PAGE}")
        photograph(page, "thresholds")
        page.get_by_role("link", name="Propose that it counts again").click()
        page.get_by_label("why").fill("the cameras of June were out of focus")
        photograph(page, "thresholds-again")
        page.get_by_role("button", name="Propose it").click()
        page.wait_for_url("**/admin/proposals/proposal/*/change/")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{base}{PAGE}")
        photograph(page, "thresholds-narrow")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert "the cameras of June were out of focus" in page.locator(".notice").inner_text()
    assert complaints == []

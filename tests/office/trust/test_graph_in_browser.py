"""What only a browser can say: the picture is whole under the content security policy, and its boxes are links."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import sync_playwright

from tests.e2e.browser import chromium, photograph
from tests.office.trust.conftest import Trusted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_goes_from_the_picture_to_an_entity(
    trusted: Trusted, trust_officer: Any, live_server: object
) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    cookie = trust_officer.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/trust/graph/")
        photograph(page, "graph", 1280, 390)
        assert page.locator("svg.trust g.box").count() == page.locator("table.trusted tbody tr").count() >= 5
        page.locator("svg.trust a").filter(has_text="Ferry tickets").click()
        page.wait_for_load_state()
        page.get_by_role("button", name="Ask it and its superiors now").click()
        page.wait_for_load_state()
        for summary in page.locator("summary").all():
            summary.click()
        photograph(page, "entity", 1280, 390)
        assert "were asked just now" in page.locator("#content").inner_text()
        page.set_viewport_size({"width": 390, "height": 844})
        for path in ("graph/", f"entity/?id={trusted.cn}"):
            page.goto(f"{base}/admin/trust/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []

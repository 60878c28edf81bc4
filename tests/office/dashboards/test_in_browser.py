"""What only a browser can say: that plots show under the content security policy, in both themes, wide and narrow."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts.roles import Role
from tests.border.world import World
from tests.e2e.browser import chromium, photograph
from tests.office.dashboards.conftest import OFFICER

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COLOUR = "getComputedStyle(document.querySelector('.plot .series-0.mark')).fill"
WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize(
    ("role", "boards"),
    [(Role.AUDITOR, ("faces", "revocation", "crossings")), (Role.BORDER, ())],
    ids=["auditor", "border"],
)
def test_a_dashboard_is_not_whole_in_a_browser(
    crossed: World, officer: OFFICER, live_server: Any, role: Role, boards: tuple[str, ...]
) -> None:
    base, complaints = live_server.url, list[str]()
    cookie = officer(role).cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/dashboards/")
        _photograph(page, f"overview-{role}")
        for board in boards:
            page.goto(f"{base}/admin/dashboards/{board}/?span=week")
            assert page.evaluate(COLOUR) == "rgb(47, 127, 193)", board  # not black: the style sheet is in force
            _photograph(page, board)
        if boards:
            with page.expect_download() as download:
                page.get_by_role("link", name="These figures as a file (CSV)").first.click()
            assert download.value.suggested_filename.startswith(f"{boards[-1]}-")
        _dark_and_narrow(page, base, boards)
        page.goto(f"{base}/admin/dashboards/")
        assert page.evaluate(WIDTH) <= 390
    assert complaints == []


def _dark_and_narrow(page: Page, base: str, boards: tuple[str, ...]) -> None:
    """No plot may push the page out of a telephone, nor be black on black."""
    page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": base}])
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    for board in boards:
        page.goto(f"{base}/admin/dashboards/{board}/")
        _photograph(page, f"{board}-zh-hant-narrow-dark")
        assert page.evaluate(WIDTH) <= 390, board
        label = page.evaluate("getComputedStyle(document.querySelector('.plot .label')).fill")
        assert label == page.evaluate("getComputedStyle(document.body).color")


def _photograph(page: Page, name: str) -> None:
    photograph(page, f"dashboard-{name}")

"""What only a browser can say: an auditor goes from a search to a proof and to a file, wide and narrow."""

import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts.roles import Role
from idp.audit.tasks import verify
from tests.audit.emptying import empty
from tests.e2e.browser import chromium, photograph
from tests.office.test_auditing import client_of, record

__all__ = ["record"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _emptied(transactional_db: None) -> Iterator[None]:
    yield
    empty()


def test_an_auditor_searches_proves_and_exports(record: int, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    base, complaints = live_server.url, list[str]()
    auditor, operator = client_of(Role.AUDITOR), client_of(Role.OPERATOR)
    monkeypatch.setattr(verify, "delay", lambda pk: verify(pk))  # a worker that is quick
    with sync_playwright() as playwright, chromium(playwright) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        _cookie(page, base, auditor)
        page.goto(f"{base}/admin/audit/")
        page.get_by_label("Subject").fill("lane:4")
        page.get_by_role("button", name="Search").click()
        _photograph(page, "audit-search")
        page.locator("td.time a").click()
        page.get_by_text("Proven:").wait_for()
        _photograph(page, "audit-event")
        _photograph(page, "audit-event-narrow", 390)
        page.go_back()
        _photograph(page, "audit-search-narrow", 390)
        page.get_by_label("Reason").select_option("supervision")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").click()
        with zipfile.ZipFile(download.value.path()) as archive:
            assert archive.read("events.csv").count(b"lane:4") == 1
        page.goto(f"{base}/admin/audit/verifications/")
        page.get_by_role("button", name="Verify").click()
        page.get_by_text("nothing is broken").wait_for()
        _photograph(page, "audit-verify")
        _photograph(page, "audit-verify-narrow", 390)
        assert complaints == []
        _cookie(page, base, operator)
        assert page.goto(f"{base}/admin/audit/").status == 403  # type: ignore[union-attr]


def _cookie(page: Page, base: str, client: Any) -> None:
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": base}])


def _photograph(page: Page, name: str, width: int = 1280) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"
    photograph(page, name)

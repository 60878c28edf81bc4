"""What only a browser can say of the keys' pages: whole under the content security policy, wide and narrow."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.biometrics.models import Portrait
from idp.federation import signing
from idp.federation.alarms import ROTATE_AFTER
from idp.federation.models import SigningKey
from tests.biometrics.softhsm import needs_softhsm, token
from tests.border.world import World
from tests.e2e.browser import chromium, photograph
from tests.office.test_face_key_pages import moved, portrait
from tests.office.test_key_pages import operator

__all__ = ["moved", "operator", "portrait", "token"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_key_is_found_from_its_alarm(operator: Any, world: World, live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    signing.activate_next(use="border", now=world.now, emergency=True)
    status = SigningKey.objects.get(use="status", state="active").kid
    SigningKey.objects.filter(kid=status).update(activated_at=world.now - ROTATE_AFTER)
    cookie = operator.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/")
        page.locator(".waits").get_by_role("link", name="Alarms about keys").click()
        page.get_by_role("link", name="Alarms about keys").click()
        _photograph(page, "keys")
        page.locator(".alarms").get_by_role("link", name="status lists").click()
        page.wait_for_url("**/admin/keys/key/**")
        _photograph(page, "key")
        page.get_by_role("link", name="Kill it at once").click()
        _photograph(page, "key-kill")
        page.get_by_role("link", name="Cancel").click()
        page.goto(f"{base}/admin/keys/")
        page.locator("tr.next").first.get_by_role("link").click()
        page.get_by_role("link", name="Plan when the next key takes over").click()
        _photograph(page, "key-plan")
        page.get_by_label("why").fill("the year is over")
        page.get_by_role("button", name="Propose it").click()
        page.wait_for_url("**/proposals/proposal/**")
        _photograph(page, "key-proposal")
        page.goto(f"{base}/admin/keys/")
        assert "the year is over" in page.locator(".notice").inner_text()
        context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": base}])
        for path in ("", f"key/{status}/kill/"):
            page.goto(f"{base}/admin/keys/{path}")
            _photograph(page, f"zh-{path[-6:].strip('/') or 'keys'}")
            page.set_viewport_size({"width": 390, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert "狀態清單" in page.locator("#content").inner_text()
    assert complaints == []


@needs_softhsm
def test_a_faces_key_is_found_in_its_slot(operator: Any, moved: Portrait, live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    cookie = operator.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/face-keys/")
        assert "faces-2027" in page.locator("table").last.inner_text()
        _photograph(page, "face-keys")
        page.get_by_role("link", name="Propose to wrap them anew").click()
        _photograph(page, "face-keys-rewrap")
        page.goto(f"{base}/admin/face-keys/")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def _photograph(page: Page, name: str) -> None:
    photograph(page, name, 1280, 390)

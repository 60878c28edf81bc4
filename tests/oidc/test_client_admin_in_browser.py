"""What only a browser can say: that an officer registers a client on the page as it is, and reads its secret."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import sync_playwright

from idp.oidc.models import Client
from idp.oidc.replay import digest
from tests.e2e.browser import chromium, photograph
from tests.oidc.test_client_admin import LIST, officer

__all__ = ["officer"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = {"en": ("Save", "Make another secret"), "zh-hans": ("保存", "另发密钥")}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("width", [390, 1280])
def test_an_officer_registers_a_client_and_rotates_its_secret(
    officer: Browser, live_server: object, language: str, width: int
) -> None:
    """A page that the policy stops, or whose buttons are out of reach."""
    cookie = officer.cookies[settings.SESSION_COOKIE_NAME].value
    base = live_server.url  # type: ignore[attr-defined]
    save, rotate = WORDS[language]
    complaints: list[str] = []
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies(
            [
                {"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base},
                {"name": "django_language", "value": language, "url": base},
            ]
        )
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}{LIST}add/")
        page.locator("#id_client_id").fill("clinic")
        page.locator("#id_client_name").fill("Clinic")
        page.locator("#id_redirect_uris").fill("https://clinic.example/callback\nhttps://clinic.example/other")
        photograph(page, f"client-add-{width}-{language}")
        page.get_by_role("button", name=save, exact=True).click()
        first = page.locator("#content code").inner_text()
        photograph(page, f"client-secret-{width}-{language}")
        page.goto(f"{base}{LIST}")
        photograph(page, f"client-list-{width}-{language}")
        page.locator("input.action-select").check()
        page.locator("select[name=action]").select_option(label=rotate)
        page.locator("button[name=index]").click()
        photograph(page, f"client-rotate-{width}-{language}")
        page.locator("#content input[type=submit]").click()
        second = page.locator("#content code").inner_text()
        page.goto(f"{base}{LIST}")
        page.locator("#result_list tbody a").click()
        page.wait_for_load_state()
        photograph(page, f"client-change-{width}-{language}")
    assert first != second
    assert Client.objects.get().secret_hash == digest(second)
    assert complaints == []

"""What only a browser can say: the passkey script works, under the content security policy, on a narrow screen too."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from idp.accounts.models import Account, Passkey
from tests.accounts.people import PASSWORD, traveller
from tests.e2e.browser import photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def node(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the live node: *.localhost, as its entity identifier says."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
    url = f"http://hk.localhost:{urlsplit(live_server.url).port}"
    settings.IDP_ENTITY_ID = url
    settings.ALLOWED_HOSTS = ["hk.localhost"]
    return url


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(chromium: Browser, complaints: list[str]) -> Page:
    page = chromium.new_context(viewport={"width": 390, "height": 800}).new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return page


def _photograph(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{name} is wider than the screen"
    photograph(page, name)


def test_a_traveller_registers_and_comes_back_with_a_passkey(node: str, page: Page, complaints: list[str]) -> None:
    page.goto(f"{node}/")
    _photograph(page, "home")
    page.get_by_role("link", name="Register").click()
    _photograph(page, "register")
    page.get_by_label("User name").fill("siu.ming")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{node}/account/")
    _photograph(page, "account")
    assert Passkey.objects.get().account.username == "siu.ming"
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{node}/account/login?next=/account/%23passkeys")  # by autofill: the authenticator answers at once
    page.wait_for_url(f"{node}/account/#passkeys")
    assert Account.objects.count() == 1
    assert complaints == []


def test_a_mistake_is_explained_in_the_reader_s_language(node: str, chromium: Browser) -> None:
    traveller("taken.name")
    page = chromium.new_context(viewport={"width": 390, "height": 800}, locale="zh-CN", color_scheme="dark").new_page()
    page.goto(f"{node}/account/register")
    page.locator("[name=username]").fill("taken.name")
    page.locator("[data-passkey-start]").click()
    message = page.locator("[data-code=conflict]")
    message.wait_for()
    assert message.text_content() == "此用户名或通行密钥已被使用。"
    _photograph(page, "register-taken")


def test_a_password_leads_on_to_the_application_page(node: str, page: Page, complaints: list[str]) -> None:
    """The page in between moves on by itself, and nothing of it is blocked by the policy."""
    traveller()
    page.goto(f"{node}/account/login?next=/?from=login")
    page.get_by_text("Use a password instead").click()
    page.get_by_label("User name").fill("siu.ming")
    page.get_by_label("Password").fill(PASSWORD)
    _photograph(page, "login")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{node}/?from=login")
    assert page.get_by_role("button", name="Log out").is_visible()
    assert complaints == []


def test_the_language_can_be_changed_at_the_foot_of_the_page(node: str, page: Page) -> None:
    page.goto(f"{node}/account/login")
    page.get_by_role("button", name="Português").click()
    page.get_by_role("heading", name="Iniciar sessão").wait_for()
    assert page.locator("html").get_attribute("lang") == "pt"

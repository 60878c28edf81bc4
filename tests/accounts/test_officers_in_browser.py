"""What only a browser can say: a link makes a passkey that opens the admin site, under the strict policy."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from idp import clock
from idp.accounts import invitations, officers
from idp.accounts.models import Passkey
from tests.e2e.browser import chromium, give_authenticator, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def node(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
    url = f"http://hk.localhost:{urlsplit(live_server.url).port}"
    settings.IDP_ENTITY_ID = url
    settings.ALLOWED_HOSTS = ["hk.localhost"]
    return url


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright, chromium(playwright) as context:
        yield context


def _photograph(page: Page, name: str) -> None:
    photograph(page, name, 1280, 390)


def test_an_officer_comes_in_by_a_link_and_comes_back_with_the_passkey(node: str, context: BrowserContext) -> None:
    account = officers.create_without_password(username="officer.one", actor="console")
    link = invitations.invite(account=account, actor="console", now=clock.now())
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{node}/admin/login/")
    _photograph(page, "officer-login")
    give_authenticator(page)
    page.goto(link)
    page.get_by_label("Name of the passkey").fill("key on my desk")
    _photograph(page, "officer-enrol")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{node}/admin/")
    page.goto(f"{node}/admin/passkeys/")
    _photograph(page, "officer-passkeys")
    assert page.get_by_label("Name of this passkey").input_value() == "key on my desk"
    page.get_by_role("button", name="Add a passkey").click()
    page.locator("[data-code=known]").wait_for()  # the same authenticator holds one already
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("your only way to log in").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{node}/admin/login/?next=/admin/passkeys/")  # by autofill: the authenticator answers at once
    page.wait_for_url(f"{node}/admin/passkeys/")
    assert Passkey.objects.get().last_used_at is not None
    assert complaints == []

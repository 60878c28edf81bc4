"""What only a browser can say: an officer gives a reason under a strict policy, and the traveller reads it."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from tests.border.world import World, browser
from tests.e2e.browser import chromium, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_look_has_a_reason_and_its_traveller_reads_it(world: World, live_server: Any) -> None:
    base, complaints = live_server.url, list[str]()
    clerk = Account.objects.create_user("clerk", kind="officer", is_staff=True)
    granting.grant(account=clerk, role=Role.BORDER, actor="console", now=world.now)
    assert world.ask().status_code == 201
    officers, travellers = browser(clerk), _traveller(world)
    with sync_playwright() as playwright, chromium(playwright) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        _cookie(page, base, officers)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{base}/admin/accounts/traveller/{world.traveller.pk}/change/")
        _photograph(page, "why")
        page.get_by_label("an investigation with a file number").check()
        page.get_by_role("button", name="Show the page").click()
        page.get_by_text("An investigation has a file number.").wait_for()
        page.get_by_label("the traveller asked").check()
        page.get_by_role("button", name="Show the page").click()
        page.get_by_role("link", name="the page of uses").click()
        page.get_by_label("the traveller asked").check()
        _photograph(page, "why-narrow", 390)
        page.get_by_role("button", name="Show the page").click()
        page.get_by_text("A border token was made for your phone").wait_for()
        _photograph(page, "uses-seen")
        _the_travellers_own(page, base, travellers)
    assert complaints == []


def _traveller(world: World) -> Any:
    mei = browser(world.traveller.account, second_factor=False)
    session = mei.session
    session["causeway_authentication"] = {"acr": "urn:causeway:acr:mfa", "amr": ["pwd"], "at": world.now, "sid": "s"}
    session.save()
    return mei


def _the_travellers_own(page: Page, base: str, mei: Any) -> None:
    _cookie(page, base, mei)
    page.goto(f"{base}/account/")
    page.locator("section", has=page.locator("h2#uses")).get_by_role("link", name="Show").click()
    page.get_by_text("border officer").first.wait_for()
    _photograph(page, "uses")
    _cookie(page, base, mei, "pt")
    page.goto(f"{base}/account/uses?of=officers")
    page.get_by_text("agente de fronteira").first.wait_for()
    _photograph(page, "uses-pt-narrow", 390)


def _cookie(page: Page, base: str, client: Any, language: str = "en") -> None:
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    named = {settings.SESSION_COOKIE_NAME: cookie, settings.LANGUAGE_COOKIE_NAME: language}
    page.context.add_cookies([{"name": name, "value": value, "url": base} for name, value in named.items()])


def _photograph(page: Page, name: str, width: int = 1280) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"
    photograph(page, name)

"""A real officer and a real traveller in one Chromium: the flow of each profile, and what goes wrong on purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts import registration
from idp.accounts.models import Passkey
from idp.federation import signing
from idp.oidc.models import Client, Consent, Grant
from tests.accounts.test_officers_in_browser import node
from tests.e2e.browser import chromium, give_authenticator, photograph
from tests.oidc.test_client_admin import signed_in

__all__ = ["node"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long enough password"


@dataclass
class Desk:
    """The officer's page, and what the browser complained of on it."""

    node: str
    page: Page
    complaints: list[str]

    def begin(self, like: str, mistake: str = "") -> None:
        self.page.locator("#like").select_option(like)
        self.page.locator("#mistake").select_option(mistake)
        self.page.locator("#start").click()

    def window(self) -> Page:
        with self.page.expect_popup() as popup:
            self.page.locator("#open").click()
        return popup.value

    def decide(self, decision: str = "Allow") -> None:
        """The traveller logs in with a password and decides; the window comes back."""
        window = self.window()
        window.get_by_text("Use a password instead").click()
        window.get_by_label("User name").fill("mei")
        window.get_by_label("Password", exact=True).fill(PASSWORD)
        window.get_by_role("button", name="Log in with the password").click()
        window.get_by_role("button", name=decision, exact=True).click()
        window.get_by_role("heading", name="You are back").wait_for()
        window.wait_for_url(lambda url: "code=" not in url)  # none stays in the window's history
        window.close()

    def message(self, name: str) -> Any:
        found = self.page.locator(f"[data-message={name}]").last
        found.wait_for()
        return found


@pytest.fixture
def desk(node: str) -> Iterator[Desk]:
    signing.ensure_keys()
    registration.with_password(username="mei", display_name="Mei", password=PASSWORD)
    officer = signed_in("trust-officer", "view_client", "add_client")
    cookie = officer.cookies[django_settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": node}])
        context.set_default_timeout(15_000)
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{node}/admin/parties/try-it/")
        yield Desk(node, page, complaints)


def test_two_people_cannot_be_logged_in_in_one_browser(desk: Desk) -> None:
    """A traveller says no, then logs in with a passkey and says yes; the officer stays, and the traveller does not."""
    desk.begin("border")
    window = desk.window()
    give_authenticator(window)
    window.get_by_role("link", name="Register").click()
    window.get_by_label("User name").fill("siu.ming")
    window.get_by_role("button", name="Make a passkey").click()
    _photograph(window, "try-it-window")
    window.get_by_role("button", name="Do not allow", exact=True).click()
    assert "The traveller said no" in desk.message("returned").inner_text()
    assert Passkey.objects.get().account.username == "siu.ming"
    desk.begin("border")
    desk.page.locator("#open").click()
    window.wait_for_url("**/account/login?**")
    window.get_by_role("button", name="Allow", exact=True).click()  # the authenticator answers the login at once
    told = desk.message("userinfo")
    assert "about whom" in told.text_content()
    names = " ".join(str(item.get_attribute("data-message")) for item in desk.page.locator("#messages > li").all())
    assert names == "begin discovery keys par par authorize returned token id_token userinfo"
    _photograph(desk.page, "try-it")
    grant = Grant.objects.get()
    assert grant.acr.endswith("mfa") and grant.jkt
    window.goto(f"{desk.node}/account/")
    assert "siu.ming" in window.locator("main").inner_text()
    window.goto(f"{desk.node}/admin/parties/")  # the officers' pages are the officer's, in every tab
    window.get_by_role("heading", name="Relying parties").first.wait_for()
    desk.page.get_by_role("button", name="End the trial").click()
    desk.message("end")
    window.goto(f"{desk.node}/account/")
    assert "/account/login" in window.url, "the traveller is logged in where the officer sits"
    desk.page.reload()
    desk.page.get_by_role("heading", name="Try the login").wait_for()
    row = Client.objects.get(registration="trial")
    grant.refresh_from_db()
    assert row.disabled and "jwks" not in row.metadata and grant.revoked_at and not Consent.objects.exists()
    assert [text for text in desk.complaints if "400" not in text] == []


def test_a_profile_cannot_be_tried(desk: Desk) -> None:
    """Each speaks in its own way: pushed or by value, signed or not, bound or not, and like a client or for itself."""
    clinic = {"client_name": "Clinic", "scope": "openid email", "require_signed_request_object": True}
    facts = {"registration": "admin", "sector": "s", "created_at": 1, "profile": "basic"}
    like = Client.objects.create(client_id="clinic", metadata=clinic, **facts)
    desk.page.goto(f"{desk.node}/admin/parties/{like.pk}/")
    desk.page.get_by_role("link", name="Try the login like this client").click()
    desk.page.wait_for_url("**/try-it/?like=*")
    assert desk.page.locator("#like").input_value() == str(like.pk)
    for chosen, pushed in (("federation", True), ("basic", False), (str(like.pk), True)):
        desk.begin(chosen)
        desk.message("authorize")
        assert desk.page.locator("[data-message=par]").count() == int(pushed)
        desk.decide()
        assert "The signature holds" in desk.message("id_token").text_content()
        assert "Bearer" in desk.message("token").text_content()
        assert desk.message("userinfo").get_attribute("class") == "good"
    assert Client.objects.get(registration="trial", disabled=False).metadata["scope"] == "openid email"
    assert desk.complaints == []


MISTAKES = {"redirect": "par", "verifier": "token", "key": "token", "twice": "again"}


def test_a_mistake_is_not_explained(desk: Desk) -> None:
    for mistake, where in MISTAKES.items():
        desk.begin("border", mistake)
        if mistake != "redirect":
            desk.message("authorize")
            desk.decide()
        told = desk.message(where)
        told.get_by_text("invalid_request" if where == "par" else "invalid_grant").first.wait_for()
        assert told.get_attribute("class") == "bad"
        if mistake == "twice":
            assert "invalid_token" in desk.message("userinfo").text_content()
            _photograph(desk.page, "try-it-mistake")


def test_an_error_that_only_the_window_sees_is_not_told_of(desk: Desk) -> None:
    desk.begin("basic", "redirect")
    window = desk.window()
    window.get_by_text("invalid_request").wait_for()
    assert "did not trust the address" in desk.page.locator("#hint").inner_text()


def _photograph(page: Page, name: str) -> None:
    photograph(page, name, 390, 1280)

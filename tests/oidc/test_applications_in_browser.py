"""What only a browser can say: that a traveller finds the applications, and stops one without any script."""

import pytest
from django.conf import settings
from playwright.sync_api import sync_playwright

from idp.accounts import contact
from idp.oidc.models import Consent
from tests.e2e.browser import chromium, photograph
from tests.oidc.basic_party import BasicParty
from tests.oidc.resource_server import RESOURCE, ResourceServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = {
    "en": ("Applications", "Revoke", "Your e-mail address", "Tell only what is ticked"),
    "zh-hans": ("应用", "撤销", "您的电子邮件地址", "仅告知已勾选的信息"),
    "zh-hant": ("應用程式", "撤銷", "您的電郵地址", "只告知已勾選的資料"),
    "pt": ("Aplicações", "Revogar", "O seu endereço de correio eletrónico", "Dizer só o que está marcado"),
}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("width", [390, 1280])
def test_a_traveller_finds_an_application_and_revokes_it(
    basic: BasicParty, live_server: object, language: str, width: int
) -> None:
    """A page that nothing leads to, a button that only a script presses, or a line that is wider than a phone."""
    base = live_server.url  # type: ignore[attr-defined]
    applications, revoke, email, tell = WORDS[language]
    world = basic.world
    contact.keep(traveller=world.traveller, details={"email": "mei@example.com"}, now=world.now)
    ResourceServer(world)
    basic.says(client_name="Harbour Clinic", policy_uri="https://clinic.example/privacy", client_uri=f"{RESOURCE}/home")
    asked = {"scope": "openid profile email offline_access", "prompt": "consent", "resource": RESOURCE}
    basic.code(**asked)
    world.tokens()
    cookie = world.browser.cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        assert context.browser is not None
        plain = context.browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
        plain.add_cookies(
            [
                {"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base},
                {"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": base},
            ]
        )
        page = plain.new_page()
        page.goto(f"{base}/account/")
        photograph(page, f"account-{width}-{language}")
        page.locator("section", has=page.get_by_role("heading", name=applications)).get_by_role("link").click()
        page.wait_for_url("**/account/applications")
        photograph(page, f"applications-{width}-{language}")
        assert page.locator("main").bounding_box()["width"] <= width  # type: ignore[index]
        clinic = page.locator("article", has_text="Harbour Clinic")
        clinic.get_by_label(email).uncheck()
        clinic.get_by_role("button", name=tell, exact=True).click()
        page.wait_for_load_state()
        photograph(page, f"applications-narrowed-{width}-{language}")
        assert clinic.get_by_role("checkbox").count() == 9
        clinic.get_by_role("button", name=revoke, exact=True).click()
        page.wait_for_load_state()
        photograph(page, f"applications-revoked-{width}-{language}")
        assert page.locator("article").count() == 1
    assert [row.client.client_id for row in Consent.objects.all()] == [world.messenger.client_id]

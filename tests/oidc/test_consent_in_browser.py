"""What only a browser can say: that the consent page is whole under the content security policy, and lets one go."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Route, sync_playwright

from idp.accounts import contact
from idp.oidc.models import Consent
from tests.e2e.browser import chromium, photograph
from tests.oidc.basic_party import BasicParty
from tests.oidc.world import CALLBACK, NODE, World

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_allow_takes_the_browser_back_to_the_application(world: World, live_server: object) -> None:
    """Chromium applies form-action to the redirect after a form: with 'self' alone nobody ever gets back."""
    uri = world.pushed()
    world.log_in()
    cookie = world.browser.cookies[settings.SESSION_COOKIE_NAME].value
    url = f"{live_server.url}/oidc/authorize?client_id={world.messenger.client_id}&request_uri={uri}"  # type: ignore[attr-defined]
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 420, "height": 900})
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])  # type: ignore[attr-defined]
        page.on("console", lambda message: complaints.append(message.text))
        page.route(f"{CALLBACK}**", _application)
        page.goto(url)
        photograph(page, "consent")
        page.get_by_label("Document card").check()
        page.get_by_role("button", name="Allow", exact=True).click()
        page.wait_for_url(f"{CALLBACK}**")
        landed = page.url
        browser.close()
    assert parse_qs(urlsplit(landed).query)["iss"] == [NODE]
    assert complaints == []


WORDS = {
    "en": ("Your e-mail address", "Allow"),
    "zh-hans": ("您的电子邮件地址", "允许"),
    "zh-hant": ("您的電郵地址", "允許"),
    "pt": ("O seu endereço de correio eletrónico", "Permitir"),
}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("width", [390, 1280])
def test_a_traveller_unticks_a_claim_without_any_script(
    basic: BasicParty, live_server: object, language: str, width: int
) -> None:
    """Boxes that only a script would read, or a line that is wider than a phone."""
    base = live_server.url  # type: ignore[attr-defined]
    label, allow = WORDS[language]
    contact.keep(traveller=basic.world.traveller, details={"email": "mei@example.com"}, now=basic.world.now)
    basic.says(
        **{"client_name": "Harbour Clinic", "client_name#zh-Hant": "海港診所", "client_name#zh-Hans": "海港诊所"},
        client_uri="https://clinic.example/",
        policy_uri="https://clinic.example/privacy/the-long-way-to-a-page-about-what-is-kept-of-whom",
        tos_uri="https://clinic.example/terms",
    )
    wanted = json.dumps({"userinfo": {"birthdate": {"essential": True}, "name": {"essential": True}}})
    uri = basic.kept(scope="openid profile email phone address offline_access", prompt="consent", claims=wanted)
    basic.world.log_in()
    cookie = basic.world.browser.cookies[settings.SESSION_COOKIE_NAME].value
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
        page.route(f"{CALLBACK}**", _application)
        page.goto(f"{base}/oidc/authorize?client_id={basic.client_id}&request_uri={uri}")
        photograph(page, f"consent-claims-{width}-{language}")
        assert page.locator("main").bounding_box()["width"] <= width  # type: ignore[index]
        page.get_by_label(label).uncheck()
        page.get_by_role("button", name=allow, exact=True).click()
        page.wait_for_url(f"{CALLBACK}**")
    told = Consent.objects.get().claims
    assert {"name", "birthdate", "address"} <= set(told) and "email" not in told


def _application(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>back</title><link rel=icon href='data:,'>")

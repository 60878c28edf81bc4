"""What only a browser can say: that the way from the login page to another authority is whole under the policy."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route, sync_playwright

from idp.federation.models import Peer
from tests.e2e.browser import chromium, photograph
from tests.oidc.relying_party import RelyingParty
from tests.oidc.test_authorities import INITIATE, MACAO, macao, party, to_login
from tests.oidc.world import World

__all__ = ["macao", "party"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
TEXTS = {
    "en": ("Resident of another territory?", "Macao Specimen"),
    "zh-hant": ("其他地區居民？", "澳門樣本"),
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("size", SIZES)
def test_the_choice_takes_the_browser_to_the_application(
    world: World, party: RelyingParty, macao: Peer, live_server: object, language: str, size: str
) -> None:
    """A page that is too wide for a phone, or a link that the policy of the page stops."""
    start = to_login(world)
    base = live_server.url  # type: ignore[attr-defined]
    complaints: list[str] = []
    link, name = TEXTS[language]
    width, height = SIZES[size]
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": "django_language", "value": language, "url": base}])
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: complaints.append(message.text))
        page.route(f"{INITIATE}**", _application)
        page.goto(base + start)
        photograph(page, f"login-{size}-{language}")
        page.get_by_role("link", name=link).click()
        photograph(page, f"authorities-{size}-{language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name=name).click()
        page.wait_for_url(f"{INITIATE}**")
        landed = page.url
    assert parse_qs(urlsplit(landed).query) == {"iss": [MACAO]}
    assert complaints == []


def _application(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>login</title><link rel=icon href='data:,'>")

"""What only a browser can say: the wizard is whole under the content security policy, wide and narrow."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, sync_playwright

from idp.accounts.roles import Role
from idp.federation import peering
from tests.e2e.browser import chromium, photograph
from tests.federation.peers import Peers
from tests.federation.recognition.conftest import Officers
from tests.federation.recognition.test_wizard import end_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_two_officers_recognise_a_peer_and_one_suspends_it(
    officer: Client, second: Client, officers: Officers, peers: Peers, live_server: object
) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    border = officers("border", Role.BORDER)
    with sync_playwright() as playwright, chromium(playwright) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        _as(context, officer, base)
        _proposed(page, base, peers)
        _as(context, second, base)
        page.reload()
        page.get_by_role("button", name="Approve").click()
        page.locator("form input[type=submit], form button[type=submit]").last.click()
        page.goto(f"{base}/admin/trust/")
        assert "one-sided" in page.locator(".trust tbody").inner_text()
        _photograph(page, "trust-peers", base)
        page.get_by_role("link", name="CN", exact=True).click()
        page.wait_for_url("**/trust/peers/*/")
        peer = page.url
        _photograph(page, "trust-peer", base)
        for name in ("renew", "terms", "end"):
            page.goto(f"{peer}{name}/")
            _photograph(page, f"trust-{name}", base)
        for name in ("marks", "marks/give"):
            page.goto(f"{base}/admin/trust/{name}/")
            _photograph(page, f"trust-{name.replace('/', '-')}", base)
        page.goto(f"{peer}suspend/")
        _photograph(page, "trust-suspend", base)
        page.get_by_label("why").fill("its keys were stolen")
        page.get_by_role("button", name="Suspend it now").click()
        page.wait_for_url(peer)
        assert page.locator(".standing").inner_text() == "suspended"
        assert complaints == []
        _as(context, border, base)
        for url in (f"{base}/admin/trust/", f"{base}/admin/trust/recognise/", peer, f"{peer}suspend/"):
            answer = page.goto(url)
            assert answer is not None and answer.status == 403
    assert all("403" in text for text in complaints)


def _proposed(page: Page, base: str, peers: Peers) -> None:
    """The first officer's way through the wizard, to the proposal."""
    page.goto(f"{base}/admin/trust/recognise/")
    _photograph(page, "trust-ask", base)
    page.get_by_label("Entity identifier").fill(peers.cn.entity_id)
    page.get_by_role("button", name="Ask it").click()
    page.get_by_label("Key 1").fill("0000 0000")
    page.get_by_label("Last day").fill("2030-06-30")
    page.get_by_label("Legal basis").fill("Arrangement on crossings, article 4")
    page.get_by_label("Contract number").fill("HK-CN-7")
    page.get_by_label("oauth_resource").uncheck()
    page.get_by_label("why").fill("the ministry asked for it")
    page.get_by_role("button", name="See what would change").click()
    assert "ends otherwise" in page.locator(".errorlist").inner_text()
    page.get_by_label("Key 1").fill(end_of(peers.cn.key.public))
    page.get_by_role("button", name="See what would change").click()
    shown = page.locator(".notice").inner_text()
    assert peering.fingerprints(peers.cn.keys)[peers.cn.key.public.thumbprint] in shown
    _photograph(page, "trust-recognise", "")
    page.get_by_role("button", name="Propose it").click()
    page.wait_for_url("**/proposals/proposal/*/change/")
    assert page.get_by_role("button", name="Approve").count() == 0
    _photograph(page, "trust-proposal", base)


def _as(context: BrowserContext, client: Client, base: str) -> None:
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])


def _photograph(page: Page, name: str, base: str) -> None:
    """Wide and narrow, and narrow in Chinese where the page can be asked for again (``base``)."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        photograph(page, f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    if base:
        page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": base}])
        page.reload()
        photograph(page, f"{name}-zh")
        page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "en", "url": base}])
        page.reload()
    page.set_viewport_size({"width": 1280, "height": 900})

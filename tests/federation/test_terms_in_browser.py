"""What only a browser can say: that the page about a peer is whole under the content security policy."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from idp.federation import peering
from idp.federation.models import Peer
from tests.e2e.browser import chromium
from tests.federation.conftest import OFFICER
from tests.federation.peers import Peers
from tests.federation.test_admin import LIST, officer

__all__ = ["officer"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_sets_a_period_and_reads_it(officer: Client, peers: Peers, live_server: object) -> None:
    """Django's own date widget is a script: a policy that stops it would leave officers to type seconds."""
    peer = peering.recognise(peering.propose(peers.cn.entity_id), officer=OFFICER)
    cookie = officer.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    base = live_server.url  # type: ignore[attr-defined]
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}{LIST}{peer.pk}/change/")
        _photograph(page, "terms-before")
        page.locator("#id_valid_until_0").fill("2030-06-30")
        page.locator("#id_valid_until_1").fill("00:00:00")
        page.get_by_label("Legal basis").fill("Arrangement on crossings, article 4")
        page.get_by_label("border_token_issuer").uncheck()
        page.get_by_role("button", name="Save and continue editing").click()
        page.wait_for_load_state()
        _photograph(page, "terms-after")
        assert page.locator(".errornote").count() == 0
        page.goto(f"{base}{LIST}")
        _photograph(page, "peers")
        assert "2030" in page.locator("#result_list").inner_text()
    agreed = Peer.objects.get(pk=peer.pk)
    assert agreed.valid_until == 1_908_979_200  # 2030-06-30 in Hong Kong
    assert "border_token_issuer" not in agreed.allowed_entity_types
    assert complaints == []


def _photograph(page: Page, name: str) -> None:
    folder = os.environ.get("CAUSEWAY_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

"""What only a browser can say: that rules are written, looked at and proposed under the content security policy."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.federation.models import Peer
from idp.proposals.models import Proposal
from tests.e2e.browser import chromium, photograph
from tests.office.trust.conftest import Trusted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_sees_what_would_change_and_proposes_it(
    trusted: Trusted, trust_officer: Any, live_server: object
) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    cookie = trust_officer.cookies[settings.SESSION_COOKIE_NAME].value
    peer = Peer.objects.get(entity_id=trusted.cn)
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{base}/admin/trust/policy/{peer.pk}/")
        page.get_by_role("button", name="More rules").click()
        page.wait_for_load_state()
        assert page.locator(".rule").count() == 4
        _rule(page, 0, "openid_provider", "acr_values_supported", "one_of", "x")
        _rule(page, 1, "openid_provider", "acr_values_supported", "add", "y")
        page.get_by_role("button", name="Show what would change").click()
        page.wait_for_load_state()
        photograph(page, "policy-refused", 1280, 390)
        assert "§6.1.3.1.4" in page.locator(".rules").inner_text()
        _rule(page, 0, "openid_provider", "id_token_signing_alg_values_supported", "superset_of", "RS256")
        page.locator("#id_rule-1-DELETE").check()
        page.get_by_label("border_token_issuer").uncheck()
        page.get_by_role("button", name="Show what would change").click()
        page.wait_for_load_state()
        photograph(page, "policy", 1280, 390)
        assert "would be refused" in page.locator("#effects").inner_text()
        page.get_by_label("why").fill("Arrangement, article 4")
        page.get_by_role("button", name="Propose it").click()
        page.wait_for_load_state()
        page.goto(f"{base}/admin/trust/policy/")
        photograph(page, "policies", 1280, 390)
        page.get_by_role("link", name="Arrangement, article 4").click()
        page.wait_for_load_state()
        photograph(page, "policy-proposal", 1280, 390)
        last = page.url
        page.set_viewport_size({"width": 390, "height": 844})
        for url in (f"{base}/admin/trust/policy/", f"{base}/admin/trust/policy/{peer.pk}/", last):
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, url
    assert complaints == []
    assert Proposal.objects.get().subject == trusted.cn


def _rule(page: Page, place: int, entity_type: str, parameter: str, operator: str, text: str) -> None:
    page.locator(f"#id_rule-{place}-entity_type").select_option(entity_type)
    page.locator(f"#id_rule-{place}-parameter").fill(parameter)
    page.locator(f"#id_rule-{place}-operator").select_option(operator)
    page.locator(f"#id_rule-{place}-text").fill(text)

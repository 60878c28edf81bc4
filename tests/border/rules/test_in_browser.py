"""What only a browser can say: that the buttons of a proposal send what the admin site's actions read."""

import json

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from idp.accounts.models import Account
from idp.border.models import RuleVersion
from idp.proposals.models import Proposal
from tests.border.rules.conftest import RULE
from tests.border.test_admin import browser
from tests.border.world import World
from tests.e2e.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_one_officer_proposes_and_another_approves(world: World, live_server: object) -> None:
    """Buttons that lie in another form, or that the content security policy stops, would do nothing."""
    first, second = (browser(Account.objects.create_superuser(name, "x")) for name in ("first", "second"))
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]

    def seated(client: Client) -> Page:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        return page

    with sync_playwright() as playwright, chromium(playwright) as context:
        page = seated(first)
        page.goto(f"{base}/admin/border/ruleversion/add/")
        page.locator("#id_rule").fill(json.dumps(RULE))
        page.locator("#id_why").fill("the gazette says so")
        page.get_by_role("button", name="See what would change").click()
        assert "until 2027-02-15 → until 2027-02-06" in page.locator("#content").inner_text()
        page.get_by_role("button", name="Propose it").click()
        page.wait_for_url("**/proposals/proposal/*/change/")
        proposal = page.url
        page.close()
        page = seated(second)
        page.goto(proposal)
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("button", name="Approve the selected proposals").click()
        page.wait_for_url("**/proposals/proposal/")
        assert "approved" in page.locator("#result_list").inner_text()
    assert RuleVersion.objects.get(rule=RULE["id"]).proposal == Proposal.objects.get(state="approved")
    assert complaints == []

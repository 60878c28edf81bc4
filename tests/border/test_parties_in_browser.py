"""What only a browser can say: the pages of relying parties are whole under the content security policy, and narrow."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp.accounts import granting
from idp.accounts.models import Account
from idp.accounts.roles import Role
from idp.oidc.models import Client, Consent
from tests.border.test_admin import browser
from tests.border.test_wallet_pages import WALLET
from tests.border.world import World
from tests.e2e.browser import chromium, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_officer_goes_from_all_parties_to_one_and_stops_it(world: World, live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    assert world.ask().status_code == 201
    jwks = {"keys": [world.phone.public.jwk()]}
    attested = {**WALLET, "token_endpoint_auth_method": "attest_jwt_client_auth", "jwks": jwks, "scope": "openid"}
    Client.objects.filter(pk=world.client.pk).update(metadata=attested)
    facts = {"registration": "admin", "sector": "s", "created_at": world.now}
    clinic = {"client_name": "Harbour Clinic", "redirect_uris": ["https://clinic.example/callback"]}
    row = Client.objects.create(client_id="clinic", profile="basic", secret_hash="0" * 64, metadata=clinic, **facts)
    Consent.objects.create(traveller=world.traveller, client=row, since_at=world.now, given_at=world.now)
    account = Account.objects.create_user("trust", kind="officer", is_staff=True)
    granting.grant(account=account, role=Role.TRUST, actor="console", now=5)
    cookie = browser(account).cookies[settings.SESSION_COOKIE_NAME].value
    with sync_playwright() as playwright, chromium(playwright) as context:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        for path, name in (("", "parties"), ("wallets/", "wallets"), ("attesters/", "attesters")):
            page.goto(f"{base}/admin/parties/{path}")
            _photograph(page, name)
        page.goto(f"{base}/admin/parties/")
        page.get_by_role("link", name="Harbour Clinic").click()
        _photograph(page, "party")
        page.get_by_role("button", name="Disable").click()
        page.locator("#content input[type=submit]").click()
        page.goto(f"{base}/admin/parties/{row.pk}/")
        assert "stopped by an officer" in page.locator("#content").inner_text()
    assert complaints == []


def _photograph(page: Page, name: str) -> None:
    """Also as narrow as a telephone, where nothing may be cut off."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    photograph(page, f"{name}-narrow")
    page.set_viewport_size({"width": 1280, "height": 900})
    photograph(page, name)

"""What only a browser can say: that the pages about officers are whole under the policy, wide and narrow."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from idp import clock
from idp.accounts import invitations
from idp.accounts.models import Account
from idp.accounts.roles import Role
from tests.accounts.test_roles import officer
from tests.border.world import browser
from tests.e2e.browser import chromium, photograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cookies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions of two trust officers and an auditor."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
    held = {"first.chief": [Role.TRUST], "second.chief": [Role.TRUST], "reader": [Role.AUDITOR]}
    accounts = [officer(name, *roles) for name, roles in held.items()]
    other = officer("border.with-a-long-name-of-an-officer", *(role for role in Role if role is not Role.TRUST))
    invitations.invite(account=other, actor="console", now=clock.now())
    return [browser(account).cookies[settings.SESSION_COOKIE_NAME].value for account in accounts]


def test_two_officers_make_a_third_and_an_auditor_only_reads(cookies: list[str], live_server: object) -> None:
    base, complaints = live_server.url, list[str]()  # type: ignore[attr-defined]
    with sync_playwright() as playwright, chromium(playwright) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        _become(page, base, cookies[0])
        page.goto(f"{base}/admin/officers/")
        _photograph(page, "list")
        page.get_by_role("link", name="Propose a new officer").click()
        page.get_by_label("User name").fill("newcomer")
        page.get_by_label("auditor").check()
        page.get_by_label("why").fill("She was hired for the audit.")
        _photograph(page, "new")
        page.get_by_role("button", name="Propose the officer").click()
        page.wait_for_url("**/admin/proposals/proposal/*/change/")
        proposal = page.url
        _become(page, base, cookies[1])
        page.goto(proposal)
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("button", name="Approve the selected proposals").click()
        assert "/admin/enrol/" in page.locator(".notice code").inner_text()
        _photograph(page, "handed-over")
        number = Account.objects.get(username="newcomer").pk
        for path, name in (("", "one"), ("change/", "change"), ("recover/", "recover")):
            page.goto(f"{base}/admin/officers/{number}/{path}")
            _photograph(page, name)
        _narrow_and_in_chinese(page, base, number)
        _become(page, base, cookies[2])
        page.goto(f"{base}/admin/officers/")
        assert page.locator("a.button").count() == 0
        assert page.goto(f"{base}/admin/officers/new/").status == 403  # type: ignore[union-attr]
    assert [item for item in complaints if "403" not in item] == []


def _become(page: Page, base: str, cookie: str) -> None:
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])


def _narrow_and_in_chinese(page: Page, base: str, number: int) -> None:
    page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": base}])
    page.set_viewport_size({"width": 390, "height": 844})
    for path, name in (("", "list"), ("new/", "new"), (f"{number}/", "one"), (f"{number}/change/", "change")):
        page.goto(f"{base}/admin/officers/{path}")
        _photograph(page, f"{name}-narrow")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def _photograph(page: Page, name: str) -> None:
    photograph(page, f"officers-{name}")

"""Every page of the admin site in a real Chromium: nothing breaks the content security policy, and axe finds nothing.

axe-core (Deque, MPL-2.0) is not ours and not in the repository: a development package carries it. It is given to the
page by the debugger, past the policy that forbids the page to load it.
"""

from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from idp.accounts.models import Account
from idp.audit import looking
from tests.border.world import World, browser
from tests.e2e.browser import chromium
from tests.office.crawl import addresses
from tests.office.inhabited import full, inhabited

__all__ = ["full", "inhabited"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
# The menu is the same on each page, and looked at on the first alone.
RUN = """async (menu) => {
  const where = menu ? document : {exclude: ["#nav-sidebar"]};
  const found = await axe.run(where, {resultTypes: ["violations"], preload: false});
  return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""


@pytest.fixture
def officer(inhabited: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in this thread
    return browser(Account.objects.create_superuser("everything"))


def test_a_page_breaks_the_policy_or_keeps_somebody_out(
    officer: Client, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, wrong, told = live_server.url, dict[str, list[str]](), list[str]()
    with sync_playwright() as playwright, chromium(playwright) as context:
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        login = [f"{base}/admin/login/", f"{base}/admin/enrol/nothing/"]
        _look(page, login, wrong, told)
        session = officer.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
        _look(page, [f"{base}/admin/accounts/traveller/"], wrong, told)  # which asks why
        given = SimpleNamespace(reason="referral", case="", words="")
        monkeypatch.setattr(looking, "_given", lambda request, subject: given)
        _look(page, [base + path for path in addresses(officer)], wrong, told)
    assert not wrong, "\n".join(f"{url}: {item}" for url, items in wrong.items() for item in items)


def _look(page: Page, urls: list[str], wrong: dict[str, list[str]], told: list[str]) -> None:
    for number, url in enumerate(urls):
        told.clear()
        answer = page.goto(url)
        page.evaluate(AXE)
        found = [*page.evaluate(RUN, number == 0), *(item for item in told if "404" not in item)]
        if answer is None or answer.status >= 500:
            found.append("no answer")
        if found:
            wrong[url] = found

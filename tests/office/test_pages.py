"""The site's own pages: who finds them, and who is kept out."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from idp import admin as site
from idp.accounts.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_these_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    reverse("admin:index")  # the site's addresses are made once: not from these pages, or later tests find no others
    monkeypatch.setattr(site, "_PAGES", [])
    for name, permission in (("looked_at", "audit.view_auditevent"), ("kept", "federation.view_peer")):
        site.page(f"{name}/", name=name, title=name, section="audit", permission=permission)(
            lambda request: HttpResponse("shown")
        )
    monkeypatch.setattr("idp.admin.reverse", lambda name: f"/admin/{name}/")


@pytest.fixture
def request_of_an_auditor(rf: RequestFactory) -> HttpRequest:
    account = Account.objects.create_user("auditor", is_staff=True, kind=Account.Kind.OFFICER)
    account.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    request = rf.get("/admin/")
    request.user = account
    return request


def test_a_page_opens_for_an_officer_without_its_permission(request_of_an_auditor: HttpRequest) -> None:
    allowed, kept = (site._permitted(item) for item in site.pages())
    assert allowed(request_of_an_auditor).content == b"shown"
    with pytest.raises(PermissionDenied):
        kept(request_of_an_auditor)


def test_the_menu_names_a_page_that_the_officer_may_not_see(request_of_an_auditor: HttpRequest) -> None:
    sections = [room for room in admin.site.get_app_list(request_of_an_auditor) if room["app_label"] == "section-audit"]
    assert [entry["name"] for room in sections for entry in room["models"]] == ["looked_at"]


def test_a_page_outside_the_closed_list_of_sections_hides() -> None:
    site.page("x/", name="x", title="x", section="elsewhere", permission="audit.view_auditevent")(HttpResponse)
    with pytest.raises(ValueError, match="elsewhere"):
        site.pages()

"""The page of what waits for an officer."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from idp import admin as site
from idp import clock
from idp.accounts.roles import Role, with_permission
from idp.audit.admin_actions import officer_of
from idp.federation.columns import shown
from idp.office import work_lists
from idp.office.work_lists import Officer, Waiting


def of(request: HttpRequest) -> Iterable[Waiting]:
    """What waits for the officer of this request."""
    return work_lists.waiting(Officer(officer_of(request), request.user.has_perm), now=clock.now())


@site.page("waits/", name="office_work", title=_("What waits"), section="work", permission="")
def work(request: HttpRequest) -> HttpResponseBase:
    """Every kind of work that the officer may do, what waits first."""
    found = sorted(of(request), key=lambda item: item.count == 0)
    rows = [(item, shown(item.oldest), _url(item), _who(item)) for item in found]
    return site.rendered(request, "office/work.html", title=_("What waits"), rows=rows)


def _who(item: Waiting) -> str:
    """The roles that may do it, in words."""
    held = with_permission(item.kind.permission)
    return ", ".join(str(role.label) for role in Role if role in held)


def _url(item: Waiting) -> str:
    return f"{reverse(item.kind.page)}?{item.kind.query}".rstrip("?")

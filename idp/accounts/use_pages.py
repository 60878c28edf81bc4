"""The page of uses: for the traveller, and for officers who want to know what the traveller reads there."""

import datetime
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from idp import admin as site
from idp import clock
from idp.accounts import uses
from idp.accounts.models import Traveller
from idp.accounts.pages import logged_in
from idp.accounts.sessions import Authenticated
from idp.audit import looking
from idp.audit.looking import Look
from idp.audit.reading import Shown

PER_PAGE = 50
ZONE = datetime.timezone(datetime.timedelta(hours=8))  # of the three territories
_LAST = 253_370_736_000  # 9999-01-01


@never_cache
@require_GET
@logged_in
def own(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Everything that was done with the traveller's data, the newest first."""
    if authenticated.traveller is None:
        raise RuntimeError("who is logged in here is a traveller")
    return render(request, "accounts/uses.html", _context(request, authenticated.traveller))


@site.page(
    "travellers/<uuid:traveller_id>/uses/",
    name="traveller_uses",
    title=_("What the traveller sees"),
    section="audit",
    permission="accounts.view_traveller",
    listed=False,
)
@require_GET
def seen_by_traveller(request: HttpRequest, traveller_id: UUID) -> HttpResponseBase:
    """The same content, for an officer with a reason. What is withheld from the traveller is not here either."""
    traveller = get_object_or_404(Traveller, pk=traveller_id)
    name = f"traveller:{traveller.pk}"
    look = Look(name, "uses", (Shown.USES, Shown.CROSSINGS, Shown.ACCOUNT), ("uses",), (name,))
    title = _("What the traveller sees")
    with transaction.atomic():
        context = _context(request, traveller)
        return looking.shown(
            request, look, lambda: site.rendered(request, "accounts/uses_seen.html", title=title, **context)
        )


def _context(request: HttpRequest, traveller: Traveller) -> dict[str, Any]:
    text, now = request.GET.get("before", ""), clock.now()
    before = min(int(text), _LAST) if text.isascii() and text.isdecimal() and len(text) < 16 else _LAST
    group = request.GET.get("of", "")
    group = group if group in uses.GROUPS else ""
    found, older = uses.of(traveller=traveller, now=now, before=before, limit=PER_PAGE, group=group)
    groups = [("", _("Everything")), *uses.GROUPS.items()]
    return {"uses": _rows(found, traveller), "older": older, "group": group, "groups": groups, "traveller": traveller}


def _rows(found: Iterable[uses.Use], traveller: Traveller) -> list[dict[str, Any]]:
    return [
        {"use": use, "at": datetime.datetime.fromtimestamp(use.at, ZONE), "child": use.whose != traveller.pk}
        for use in found
    ]

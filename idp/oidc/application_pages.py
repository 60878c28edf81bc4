"""The page on which a traveller sees what applications are told, and takes it back."""

import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from idp import clock
from idp.accounts.pages import logged_in
from idp.accounts.sessions import Authenticated
from idp.oidc import applications, client_presentation, consent_lines, resources
from idp.oidc.applications import Application
from idp.oidc.models import Client

NAME = "applications"  # of the page's URL; the account page looks for it
TICKED = "claim"


@never_cache
@require_GET
@logged_in
def show(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Every application of the traveller's."""
    found = applications.of(traveller=authenticated.traveller)
    return render(request, "oidc/applications.html", {"applications": [_entry(item) for item in found]})


@require_POST
@logged_in
def tell_only(request: HttpRequest, authenticated: Authenticated, client_pk: int) -> HttpResponse:
    """Take back the claims whose ticks were taken away."""
    client = get_object_or_404(Client, pk=client_pk)
    try:
        names = request.POST.getlist(TICKED)
        applications.tell_only(traveller=authenticated.traveller, client=client, names=names)
    except applications.UnableToRevoke as error:
        raise Http404 from error
    messages.success(
        request, _("%(name)s is told only what is ticked.") % {"name": client_presentation.of(client).name}
    )
    return redirect(NAME)


@require_POST
@logged_in
def revoke(request: HttpRequest, authenticated: Authenticated, client_pk: int) -> HttpResponse:
    """Take everything back from one. The session is enough: it gives nothing away, and must not be hard."""
    client = get_object_or_404(Client, pk=client_pk)
    try:
        applications.revoke(traveller=authenticated.traveller, client=client, now=clock.now())
    except applications.UnableToRevoke as error:
        raise Http404 from error
    name = client_presentation.of(client).name
    messages.success(request, _("%(name)s has no access any more. It must ask you again.") % {"name": name})
    return redirect(NAME)


def _entry(item: Application) -> dict[str, Any]:
    return {
        "pk": item.client.pk,
        "client": client_presentation.of(item.client),
        "disabled": item.client.disabled,
        "claims": consent_lines.agreed(item.claims),
        "lasting": "offline_access" in item.scopes,
        "resources": resources.others(item.resources),
        "fetches": item.fetches,
        "since": _moment(item.since),
        "last_used": _moment(item.last_used),
    }


def _moment(at: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, tz=datetime.UTC)

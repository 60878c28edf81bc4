"""The page on which travellers see their border tokens, and those of their children, and take them back."""

import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from idp import clock
from idp.accounts import guardians
from idp.accounts.models import Traveller
from idp.accounts.pages import logged_in
from idp.accounts.sessions import Authenticated
from idp.border import revocation
from idp.border.models import IssuedToken, RevocationReason

NAME = "border-tokens"  # of the page's URL; the account page looks for it


@never_cache
@require_GET
@logged_in
def show(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Every token that is good now, the first to end first."""
    living = _living(authenticated.traveller, clock.now()).order_by("expires_at", "pk")
    return render(request, "border/tokens.html", {"tokens": [_entry(token) for token in living]})


@require_POST
@logged_in
def revoke(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Take one back, or all. The session is enough: it gives nothing away, and must not be hard."""
    now, tokens = clock.now(), _living(authenticated.traveller, clock.now())
    if "jti" in request.POST:
        jti = request.POST["jti"]
        tokens = tokens.filter(jti=jti) if jti.isprintable() else tokens.none()
    actor = f"traveller:{authenticated.traveller.pk}"
    count = revocation.revoke(tokens=tokens, actor=actor, reason=RevocationReason.HOLDER, now=now)
    if count:
        text = ngettext("%d border token was taken back.", "%d border tokens were taken back.", count) % count
        messages.success(request, text)
    else:
        messages.error(request, _("There is no such border token, or it is not good any more."))
    return redirect(NAME)


def _living(traveller: Traveller, now: int) -> QuerySet[IssuedToken]:
    holders = guardians.answered_for(traveller=traveller, now=now)
    return IssuedToken.objects.filter(traveller__in=holders, revoked_at=None, expires_at__gt=now)


def _entry(token: IssuedToken) -> dict[str, Any]:
    return {
        "jti": token.jti,
        "checkpoint": token.checkpoint.partition("//")[2],
        "direction": token.direction,
        "until": datetime.datetime.fromtimestamp(token.expires_at, tz=datetime.UTC),
        "suspended": token.suspended_at is not None,
    }

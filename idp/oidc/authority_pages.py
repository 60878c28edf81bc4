"""The page on which a traveller says where the documents were issued."""

import logging
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from idp import clock
from idp.accounts.context import in_language
from idp.oidc import client_metadata, home_authorities
from idp.oidc.errors import OAuthError
from idp.oidc.home_authorities import HomeAuthority
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)


@never_cache
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Links to the client, each with another issuer. Whoever is logged in here plays no part in it."""
    now = clock.now()
    try:
        asked = home_authorities.initiation(dict(request.GET.lists()), now=now)
    except OAuthError as error:
        return _error_page(request, error)
    except Unavailable as error:
        return _error_page(request, OAuthError("temporarily_unavailable", str(error)))
    language = get_language() or "en"
    choices = [
        {
            "name": _name(authority, language),
            "host": urlsplit(authority.entity_id).netloc,
            "url": asked.url(authority.entity_id),
        }
        for authority in home_authorities.offered(now=now)
    ]
    context = {"client_name": client_metadata.name(asked.client, language), "choices": choices}
    return render(request, "oidc/authorities.html", context)


def _name(authority: HomeAuthority, language: str) -> str:
    return in_language(authority.names, language) if authority.names else authority.entity_id


def _error_page(request: HttpRequest, error: OAuthError) -> HttpResponse:
    """A page and never a redirect: nobody knows who sent the browser here."""
    log.info("%s: %s", error.error, error.detail)
    return render(request, "oidc/error.html", {"code": error.wire}, status=error.status)

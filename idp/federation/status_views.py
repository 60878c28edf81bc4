"""Status lists over HTTP: readable by anybody, also by web pages (Token Status List §8, §9)."""

import re

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.gzip import gzip_page

from idp import clock, conf
from idp.federation import signing, status_lists
from idp.federation.answers import document, one, signed
from idp.federation.errors import FederationError
from idp.protocol.status_list import sign_jwt
from idp.protocol.status_list_cwt import TYP as CWT
from idp.protocol.status_list_cwt import sign_cwt

JWT = "application/statuslist+jwt"
_SECONDS = re.compile(r"[0-9]{1,15}\Z", re.ASCII)


@gzip_page  # §8.2, for those who ask for it; there is nothing secret in it
@document
def status_list(request: HttpRequest, name: str) -> HttpResponse:
    """A status list, as JWT or, where that is preferred, as CWT; with ``time``, as it was then (§8.4)."""
    form = request.get_preferred_type([JWT, CWT])
    if form is None:
        raise FederationError("invalid_request", f"there is {JWT} and {CWT}", status=406)
    uri, now = conf.authority().url(f"/status/{name}"), clock.now()
    try:
        text = _past(uri, one(request.GET, "time"), form, now) if "time" in request.GET else _present(uri, form, now)
    except status_lists.UnableToSetStatus as error:
        raise FederationError("not_found", "no such status list, or not at that time") from error
    except status_lists.NoHistory as error:
        raise FederationError("invalid_request", "no history is kept", status=501) from error
    response = signed(request, text, form)
    response["Access-Control-Allow-Origin"] = "*"
    patch_vary_headers(response, ["Accept"])
    return response


@document
def aggregation(request: HttpRequest) -> HttpResponse:
    """Every status list in which a token may still live (§9)."""
    return JsonResponse(
        {"status_lists": status_lists.live(clock.now())},
        headers={"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"},
    )


def _present(uri: str, form: str, now: int) -> str | bytes:
    return status_lists.published_cwt(uri, now) if form == CWT else status_lists.published(uri, now)


def _past(uri: str, time: str, form: str, now: int) -> str | bytes:
    if not _SECONDS.match(time):
        raise FederationError("invalid_request", "time is a number of seconds since 1970")
    contents = status_lists.published_at(uri, int(time), now=now)
    key = signing.private_key("status")
    return sign_cwt(contents, key) if form == CWT else sign_jwt(contents, key)

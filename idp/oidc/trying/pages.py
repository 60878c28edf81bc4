"""The page on which an officer tries the login, what its script asks for, and where its traveller comes back to."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from idp import admin as site
from idp import clock, conf
from idp.audit.admin_actions import officer_of
from idp.oidc import client_metadata
from idp.oidc.models import Client
from idp.oidc.parties import describing
from idp.oidc.trying import trials, window, words
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

TITLE, PERMISSION = _("Try the login"), "oidc.add_client"
SCRIPTS: Any = {"title": TITLE, "section": "parties", "permission": PERMISSION, "listed": False}
MOST = 200  # clients to choose from
MAX_BODY = 4096  # bytes: a public key and two names


@site.page("parties/try-it/", name="try-it", title=TITLE, section="parties", permission=PERMISSION)
def show(request: HttpRequest) -> HttpResponseBase:
    """The page. All that it does is done by its script, with the node's own endpoints."""
    language = get_language() or "en"
    clients = Client.objects.filter(disabled=False).exclude(registration=Client.Registration.TRIAL)
    return site.rendered(
        request,
        "oidc/trying/page.html",
        title=TITLE,
        profiles=[(name, title) for name, (title, _means) in describing.profiles().items()],
        clients=[
            (client.pk, client_metadata.name(client, language)) for client in clients.order_by("client_id")[:MOST]
        ],
        chosen=request.GET.get("like", ""),
        issuer=conf.authority().entity_id,
        begin=reverse("admin:try-it-begin"),
        end=reverse("admin:try-it-end"),
        words=json.dumps(words.catalogue(), ensure_ascii=False),
        mistakes=words.mistakes(),
        scopes=words.scopes(),
    )


@site.page(
    "parties/try-it/begin/", name="try-it-begin", title=TITLE, section="parties", permission=PERMISSION, listed=False
)
@never_cache
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """The script's key becomes a client: ``{"profile", "like", "jwk"}`` to ``{"client_id", …}``."""
    try:
        sent = _read(request)
        like = Client.objects.filter(pk=sent["like"]).first() if isinstance(sent.get("like"), int) else None
        facts = {"profile": str(sent.get("profile", "")), "like": like, "jwk": sent.get("jwk")}
        made = trials.begin(**facts, officer=officer_of(request), now=clock.now())
    except trials.UnableToTry as error:
        return JsonResponse({"error": str(error)}, status=400)
    response = JsonResponse(
        {
            "client_id": made.client_id,
            "profile": made.profile,
            "expires_at": made.expires_at,
            "redirect_uri": made.metadata["redirect_uris"][0],
            "signs": made.profile == Client.Profile.FEDERATION
            or made.metadata.get("require_signed_request_object") is True,
        }
    )
    window.open_in(response, request=request)
    return response


@site.page(
    "parties/try-it/end/", name="try-it-end", title=TITLE, section="parties", permission=PERMISSION, listed=False
)
@never_cache
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Forget the client, what it was given, and the window's session."""
    try:
        row = trials.own(str(_read(request).get("client_id", "")), officer=officer_of(request))
        trials.end(client=row, actor=officer_of(request), now=clock.now())
    except trials.UnableToTry as error:
        return JsonResponse({"error": str(error)}, status=400)
    response = JsonResponse({})
    window.close_in(response, request=request)
    return response


@never_cache
@require_GET
def returned(request: HttpRequest) -> HttpResponse:
    """Where the window ends: its script hands the answer to the officer's page. The server keeps nothing of it."""
    return render(request, "oidc/trying/returned.html")


def _read(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise trials.UnableToTry("too much")
    try:
        return strict_json.loads_object(request.body)
    except Refusal as error:
        raise trials.UnableToTry("not a JSON object") from error

"""The rim of this room: HTTP in, one domain call, HTTP out."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_supported_language_variant
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from idp import clock
from idp.accounts import sessions
from idp.accounts.models import Traveller
from idp.accounts.sessions import Authenticated
from idp.oidc import (
    attestation,
    authorization,
    authorization_details,
    by_value,
    client_presentation,
    consent_lines,
    errors,
    explicit_registration,
    form,
    home_authorities,
    metadata,
    pushing,
    resources,
    server,
)
from idp.oidc.authorization import Undeliverable
from idp.oidc.errors import OAuthError
from idp.oidc.models import PushedRequest
from idp.oidc.responses import Redirect, Reply
from idp.protocol import registration_response, strict_json
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)
CHOICE = "choice-"  # before the name of a consent page's choice, so that none can pass for another field
CLAIM = "claim-"  # the same before a claim's
METADATA_AGE = 300  # seconds that clients may keep our metadata; keys are published for days before they sign


def machine(view: Callable[..., Any]) -> Callable[..., HttpResponseBase]:
    """A view for machines: no CSRF token, OAuth errors as JSON, nothing kept by caches."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, **captured: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = view(request, **captured)
        except OAuthError as error:
            return errors.response(error)
        except Unavailable as error:
            return errors.response(OAuthError("temporarily_unavailable", str(error)))
        response["Cache-Control"] = "no-store"
        return response

    return answer


@machine
def par(request: HttpRequest) -> HttpResponse:
    """RFC 9126 §2."""
    return _answer(pushing.push(request, now=clock.now()), status=201)


@machine
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.2."""
    return _answer(server.token_response(form.read(request).full(), http=request, now=clock.now()))


@machine
def federation_registration(request: HttpRequest) -> HttpResponse:
    """OpenID Federation 1.0 §12.2."""
    if request.method != "POST":
        raise OAuthError("method_not_allowed", str(request.method))
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > explicit_registration.MAX_BODY:
        raise OAuthError("too_large", "body")
    text = explicit_registration.register(str(request.content_type), request.body, now=clock.now())
    return HttpResponse(text, content_type=registration_response.MEDIA_TYPE)


@machine
def attestation_challenge(request: HttpRequest) -> HttpResponse:
    """Attestation-based client authentication §6.1."""
    if request.method != "POST":
        raise OAuthError("method_not_allowed", str(request.method))
    return JsonResponse({"attestation_challenge": attestation.challenge(now=clock.now())})


@csrf_exempt  # else a POST is answered by Django's page about cookies
@require_GET
def jwks(request: HttpRequest) -> HttpResponse:
    """The keys of access and id tokens, and the one that requests are encrypted to (RFC 7517 §5)."""
    return _public(metadata.jwks(), content_type="application/jwk-set+json")


@csrf_exempt
@require_GET
def openid_configuration(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Discovery §4."""
    return _public(metadata.published(metadata.openid_provider()))


@csrf_exempt
@require_GET
def authorization_server(request: HttpRequest) -> HttpResponse:
    """RFC 8414 §3."""
    return _public(metadata.published(metadata.oauth_authorization_server()))


@never_cache
@csrf_exempt  # a relying party's page posts here; nothing is done but to keep its request and to send the browser on
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponseBase:
    """The authorization endpoint: to the login, or to the consent page (RFC 9126 §4, OpenID Connect Core §3.1.2.1)."""
    now = clock.now()
    try:
        query = _query(request)
        if "request_uri" not in query or "request" in query:
            return _reply(request, by_value.accept(query, now=now))
        pushed = authorization.opened(query, now=now)
        if request.method == "POST":
            return _leave(_authorize_url(request.POST))
        return _next_page(request, pushed, now=now)
    except Undeliverable as error:
        return _error_page(request, error.error)
    except OAuthError as error:
        return _error_page(request, error)
    except Unavailable as error:
        return _error_page(request, OAuthError("temporarily_unavailable", str(error)))


@never_cache
@require_POST
def consent(request: HttpRequest) -> HttpResponseBase:
    """The traveller's decision; the CSRF token is of the session that was shown the page."""
    now = clock.now()
    try:
        pushed = authorization.opened(dict(request.POST.lists()), now=now)
        who = sessions.authentication(request)
        if who is None or who.traveller is None or authorization.login_needed(pushed, who, now=now) is not None:
            return _leave(_authorize_url(request.POST))
        return _reply(request, _decision(request, pushed, who, who.traveller, now=now))
    except Undeliverable as error:
        return _error_page(request, error.error)
    except Unavailable as error:  # nothing was decided: the page before may be sent again
        return _error_page(request, OAuthError("temporarily_unavailable", str(error)))


def _query(request: HttpRequest) -> dict[str, list[str]]:
    """The parameters of the query, or of the form; raises `OAuthError` for a form that is not one."""
    if request.method == "POST":
        sent = form.read(request).full()
        return {name: value if isinstance(value, list) else [value] for name, value in sent.items()}
    return dict(request.GET.lists())


def _next_page(request: HttpRequest, pushed: PushedRequest, *, now: int) -> HttpResponseBase:
    who = sessions.authentication(request)
    needed = authorization.login_needed(pushed, who, now=now)
    if authorization.is_silent(pushed):
        return _reply(request, _silent(pushed, who, is_login_needed=needed is not None, now=now))
    if needed is not None:
        query = {
            "next": _authorize_url(request.GET),
            "acr": needed.acr,
            "login_hint": needed.username,
            "elsewhere": _elsewhere(pushed),
        }
        kept = {name: value for name, value in query.items() if value}
        return _speaking(pushed, _leave(f"{settings.LOGIN_URL}?{urlencode(kept)}"))
    if who is None or who.traveller is None:
        return _error_page(request, OAuthError("access_denied", "not a traveller's account"))
    if not authorization.needs_consent(pushed, who.traveller):
        return _reply(request, _allowed_before(pushed, who, who.traveller, now=now))
    return _consent_page(request, pushed, who, who.traveller, now=now)


def _elsewhere(pushed: PushedRequest) -> str:
    """Where residents of another territory go on, when the client can be sent to their authority."""
    if not home_authorities.serves(pushed.client):
        return ""
    return f"{reverse('oidc-authorities')}?{urlencode({'client_id': pushed.client.client_id})}"


def _silent(pushed: PushedRequest, who: Authenticated | None, *, is_login_needed: bool, now: int) -> Reply:
    """``prompt=none``: an answer without any page (OpenID Connect Core §3.1.2.6)."""
    if is_login_needed or who is None or who.traveller is None:
        return authorization.refuse(pushed=pushed, error="login_required", actor="node", now=now)
    if authorization.needs_consent(pushed, who.traveller):
        return authorization.refuse(pushed=pushed, error="consent_required", actor="node", now=now)
    return _allowed_before(pushed, who, who.traveller, now=now)


def _allowed_before(pushed: PushedRequest, who: Authenticated, traveller: Traveller, *, now: int) -> Reply:
    return authorization.allow(pushed=pushed, who=who, traveller=traveller, choices={}, ticked=None, now=now)


def _consent_page(
    request: HttpRequest, pushed: PushedRequest, who: Authenticated, traveller: Traveller, *, now: int
) -> HttpResponseBase:
    details = pushed.parameters.get("authorization_details", [])
    try:
        lines = authorization_details.describe(details, traveller)
    except OAuthError as error:
        log.info("%s: %s", error.error, error.detail)
        refused = authorization.refuse(pushed=pushed, error=error.error, actor=_actor(traveller), now=now)
        return _reply(request, refused)
    response = render(
        request,
        "oidc/consent.html",
        {
            "client": client_presentation.of(pushed.client, redirect_uri=pushed.parameters["redirect_uri"]),
            "account": who.account,
            "phone": pushed.client.is_wallet,  # the grant can be ended with it
            "lines": [line for line in lines if isinstance(line, authorization_details.Line)],
            "choices": [line for line in lines if isinstance(line, authorization_details.Choice)],
            "scopes": pushed.parameters.get("scope", "").split(),
            "claims": consent_lines.asked(pushed.parameters, traveller, now=now),
            "resources": resources.others(pushed.parameters.get("resource", [])),
            "fields": {"client_id": pushed.client.client_id, "request_uri": request.GET["request_uri"]},
            "choice_prefix": CHOICE,
            "claim_prefix": CLAIM,
        },
    )
    # Chromium applies form-action to the redirect after the form too: it must be allowed to go back to the client.
    response._csp_update = {"form-action": [_source(pushed.parameters["redirect_uri"])]}  # type: ignore[attr-defined]
    return response


def _decision(
    request: HttpRequest, pushed: PushedRequest, who: Authenticated, traveller: Traveller, *, now: int
) -> Reply:
    if request.POST.get("decision") != "allow":
        return authorization.refuse(pushed=pushed, error="access_denied", actor=_actor(traveller), now=now)
    try:
        return authorization.allow(
            pushed=pushed,
            who=who,
            traveller=traveller,
            choices=_fields(request, CHOICE),
            ticked=_fields(request, CLAIM).keys(),
            now=now,
        )
    except OAuthError as error:  # rolled back: the request is still open, and is now answered with the error
        log.info("%s: %s", error.error, error.detail)
        return authorization.refuse(pushed=pushed, error=error.error, actor=_actor(traveller), now=now)


def _fields(request: HttpRequest, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): str(value) for name, value in request.POST.items() if name.startswith(prefix)}


def _error_page(request: HttpRequest, error: OAuthError) -> HttpResponse:
    """A page and never a redirect: whoever sent this may have sent the redirect URI too (Federation §12.1.3)."""
    log.info("%s: %s", error.error, error.detail)
    return render(request, "oidc/error.html", {"code": error.wire}, status=error.status)


def _leave(location: str) -> HttpResponse:
    """303: the browser comes with GET and without the form (RFC 9700 §4.12)."""
    return HttpResponse(status=303, headers={"Location": location})


def _reply(request: HttpRequest, reply: Reply) -> HttpResponseBase:
    """To the client: a redirect, or a page whose form posts itself."""
    if isinstance(reply, Redirect):
        return _leave(reply.location)
    response = render(request, "oidc/form_post.html", {"action": reply.action, "fields": reply.fields})
    response._csp_update = {"form-action": [_source(reply.action)]}  # type: ignore[attr-defined]
    return response


def _speaking(pushed: PushedRequest, response: HttpResponse) -> HttpResponse:
    """The pages that follow in a language that the client asked for (OpenID Connect Core §3.1.2.1)."""
    for tag in pushed.parameters.get("ui_locales", "").split():
        with suppress(LookupError):
            language = get_supported_language_variant(tag.lower())
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                language,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite=settings.LANGUAGE_COOKIE_SAMESITE,
            )
            break
    return response


def _authorize_url(parameters: Any) -> str:
    return authorization.url(client_id=parameters.get("client_id", ""), request_uri=parameters.get("request_uri", ""))


def _source(redirect_uri: str) -> str:
    """The CSP source expression of a redirect URI: its origin, or its scheme when it is a private-use one."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _actor(traveller: Traveller) -> str:
    return f"traveller:{traveller.pk}"


def _answer(document: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return HttpResponse(strict_json.dumps(document), content_type="application/json", status=status)


def _public(document: dict[str, Any], *, content_type: str = "application/json") -> HttpResponse:
    headers = {"Cache-Control": f"public, max-age={METADATA_AGE}", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(document, headers=headers, content_type=content_type)

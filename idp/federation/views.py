"""The federation endpoints (Federation §8, §9). Everything served is signed or public; nobody is authenticated."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from idp import clock, conf
from idp.federation import listing, marks, resolve_response, signing, statements, status_lists
from idp.federation.errors import FederationError
from idp.federation.models import HostedEntity, SigningKey
from idp.protocol import jws
from idp.protocol.jws import TokenType
from idp.protocol.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)

HISTORICAL_KEYS = TokenType("jwk-set+jwt", required=("iss", "iat", "keys"))
STATEMENT_TYPE = "application/entity-statement+jwt"
MAX_BODY = 65_536

View = Callable[..., HttpResponse]


def endpoint(method: str) -> Callable[[View], View]:
    """One method only, and every error as this specification wants it: both members, safe text (§8.9)."""

    def decorate(view: View) -> View:
        @csrf_exempt  # no cookie means anything here
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in ((method, "HEAD") if method == "GET" else (method,)):
                return _error(FederationError("invalid_request", f"use {method}", status=405))
            try:
                return view(request, *args, **kwargs)
            except FederationError as error:
                return _error(error)
            except Unavailable as error:
                log.warning("%s: %s", request.path, error)
                return _error(FederationError("temporarily_unavailable", "try again later"))

        return answer

    return decorate


@endpoint("GET")
def configuration(request: HttpRequest) -> HttpResponse:
    """The node's own configuration."""
    return _signed(request, statements.entity_configuration(clock.now()), STATEMENT_TYPE)


@endpoint("GET")
def hosted_configuration(request: HttpRequest, path: str) -> HttpResponse:
    """The configuration of an entity that the node hosts."""
    hosted = HostedEntity.objects.filter(path=path).first() if path.isprintable() else None
    if hosted is None:
        raise FederationError("not_found", "no such entity here")
    return _signed(request, statements.hosted_configuration(hosted, clock.now()), STATEMENT_TYPE)


@endpoint("GET")
def fetch(request: HttpRequest) -> HttpResponse:
    """The statement about one immediate subordinate (§8.1)."""
    subject = _one(request.GET, "sub")
    if subject == conf.authority().entity_id:
        raise FederationError("invalid_request", "the subject is this entity itself")
    try:
        text = statements.subordinate_statement(subject, clock.now())
    except statements.UnableToState as error:
        raise FederationError("not_found", "no statement about this subject") from error
    return _signed(request, text, STATEMENT_TYPE)


@endpoint("GET")
def list_subordinates(request: HttpRequest) -> HttpResponse:
    """The immediate subordinates (§8.2)."""
    return JsonResponse(listing.subordinates(request.GET), safe=False, headers={"Cache-Control": "no-cache"})


@endpoint("GET")
def resolve(request: HttpRequest) -> HttpResponse:
    """A subject's resolved metadata under our own anchor, if it is at hand (§8.3, §18.1)."""
    subject = _one(request.GET, "sub")
    text = resolve_response.respond(
        subject=subject,
        trust_anchors=request.GET.getlist("trust_anchor"),
        entity_types=request.GET.getlist("entity_type"),
        now=clock.now(),
    )
    return _signed(request, text, "application/resolve-response+jwt")


@endpoint("GET")
def trust_mark(request: HttpRequest) -> HttpResponse:
    """A trust mark that we gave (§8.6)."""
    try:
        text = marks.issued(
            mark_type=_one(request.GET, "trust_mark_type"), subject=_one(request.GET, "sub"), now=clock.now()
        )
    except marks.UnableToMark as error:
        raise FederationError("not_found", "no such trust mark") from error
    return _signed(request, text, "application/trust-mark+jwt")


@endpoint("POST")
def trust_mark_status(request: HttpRequest) -> HttpResponse:
    """Whether a mark of ours still holds (§8.4)."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise FederationError("invalid_request", "send a form")
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise FederationError("invalid_request", "too long", status=413)
    try:
        text = marks.status(_one(request.POST, "trust_mark"), clock.now())
    except Refusal as refusal:
        raise FederationError("invalid_request", "not a trust mark") from refusal
    except marks.UnableToMark as error:
        raise FederationError("not_found", "not a trust mark of this issuer") from error
    return _signed(request, text, "application/trust-mark-status-response+jwt")


@endpoint("GET")
def trust_marked(request: HttpRequest) -> HttpResponse:
    """Who holds a mark of ours (§8.5)."""
    subject = request.GET.get("sub")
    try:
        holders = marks.marked(mark_type=_one(request.GET, "trust_mark_type"), subject=subject)
    except marks.UnableToMark as error:
        raise FederationError("not_found", "no such trust mark type") from error
    return JsonResponse(holders, safe=False, headers={"Cache-Control": "no-cache"})


@endpoint("GET")
def historical_keys(request: HttpRequest) -> HttpResponse:
    """The federation keys of the past, and until when each was good (§8.7)."""
    now = clock.now()
    done = SigningKey.objects.filter(use="federation", state__in=["old", "killed"]).order_by("pk")
    claims = {"iss": conf.authority().entity_id, "iat": now, "keys": [_historical(row) for row in done]}
    text = jws.sign(HISTORICAL_KEYS, claims, signing.signer("federation"))
    return _signed(request, text, "application/jwk-set+jwt")


@endpoint("GET")
def status_list(request: HttpRequest, name: str) -> HttpResponse:
    """A status list; readable by anybody's web page (Token Status List §8.1, §11.3)."""
    if "time" in request.GET:  # §8.4: no history is kept
        return HttpResponse(status=501)
    try:
        text = status_lists.published(conf.authority().url(f"/status/{name}"), clock.now())
    except status_lists.UnableToSetStatus as error:
        raise FederationError("not_found", "no such status list") from error
    response = _signed(request, text, "application/statuslist+jwt")
    response["Access-Control-Allow-Origin"] = "*"
    return response


@endpoint("GET")
def status_aggregation(request: HttpRequest) -> HttpResponse:
    """Every status list in which a token may still live (Token Status List §9)."""
    return JsonResponse(
        {"status_lists": status_lists.live(clock.now())},
        headers={"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"},
    )


def _historical(row: SigningKey) -> dict[str, Any]:
    members = {**row.jwk, "iat": row.made_at, "exp": row.retired_at}
    reason = "compromised" if row.state == SigningKey.State.KILLED else "superseded"
    return {**members, "revoked": {"revoked_at": row.retired_at, "reason": reason}}


def _one(parameters: Any, name: str) -> str:
    values = parameters.getlist(name)
    if len(values) != 1 or not values[0] or not values[0].isprintable():  # a database refuses NUL, and loudly
        raise FederationError("invalid_request", f"{name} is needed exactly once")
    return str(values[0])


def _signed(request: HttpRequest, text: str, content_type: str) -> HttpResponse:
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    # A copy may be kept but is asked for again each time: what was taken back must be gone at once.
    headers: Mapping[str, str] = {"ETag": etag, "Cache-Control": "no-cache"}
    response = HttpResponse(text, content_type=content_type, headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


def _error(error: FederationError) -> HttpResponse:
    return JsonResponse(
        {"error": error.code, "error_description": error.description},
        status=error.status,
        headers={"Cache-Control": "no-store"},
    )

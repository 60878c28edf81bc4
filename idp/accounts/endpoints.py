"""The JSON endpoints that the passkey script of our pages calls. Protected by the CSRF token of the page."""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from idp import clock, conf, problems
from idp.accounts import ceremonies, invitations, logins, navigation, passkeys, registration, sessions
from idp.accounts.models.people import new_user_handle
from idp.accounts.sessions import ACR_MULTIFACTOR, AMR_PASSKEY, Authenticated
from idp.protocol import strict_json
from idp.protocol.refusals import Refusal

MAX_BODY = 65_536  # an attestation object is a few kilobytes

log = logging.getLogger(__name__)
_EXPECTED = (
    ceremonies.UnableToComplete,
    invitations.UnableToEnrol,
    logins.UnableToLogIn,
    passkeys.UnableToChange,
    registration.UnableToRegister,
    problems.Problem,
    Refusal,
)
Endpoint = Callable[[HttpRequest, Mapping[str, Any]], JsonResponse]


def endpoint(view: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """A POST with a JSON object in and JSON or a problem document (RFC 9457) out."""

    @never_cache
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            return view(request, _body(request))
        except _EXPECTED as error:
            problem = problems.as_problem(error)
            log.info("%s at %s: %s", problem.code, request.path, problem.log_detail)
            return problems.response(problem)

    return guarded


@endpoint
def register_options(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{username, display_name}`` → creation options for a new account."""
    username = registration.check_username(strict_json.string(body, "username", max_length=64))
    display_name = body_text(body, "display_name")
    options = ceremonies.begin_creation(
        session=request.session,
        party=_party(),
        purpose="register",
        user_handle=new_user_handle(),
        user_name=username,
        display_name=display_name,
        exclude=(),
        notes={"username": username, "display_name": display_name},
        now=clock.now(),
    )
    return JsonResponse(options)


@endpoint
def register(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{credential, next}`` → 201 ``{next}``: the account is made and logged in."""
    now = clock.now()
    credential = ceremonies.complete_creation(
        session=request.session, party=_party(), purpose="register", credential=body_credential(body), now=now
    )
    traveller = registration.with_passkey(
        username=credential.notes["username"], display_name=credential.notes["display_name"], credential=credential
    )
    sessions.begin(request=request, account=traveller.account, acr=ACR_MULTIFACTOR, amr=AMR_PASSKEY, now=now)
    return _next(body, status=201)


@endpoint
def add_options(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{}`` → creation options for one more passkey of the account that is logged in."""
    authenticated, now = _authenticated(request), clock.now()
    passkeys.require_strength(authenticated=authenticated, now=now)
    account = authenticated.account
    options = ceremonies.begin_creation(
        session=request.session,
        party=_party(),
        purpose="add",
        user_handle=bytes(account.user_handle),
        user_name=account.username,
        display_name=account.display_name,
        exclude=[bytes(item.credential_id) for item in account.passkeys.all()],
        notes={},
        now=now,
    )
    return JsonResponse(options)


@endpoint
def add(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{credential, name, next}`` → 201 ``{next}``: the passkey is added, and the session rests on it."""
    authenticated, now = _authenticated(request), clock.now()
    credential = ceremonies.complete_creation(
        session=request.session, party=_party(), purpose="add", credential=body_credential(body), now=now
    )
    passkeys.add(authenticated=authenticated, credential=credential, name=body_text(body, "name"), now=now)
    sessions.begin(request=request, account=authenticated.account, acr=ACR_MULTIFACTOR, amr=AMR_PASSKEY, now=now)
    return _next(body, status=201)


@endpoint
def login_options(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{}`` → request options."""
    return JsonResponse(logins.begin_passkey(request=request, now=clock.now()))


@endpoint
def login(request: HttpRequest, body: Mapping[str, Any]) -> JsonResponse:
    """``{credential, next}`` → ``{next}``: logged in."""
    logins.by_passkey(request=request, credential=body_credential(body), now=clock.now())
    return _next(body, status=200)


def _party() -> ceremonies.Party:
    return ceremonies.Party.of(conf.authority())


def _authenticated(request: HttpRequest) -> Authenticated:
    authenticated = sessions.authentication(request)
    if authenticated is None or authenticated.traveller is None:
        raise problems.Problem("insufficient_user_authentication", "nobody is logged in")
    return authenticated


def _body(request: HttpRequest) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        raise problems.Problem("unsupported_media_type")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        raise problems.Problem("too_large")
    return strict_json.loads_object(request.body, max_bytes=MAX_BODY)


def body_credential(body: Mapping[str, Any]) -> Mapping[str, Any]:
    credential = body.get("credential")
    if not isinstance(credential, dict):
        raise problems.Problem("invalid_request", "no credential")
    return credential


def body_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > 64 or not (value.isprintable() or not value):
        raise problems.Problem("invalid_request", f"{name} is not a short text")
    return value


def _next(body: Mapping[str, Any], *, status: int) -> JsonResponse:
    return JsonResponse({"next": navigation.safe_next(body.get("next"))}, status=status)

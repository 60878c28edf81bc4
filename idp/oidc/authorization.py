"""The traveller's part: from a pushed request to a decision, stored together with its code."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.urls import reverse

from idp import prepared
from idp.accounts.models import Traveller
from idp.accounts.sessions import Authenticated
from idp.audit import events
from idp.oidc import (
    authorization_details,
    checks,
    claims,
    consents,
    levels,
    pushing,
    responses,
    server,
    subjects,
    verified,
)
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, PushedRequest
from idp.oidc.responses import Reply

_BEGIN = (
    f"UPDATE {PushedRequest._meta.db_table} SET begun_at = $1, expires_at = $2 "  # noqa: S608  constants
    "WHERE id = $3 AND begun_at IS NULL RETURNING id"
)
_COMPLETE = (
    f"UPDATE {PushedRequest._meta.db_table} SET completed_at = $1 "  # noqa: S608  constants
    "WHERE id = $2 AND completed_at IS NULL AND expires_at > $3 RETURNING id"
)


class Undeliverable(Exception):
    """The request cannot be trusted, so its redirect_uri is not followed: the traveller sees ``error`` on a page."""

    def __init__(self, error: OAuthError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class LoginNeeded:
    """The traveller must log in, again or more surely; ``username`` is whom the client expects, if it said so."""

    acr: str
    username: str = ""


def opened(parameters: Mapping[str, list[str]], *, now: int) -> PushedRequest:
    """The pushed request that the browser brings: ``parameters`` are those of the query or of the consent form.

    Its time to complete begins with the first look. Raises `Undeliverable` for whatever is not exactly one living
    request of that client.
    """
    try:
        client_id, request_uri = single(parameters, "client_id"), single(parameters, "request_uri")
        pushed = pushing.find(client_id, request_uri)
        situation = checks.Situation(client=pushed.client, now=now, parameters={"client_id": client_id}, pushed=pushed)
        checks.run(checks.AUTHORIZE, situation)
    except OAuthError as error:
        raise Undeliverable(error) from error
    if prepared.rows(_BEGIN, [now, now + pushing.COMPLETION, pushed.pk]):
        pushed.begun_at, pushed.expires_at = now, now + pushing.COMPLETION
    return pushed


def url(*, client_id: str, request_uri: str) -> str:
    """Where the browser goes on with a request that we keep."""
    return f"{reverse('oidc-authorize')}?{urlencode({'client_id': client_id, 'request_uri': request_uri})}"


def login_needed(pushed: PushedRequest, who: Authenticated | None, *, now: int) -> LoginNeeded | None:
    """Whether the session is not enough: level, age, person or prompt (RFC 9470 §5, OpenID Connect Core §3.1.2.1)."""
    needed = LoginNeeded(_level(pushed), pushed.parameters.get("login_hint", ""))
    if who is None or not levels.reaches(who.acr, needed.acr) or not _is_expected(pushed, who):
        return needed
    begun = pushed.begun_at if pushed.begun_at is not None else now
    max_age = pushed.parameters.get("max_age")
    if max_age is not None and who.auth_time < min(begun, now) - max_age:
        return needed
    if {"login", "select_account"} & _prompts(pushed) and who.auth_time < begun:
        return needed
    return None


def needs_consent(pushed: PushedRequest, traveller: Traveller) -> bool:
    """Whether the consent page must be shown: always for rich authorization, else for what is new."""
    if "consent" in _prompts(pushed) or pushed.parameters.get("authorization_details"):
        return True
    return not consents.cover(traveller=traveller, client=pushed.client, parameters=pushed.parameters)


def is_silent(pushed: PushedRequest) -> bool:
    """Whether the client asked for an answer without any page (``prompt=none``)."""
    return "none" in _prompts(pushed)


def allow(
    *,
    pushed: PushedRequest,
    who: Authenticated,
    traveller: Traveller,
    choices: Mapping[str, str],
    ticked: Collection[str] | None,
    now: int,
) -> Reply:
    """Store what the traveller allowed, and the code; the reply to the client.

    ``choices`` are those of rich authorization, ``ticked`` the claims that were left ticked (`consents.wanted`), or
    None where all was agreed to before and no page was shown.
    Raises `Undeliverable` when somebody completed the request or took the consent back meanwhile, `OAuthError`
    (invalid_authorization_details) when a choice is not the traveller's to make, `Unavailable` when the reply could not
    be told just now.
    """
    way = responses.way(pushed.client, pushed.parameters, now=now)
    return way.reply(_allowed(pushed, who, traveller, choices, ticked, now))


@transaction.atomic
def _allowed(
    pushed: PushedRequest,
    who: Authenticated,
    traveller: Traveller,
    choices: Mapping[str, str],
    ticked: Collection[str] | None,
    now: int,
) -> Mapping[str, str]:
    _complete(pushed, now=now)
    details = authorization_details.grant(
        pushed.parameters.get("authorization_details", []), traveller=traveller, choices=choices, now=now
    )
    told = _told(pushed, traveller, ticked, now)
    granted = {
        "details": details,
        "told": sorted(told),
        "scope": consents.narrowed(pushed.parameters.get("scope", ""), told),
        "acr": who.acr,
        "amr": who.amr,
        "auth_time": who.auth_time,
        "claims": pushed.parameters.get("claims", {}),
        "claims_locales": pushed.parameters.get("claims_locales", ""),
        "resources": pushed.parameters.get("resource", []),
        "sid": who.sid,
    }
    if ticked is not None:
        consents.remember(traveller=traveller, client=pushed.client, parameters=pushed.parameters, told=told, now=now)
    return server.complete(pushed, traveller=traveller, granted=granted, now=now)


def _told(pushed: PushedRequest, traveller: Traveller, ticked: Collection[str] | None, now: int) -> set[str]:
    if ticked is not None:
        return consents.agreed(pushed.parameters, ticked)
    if not consents.rely(traveller=traveller, client=pushed.client, parameters=pushed.parameters, now=now):
        raise Undeliverable(OAuthError("access_denied", "consent was taken back meanwhile"))
    return set(consents.wanted(pushed.parameters))


def refuse(*, pushed: PushedRequest, error: str, actor: str, now: int) -> Reply:
    """Complete the request with ``error``; the reply to the client (RFC 6749 §4.1.2.1).

    Raises `Undeliverable`, and `Unavailable` like `allow`.
    """
    way = responses.way(pushed.client, pushed.parameters, now=now)
    with transaction.atomic():
        _complete(pushed, now=now)
        data = {"client": pushed.client.client_id, "error": error}
        events.record(kind="oidc.authorization_refused", actor=actor, data=data)
    return way.reply(_error(pushed.parameters, error))


def error_reply(client: Client, parameters: Mapping[str, Any], error: str, *, now: int) -> Reply:
    """The reply with ``error`` to a request whose client and redirect URI were found sound. Raises `Unavailable`."""
    return responses.way(client, parameters, now=now).reply(_error(parameters, error))


def _error(parameters: Mapping[str, Any], error: str) -> dict[str, str]:
    answer = {"error": error, "error_description": OAuthError(error).description}
    return {**answer, "state": parameters["state"]} if "state" in parameters else answer


def _complete(pushed: PushedRequest, *, now: int) -> None:
    """RFC 9126 §7.3: one UPDATE, and whoever changes the row has the request."""
    if not prepared.rows(_COMPLETE, [now, pushed.pk, now]):
        raise Undeliverable(OAuthError("invalid_request_uri", "completed meanwhile"))


def single(parameters: Mapping[str, list[str]], name: str) -> str:
    """The parameter ``name``, which stands there once; raises `OAuthError` (invalid_request)."""
    values = parameters.get(name, [])
    if len(values) != 1 or not values[0]:
        raise OAuthError("invalid_request", f"not exactly one {name}")
    return values[0]


def _level(pushed: PushedRequest) -> str:
    if pushed.parameters.get("authorization_details") or verified.names(pushed.parameters.get("claims", {})):
        return levels.MULTIFACTOR  # what a border token is made from, and what a document is shown for (IDA §10.1)
    essential = claims.essential_levels(pushed.parameters.get("claims", {}))  # OpenID Connect Core §5.5.1.1
    return levels.least(essential or pushed.parameters.get("acr_values", "").split())


def _is_expected(pushed: PushedRequest, who: Authenticated) -> bool:
    """Whether ``who`` is the subject that the client names by id_token_hint or by the claim sub (Core §3.1.2.1)."""
    expected = {pushed.parameters.get("hinted_sub"), claims.wanted_subject(pushed.parameters.get("claims", {}))} - {
        None
    }
    if not expected:
        return True
    if who.traveller is None:
        return False
    return expected == {subjects.pairwise(sector=pushed.client.sector, traveller_id=who.traveller.pk)}


def _prompts(pushed: PushedRequest) -> set[str]:
    return set(pushed.parameters.get("prompt", "").split())

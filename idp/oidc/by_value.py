"""Authorization requests by value at the authorization endpoint: plain (RFC 6749 §4.1.1) or as a request object.

A relying party of a trust chain has to prove by its request object that it holds the keys (OpenID Federation §12.1.1).
Whatever comes is kept like a pushed request, so that a reload of the page works though the object's ``jti`` is spent.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.oidc import authorization, checks, parameters, pushing, registration, request_objects, responses, server
from idp.oidc.authorization import Undeliverable
from idp.oidc.checks import Situation
from idp.oidc.errors import OAuthError
from idp.oidc.responses import Redirect, Reply


def accept(query: Mapping[str, list[str]], *, now: int) -> Reply:
    """Take one request; the browser goes on to the login, or back to the client with an error.

    ``query`` is the query or the form; where there is a ``request``, only that and ``client_id`` count (RFC 9101 §6.3).
    Raises `Undeliverable` as long as neither client nor redirect URI are known to be sound; `Unavailable`.
    """
    try:
        situation = _situation(query, now=now)
        checks.run(checks.VALUE_PAGE, situation)
    except OAuthError as error:
        raise Undeliverable(_without_trust_codes(error)) from error
    client, raw = situation.client, situation.parameters
    try:
        typed = parameters.of(client, raw)
        checks.run(checks.VALUE_REDIRECT, replace(situation, parameters=typed))
        server.check_authorization(client, typed)
    except OAuthError as error:
        return authorization.error_reply(client, _for_error(raw), error.error, now=now)
    request_uri = pushing.keep(client, typed, jkt=typed.get("dpop_jkt", ""), now=now)
    return Redirect(authorization.url(client_id=client.client_id, request_uri=request_uri))


def _situation(query: Mapping[str, list[str]], *, now: int) -> Situation:
    """The client and what it sent, not looked at yet."""
    if "request_uri" in query:  # RFC 9101 §5: one of both
        raise OAuthError("invalid_request", "request and request_uri")
    client_id = authorization.single(query, "client_id")
    if "request" in query:
        client, raw = request_objects.opened(authorization.single(query, "request"), client_id=client_id, now=now)
        return Situation(client=client, now=now, parameters=raw, signed=True)
    return Situation(client=registration.find(client_id, now=now), now=now, parameters=_single_values(query))


def _for_error(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Of parameters that may be bad themselves, what an error response needs; the redirect URI was found sound."""
    kept = {"redirect_uri": raw["redirect_uri"]}
    for name, is_good in (("state", parameters.is_state), ("response_mode", responses.MODES.__contains__)):
        if isinstance(raw.get(name), str) and is_good(raw[name]):
            kept[name] = raw[name]
    return kept


def _single_values(query: Mapping[str, list[str]]) -> dict[str, Any]:
    """RFC 6749 §3.1: parameters without value count as absent, and none stands twice but ``resource`` (RFC 8707 §2)."""
    if any(len(values) > 1 for name, values in query.items() if name != "resource"):
        raise OAuthError("invalid_request", "a parameter stands twice")
    found = {name: values if name == "resource" else values[0] for name, values in query.items()}
    return {name: value for name, value in found.items() if value}


def _without_trust_codes(error: OAuthError) -> OAuthError:
    """Those codes are for answers to pushed requests (§12.1.3); a page says that the client is not known here."""
    if error.error in registration.TRUST_ERRORS:
        return OAuthError("invalid_client", str(error))
    return error

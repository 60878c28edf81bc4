"""Authorization requests by value: the request object itself at the authorization endpoint (OpenID Federation §12.1.1).

Whoever sends one has to prove that it holds the relying party's keys; then the request is kept like a pushed one, so
that a reload of the page works though the object's ``jti`` is spent.
"""

from collections.abc import Mapping

from idp.oidc import authorization, checks, parameters, pushing, registration, request_objects, server
from idp.oidc.authorization import Undeliverable
from idp.oidc.checks import Situation
from idp.oidc.errors import OAuthError


def accept(query: Mapping[str, list[str]], *, now: int) -> str:
    """Take one request; where to send the browser: on to the login, or back to the client with an error.

    ``query`` is the query or the form; of it count ``client_id`` and ``request`` only (RFC 9101 §6.3). Raises
    `Undeliverable` as long as neither client nor redirect URI are known to be sound; `Unavailable`.
    """
    try:
        situation = _situation(query, now=now)
        checks.run(checks.VALUE_PAGE, situation)
    except OAuthError as error:
        raise Undeliverable(_without_trust_codes(error)) from error
    client, typed = situation.client, situation.parameters
    try:
        checks.run(checks.VALUE_REDIRECT, situation)
        server.check_authorization(typed)
    except OAuthError as error:
        return authorization.error_location(typed, error.error)
    request_uri = pushing.keep(client, typed, jkt=typed.get("dpop_jkt", ""), now=now)
    return authorization.url(client_id=client.client_id, request_uri=request_uri)


def _situation(query: Mapping[str, list[str]], *, now: int) -> Situation:
    if "request_uri" in query:  # RFC 9101 §5: one of both
        raise OAuthError("invalid_request", "request and request_uri")
    text, client_id = authorization.single(query, "request"), authorization.single(query, "client_id")
    client, raw = request_objects.opened(text, client_id=client_id, now=now)
    return Situation(client=client, now=now, parameters=parameters.of(client, raw), signed=True)


def _without_trust_codes(error: OAuthError) -> OAuthError:
    """Those codes are for answers to pushed requests (§12.1.3); a page says that the client is not known here."""
    if error.error in registration.TRUST_ERRORS:
        return OAuthError("invalid_client", str(error))
    return error

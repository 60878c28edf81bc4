"""Introspection (RFC 7662): a resource, or the client itself, asks whether a token lives and what it says."""

from typing import Any

from django.http import HttpRequest

from idp import conf
from idp.federation import signing
from idp.oidc import checks, client_authentication, client_metadata, form, issued
from idp.oidc.client_authentication import Sender
from idp.oidc.issued import Issued
from idp.oidc.models import Client
from idp.protocol import jws

SIGNED = "application/token-introspection+jwt"  # RFC 9701 §4
RESPONSE = jws.TokenType(
    "token-introspection+jwt",
    algorithms=client_metadata.ID_TOKEN_ALGORITHMS,
    required=("iss", "aud", "iat", "token_introspection"),
)
# What a resource needs to decide (RFC 7662 §2.2; RFC 9449 §6.2, RFC 9470 §6.2, RFC 9396 §9.2).
MEMBERS = (
    *("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope"),
    *("cnf", "acr", "auth_time", "authorization_details"),
)
INACTIVE: dict[str, Any] = {"active": False}


def introspect(request: HttpRequest, *, now: int) -> tuple[dict[str, Any], Client]:
    """The answer, and who asked. Raises `OAuthError` or `Unavailable`.

    Who is not concerned learns nothing: not even that there is such a token (§2.2).
    """
    sent = form.read(request)
    sender = client_authentication.sender(request, sent, now=now)
    caller = sender.client
    checks.run(checks.INTROSPECT, checks.Situation(client=caller, now=now, parameters=sent))
    found = issued.find(sent["token"], now=now)
    if found is None or not _concerns(found, sender) or not issued.is_alive(found):
        return INACTIVE, caller
    return _members(found), caller


def signed(answer: dict[str, Any], caller: Client, *, now: int) -> str:
    """``answer`` as a JWT for ``caller`` alone (RFC 9701 §5)."""
    claims = {
        "iss": conf.authority().entity_id,
        "aud": caller.client_id,
        "iat": now,
        "token_introspection": answer,
    }
    algorithm = client_metadata.introspection_algorithm(caller)
    return jws.sign(RESPONSE, claims, signing.signer("oidc", algorithm=algorithm))


def _concerns(found: Issued, sender: Sender) -> bool:
    """The client that holds the token, or the one that answers for its audience; a refresh token has none."""
    return issued.is_of(found, sender) or found.claims.get("aud") in sender.client.resources


def _members(found: Issued) -> dict[str, Any]:
    answer = {"active": True, **{name: found.claims[name] for name in MEMBERS if name in found.claims}}
    if found.jti is not None:  # RFC 7662 §2.2: the type of an access token
        answer["token_type"] = "DPoP" if "cnf" in found.claims else "Bearer"
    return answer

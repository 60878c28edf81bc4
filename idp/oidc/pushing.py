"""The pushed authorization request (RFC 9126): authenticated, opened, checked and kept for the traveller."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from idp import prepared
from idp.oidc import checks, client_authentication, form, parameters, proofs, replay, request_objects, server
from idp.oidc.client_authentication import Sender, Spend
from idp.oidc.errors import OAuthError
from idp.oidc.form import Form
from idp.oidc.models import Client, PushedRequest
from idp.oidc.replay import digest
from idp.plain_rows import Columns

PREFIX = "urn:ietf:params:oauth:request_uri:"
LIFETIME = 90  # seconds to open the page in: the phone does it at once
COMPLETION = 480  # seconds more to log in and read; with LIFETIME below FAPI 2.0's 600 (Security Profile §5.3.2.2)

_PUSHED, _CLIENT = Columns(PushedRequest, "p"), Columns(Client, "c")
_FIND = (
    f"SELECT {_PUSHED.sql}, {_CLIENT.sql} FROM {_PUSHED.table} "  # noqa: S608  constants
    f"JOIN {_CLIENT.table} ON c.id = p.client_id WHERE p.handle_hash = $1"
)


def push(request: HttpRequest, *, now: int) -> dict[str, Any]:
    """Take one pushed request; the JSON answer ``{"request_uri", "expires_in"}``.

    Raises `OAuthError`, or `Unavailable`.
    """
    sent = form.read(request)
    (client, instance), raw, proof_jkt = _brought(request, sent, now=now)
    typed = parameters.of(client, raw)
    situation = checks.Situation(
        client=client, now=now, parameters=typed, proof_jkt=proof_jkt, signed="request" in sent
    )
    checks.run(checks.PAR, situation)
    server.check_authorization(client, typed)
    request_uri = keep(client, typed, jkt=proof_jkt or typed.get("dpop_jkt", ""), instance=instance, now=now)
    return {"request_uri": request_uri, "expires_in": LIFETIME}


def find(client_id: str, request_uri: str) -> PushedRequest:
    """The pushed request behind ``request_uri``; raises `OAuthError` when it is none of ours.

    ``client_id``, age and use are for the checks. A request_uri elsewhere is never fetched.
    """
    if not request_uri.startswith(PREFIX):
        raise OAuthError("request_uri_not_supported", "not one of ours")
    for row in prepared.on_trial(lambda: prepared.rows(_FIND, [digest(request_uri)])):
        pushed = _PUSHED.read(row)
        pushed.client = _CLIENT.read(row[len(_PUSHED) :])
        return pushed
    raise OAuthError("invalid_request_uri", "unknown")


def purge(*, now: int) -> int:
    """Delete the requests that nobody can complete any more; the number of rows."""
    return PushedRequest.objects.filter(expires_at__lt=now).delete()[0]


def keep(client: Client, typed: Mapping[str, Any], *, jkt: str, now: int, instance: str = "") -> str:
    """Keep a checked request for the traveller; its request_uri."""
    request_uri = PREFIX + secrets.token_urlsafe(32)
    pushed = PushedRequest(
        handle_hash=digest(request_uri),
        client=client,
        parameters=dict(typed),
        jkt=jkt,
        instance=instance,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    _PUSHED.insert(pushed)
    return request_uri


def _brought(request: HttpRequest, sent: Form, *, now: int) -> tuple[Sender, Mapping[str, Any], str | None]:
    """The sender, its parameters, and the key that it proved; all that may be used once is spent, whatever comes of it.

    But for a proof without nonce: the same request may come again with another (RFC 9449 §8).
    """
    seen = replay.Seen()
    try:
        sender, raw = _sent_by(request, sent, now=now, spend=seen.add)
        jkt = proofs.of_client(request, sender.client, now=now, spend=seen.add)  # RFC 9449 §10.1
    except OAuthError as error:
        if error.error == proofs.NONCE_NEEDED:
            seen = replay.Seen()
        raise
    finally:
        _spend(seen)
    return sender, raw, jkt


def _spend(seen: replay.Seen) -> None:
    try:
        seen.spend()
    except replay.SeenBefore as error:
        raise proofs.used_again(error) from error


def _sent_by(request: HttpRequest, sent: Form, *, now: int, spend: Spend) -> tuple[Sender, Mapping[str, Any]]:
    """The sender, by its assertion or by its request object (OpenID Federation §12.1.1.2), and its parameters."""
    if "request" in sent and "request_uri" not in sent and not client_authentication.is_tried(request, sent):
        client, inside = request_objects.opened(sent["request"], client_id=sent.get("client_id"), now=now, spend=spend)
        if client.profile != Client.Profile.FEDERATION:
            raise OAuthError("invalid_client", "a request object without client authentication")
        return Sender(client), inside
    client, instance = found = client_authentication.sender(request, sent, now=now, spend=spend)
    if "request_uri" in sent:  # RFC 9126 §2.1
        raise OAuthError("invalid_request", "request_uri in a pushed request")
    if "request" not in sent:
        return found, sent.full()
    document = request_objects.announced(sent["request"], now=now)
    if document.client_id == client.client_id and (document.trust_chain or document.peer_trust_chain) is not None:
        client = request_objects.sender(document, now=now)
    return Sender(client, instance), request_objects.verified(document, client, now=now, spend=spend)

"""Request objects (RFC 9101) from the wire to verified parameters, encrypted ones too."""

from collections.abc import Mapping
from typing import Any

from idp import conf
from idp.federation import signing
from idp.oidc import client_authentication, client_keys, registration, replay
from idp.oidc.client_authentication import Spend
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_jwt, encrypted_request, request_object
from idp.protocol.refusals import Refusal

KEY_USE = "request"
_OF_A_CHAIN = (Client.Registration.AUTOMATIC, Client.Registration.EXPLICIT)
REQUIRE_NBF: Mapping[str, bool] = {
    Client.Profile.BORDER.value: True,
    Client.Profile.FEDERATION.value: False,
    Client.Profile.BASIC.value: False,
}


def announced(text: str, *, now: int) -> client_jwt.Announced:
    """What the request object says of itself: *not* verified; raises `OAuthError` (invalid_request_object)."""
    try:
        if encrypted_request.is_encrypted(text):
            text = encrypted_request.open_request(text, keys=signing.private_keys(KEY_USE))
        return request_object.announce(
            text, issuer=conf.authority().entity_id, now=now, require_nbf=False, of_anybody=True
        )
    except Refusal as error:
        raise OAuthError("invalid_request_object", str(error)) from error


def sender(document: client_jwt.Announced, *, now: int) -> Client:
    """The client that the request object names, by its own chain where it carries one; raises like `find`."""
    return registration.find(
        document.client_id, now=now, chain=document.trust_chain, peer_chain=document.peer_trust_chain
    )


def verified(
    document: client_jwt.Announced, client: Client, *, now: int, spend: Spend = replay.spend
) -> Mapping[str, Any]:
    """The parameters that ``client`` signed; the ``jti`` is spent, by ``spend``.

    Raises `OAuthError` (invalid_request_object).
    """
    try:
        if client.registration in _OF_A_CHAIN:
            request_object.check_federation(document, issuer=conf.authority().entity_id)
        if REQUIRE_NBF[client.profile]:
            request_object.check_nbf(document)
        request = request_object.verify(
            document,
            client_id=client.client_id,
            keys=client_keys.for_document(client, kid=document.kid, now=now),
            now=now,
            algorithms=_algorithms(client),
        )
        spend(replay.REQUEST_OBJECT, request.replay_key, request.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_request_object", str(error)) from error
    return request.parameters


def opened(
    text: str, *, client_id: str | None, now: int, spend: Spend = replay.spend
) -> tuple[Client, Mapping[str, Any]]:
    """The client that proves itself by its request object alone, and the parameters in it; see `verified`.

    ``client_id`` is what stands beside it (RFC 9101 §5), None where nothing has to. Raises `OAuthError`:
    invalid_request_object, or what `registration.find` raises; `Unavailable`.
    """
    document = announced(text, now=now)
    if client_id not in (None, document.client_id):
        raise OAuthError("invalid_request_object", "client_id is not that of the request object")
    client = sender(document, now=now)
    return client, verified(document, client, now=now, spend=spend)


def _algorithms(client: Client) -> tuple[str, ...]:
    """The profile's, or the one of them that the client registered for request objects (RFC 9101 §10.5)."""
    allowed = client_authentication.ALGORITHMS[client.profile]
    registered = client.metadata.get("request_object_signing_alg")
    return tuple(name for name in allowed if name == registered) if registered is not None else allowed

"""Who sends a machine's request: ``private_key_jwt`` only, and the request object that may come with it."""

from collections.abc import Mapping
from typing import Any

from idp import conf
from idp.oidc import registration, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_assertion, jws, request_object
from idp.protocol.refusals import Refusal

METHOD = "private_key_jwt"
ALGORITHMS: Mapping[str, tuple[str, ...]] = {Client.Profile.BORDER.value: jws.MODERN}  # by profile
REQUIRE_NBF: Mapping[str, bool] = {Client.Profile.BORDER.value: True}


def authenticate(form: Mapping[str, str], *, now: int) -> Client:
    """The client that the form's assertion authenticates; its ``jti`` is spent.

    Raises `OAuthError`: invalid_client, or one of the trust errors of `registration.find`.
    """
    if form.get("client_assertion_type") != client_assertion.ASSERTION_TYPE or "client_secret" in form:
        raise OAuthError("invalid_client", "not private_key_jwt alone")
    try:
        announced = client_assertion.announce(
            form.get("client_assertion", ""), issuer=conf.authority().entity_id, now=now
        )
        if form.get("client_id", announced.client_id) != announced.client_id:  # RFC 7521 §4.2
            raise OAuthError("invalid_client", "client_id is not the assertion's")
        client = registration.find(
            announced.client_id, now=now, chain=announced.trust_chain, peer_chain=announced.peer_trust_chain
        )
        assertion = client_assertion.verify(
            announced,
            client_id=client.client_id,
            keys=registration.key_set(client),
            now=now,
            algorithms=ALGORITHMS[client.profile],
        )
        replay.spend(replay.ASSERTION, assertion.replay_key, assertion.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_client", str(error)) from error
    return client


def open_request_object(text: str, client: Client, *, now: int) -> Mapping[str, Any]:
    """The parameters of a request object signed by ``client``; its ``jti`` is spent.

    Raises `OAuthError` (invalid_request_object, or a trust error when it carries a chain that does not hold).
    """
    try:
        announced = request_object.announce(
            text, issuer=conf.authority().entity_id, now=now, require_nbf=REQUIRE_NBF[client.profile]
        )
        if announced.trust_chain is not None or announced.peer_trust_chain is not None:
            registration.find(
                announced.client_id, now=now, chain=announced.trust_chain, peer_chain=announced.peer_trust_chain
            )
        verified = request_object.verify(
            announced,
            client_id=client.client_id,
            keys=registration.key_set(client),
            now=now,
            algorithms=_request_algorithms(client),
        )
        replay.spend(replay.REQUEST_OBJECT, verified.replay_key, verified.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_request_object", str(error)) from error
    return verified.parameters


def _request_algorithms(client: Client) -> tuple[str, ...]:
    """The profile's, or the one of them that the client registered for request objects (RFC 9101 §10.5)."""
    allowed = ALGORITHMS[client.profile]
    registered = client.metadata.get("request_object_signing_alg")
    return tuple(name for name in allowed if name == registered) if registered is not None else allowed

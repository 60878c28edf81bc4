"""Who sends a machine's request: ``private_key_jwt`` and nothing else."""

from collections.abc import Mapping

from idp import conf
from idp.oidc import client_keys, client_metadata, registration, replay
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol import client_assertion, jws
from idp.protocol.refusals import Refusal

METHOD = client_metadata.AUTHENTICATION
ALGORITHMS: Mapping[str, tuple[str, ...]] = {  # of what a client signs, by profile
    Client.Profile.BORDER.value: jws.MODERN,
    Client.Profile.FEDERATION.value: jws.WITH_RS256,
}


def authenticate(form: Mapping[str, str], *, now: int) -> Client:
    """The client that the form's assertion authenticates; its ``jti`` is spent.

    Raises `OAuthError`: invalid_client, or one of the trust errors of `registration.find`; `Unavailable`.
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
            keys=client_keys.for_document(client, kid=announced.kid, now=now),
            now=now,
            algorithms=ALGORITHMS[client.profile],
        )
        replay.spend(replay.ASSERTION, assertion.replay_key, assertion.forget_at)
    except Refusal as error:
        raise OAuthError("invalid_client", str(error)) from error
    return client

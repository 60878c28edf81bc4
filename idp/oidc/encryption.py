"""Answers that a client wants to read alone: id tokens, userinfo, authorization responses."""

import secrets
from collections.abc import Mapping
from typing import Any

from idp.oidc import client_keys, encrypted_answers
from idp.oidc.models import Client
from idp.protocol import encrypted_response
from idp.protocol.encrypted_response import Recipient
from idp.protocol.refusals import Refusal, Unavailable


def recipient(client: Client, answer: str, *, now: int) -> Recipient | None:
    """Whom ``answer``, one of `encrypted_answers.ANSWERS`, is encrypted to for ``client``; None when it is not.

    May ask the network, so it is not called inside a transaction. Raises `Unavailable` when there is no key: nothing is
    sent in clear instead.
    """
    wanted = encrypted_answers.registered(client.metadata, answer)
    if wanted is None:
        return None
    algorithm, encryption = wanted

    def found(jwks: Mapping[str, Any]) -> Recipient | None:
        return encrypted_response.recipient(jwks, algorithm=algorithm, encryption=encryption)

    try:
        to = found(client_keys.all_of(client, wanted=lambda jwks: found(jwks) is not None, now=now))
    except Refusal as error:
        raise Unavailable(f"keys of {client.client_id}: {error}") from error
    if to is None:
        raise Unavailable(f"{client.client_id} has no key to encrypt to")
    return to


def seal(text: str, to: Recipient | None, *, nested: bool = True) -> str:
    """``text`` for the client alone, or as it is when it did not ask for that."""
    if to is None:
        return text
    entropy = secrets.token_bytes(encrypted_response.ENTROPY)
    return encrypted_response.seal(text, to=to, entropy=entropy, nested=nested)

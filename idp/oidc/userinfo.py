"""Userinfo (OpenID Connect Core §5.3): what a client is told, plain, signed or encrypted as it has registered."""

import json
from typing import Any

from django.http import HttpRequest

from idp import conf
from idp.federation import signing
from idp.oidc import access, client_metadata, encrypted_answers, encryption, telling
from idp.protocol import jws

RESPONSE = jws.TokenType("JWT", algorithms=client_metadata.ID_TOKEN_ALGORITHMS, required=("iss", "sub", "aud"))
PLAIN, AS_JWT = "application/json", "application/jwt"


def answer(request: HttpRequest, *, now: int) -> tuple[str, str]:
    """The body and its media type. Raises `UnableToAuthorize` or `Unavailable`."""
    granted = access.subject(request, scope="openid")
    client = granted.grant.client
    recipient = encryption.recipient(client, encrypted_answers.USERINFO, now=now)
    told = {**telling.told(granted.grant, place="userinfo", scope=granted.scope, now=now), "sub": granted.sub}
    algorithm = client_metadata.userinfo_algorithm(client)
    if algorithm is None:
        text = json.dumps(told, ensure_ascii=False)
        return encryption.seal(text, recipient, nested=False), PLAIN if recipient is None else AS_JWT
    # Core §5.3.2: iss is the node, aud the client.
    claims: dict[str, Any] = {**told, "iss": conf.authority().entity_id, "aud": client.client_id}
    return encryption.seal(jws.sign(RESPONSE, claims, signing.signer("oidc", algorithm=algorithm)), recipient), AS_JWT

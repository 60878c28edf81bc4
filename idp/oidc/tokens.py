"""The tokens that this node signs: access tokens (RFC 9068) for itself, and id tokens (OpenID Connect Core §2)."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from idp import clock, conf
from idp.federation import signing
from idp.oidc import client_metadata, encryption, subjects, telling
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client, Grant
from idp.protocol import jws, strict_json
from idp.protocol.encrypted_response import Recipient
from idp.protocol.refusals import Refusal

# An hour: a refresh costs the phone a round trip to its messenger for a client assertion, often at a crowded border. A
# shorter life would gain nothing, because grant and device are looked up at every use (`idp.oidc.access`).
ACCESS_LIFETIME = 3600  # seconds
ID_TOKEN_LIFETIME = 300  # seconds; read once, by the client that redeemed the code
ALGORITHM = "ES256"  # of access tokens, which are for ourselves
ACCESS_TOKEN = jws.TokenType(
    "at+jwt",
    algorithms=(ALGORITHM,),
    required=(
        *("iss", "exp", "aud", "sub", "client_id", "iat", "jti"),  # RFC 9068 §2.2
        *("grant", "cnf", "acr", "amr", "auth_time"),
    ),
    max_bytes=16_384,
)
BEARER_TOKEN = replace(ACCESS_TOKEN, required=tuple(name for name in ACCESS_TOKEN.required if name != "cnf"))
CLIENT_TOKEN = replace(ACCESS_TOKEN, required=("iss", "exp", "aud", "sub", "client_id", "iat", "jti"))
ID_TOKEN = jws.TokenType(
    "JWT", algorithms=client_metadata.ID_TOKEN_ALGORITHMS, required=("iss", "sub", "aud", "exp", "iat")
)


@dataclass(frozen=True)
class Hinted:
    """An id token of ours that came back: whose it was, for whom, and in which session."""

    sub: str
    audience: str
    sid: str | None


def hinted(text: str, client: Client | None = None) -> Hinted:
    """An id_token_hint (OpenID Connect Core §3.1.2.1): ours, for ``client`` if one is given; however old it is.

    Raises `OAuthError` (invalid_request).
    """
    try:
        claims = jws.verify(text, ID_TOKEN, signing.published("oidc"), now=clock.now(), ignore_expiry=True).claims
        audience = strict_json.string(claims, "aud")
        sid = strict_json.string(claims, "sid") if "sid" in claims else None
    except Refusal as error:
        raise OAuthError("invalid_request", f"id_token_hint: {error}") from error
    if claims["iss"] != conf.authority().entity_id or (client is not None and audience != client.client_id):
        raise OAuthError("invalid_request", "id_token_hint of another issuer or client")
    return Hinted(claims["sub"], audience, sid)


def subject(grant: Grant) -> str:
    """The traveller's pairwise subject for the grant's client."""
    return subjects.pairwise(sector=grant.client.sector, traveller_id=grant.traveller_id)


def access_token(
    grant: Grant,
    *,
    audience: str,
    scope: str,
    details: Sequence[Any],
    jkt: str | None,
    revision: int | None = None,
    now: int,
) -> str:
    """An access token for ``audience``, bound to key ``jkt`` if any (RFC 9449 §6.1); the claim ``grant`` is ours.

    ``revision`` is for `signing.signer`.
    """
    claims: dict[str, Any] = {
        **_access_claims(grant.client, sub=subject(grant), audience=audience, now=now),
        "grant": str(grant.pk),
        "acr": grant.acr,
        "amr": grant.amr,
        "auth_time": grant.auth_time,
        **_limits(scope=scope, jkt=jkt),
    }
    if details:
        claims["authorization_details"] = list(details)
    return jws.sign(ACCESS_TOKEN, claims, signing.signer("oidc", algorithm=ALGORITHM, revision=revision))


def client_token(client: Client, *, scope: str, audience: str, jkt: str | None, revision: int | None, now: int) -> str:
    """An access token of a client for itself: its subject is the client (RFC 9068 §2.2), and no grant stands behind it.

    ``audience`` is the one resource, ``revision`` for `signing.signer`.
    """
    claims = _access_claims(client, sub=client.client_id, audience=audience, now=now)
    signer = signing.signer("oidc", algorithm=ALGORITHM, revision=revision)
    return jws.sign(CLIENT_TOKEN, {**claims, **_limits(scope=scope, jkt=jkt)}, signer)


def _access_claims(client: Client, *, sub: str, audience: str, now: int) -> dict[str, Any]:
    """RFC 9068 §2.2."""
    return {
        "iss": conf.authority().entity_id,
        "aud": audience,
        "sub": sub,
        "client_id": client.client_id,
        "iat": now,
        "exp": now + ACCESS_LIFETIME,
        "jti": secrets.token_urlsafe(16),
    }


def _limits(*, scope: str, jkt: str | None) -> dict[str, Any]:
    return {**({"scope": scope} if scope else {}), **({"cnf": {"jkt": jkt}} if jkt is not None else {})}


def id_token(
    grant: Grant,
    *,
    nonce: str,
    access: str,
    recipient: Recipient | None = None,
    revision: int | None = None,
    now: int,
) -> str:
    """An id token for the grant's client, encrypted to ``recipient`` if any, beside the access token ``access``.

    ``revision`` is for `signing.signer`.
    """
    algorithm = client_metadata.id_token_algorithm(grant.client)
    # at_hash, OpenID Connect Core §3.1.3.6; every algorithm of ours hashes so
    half = hashlib.sha256(access.encode()).digest()[:16]
    claims: dict[str, Any] = {
        **telling.told(grant, place="id_token", scope="", now=now),
        "iss": conf.authority().entity_id,
        "aud": grant.client.client_id,
        "sub": subject(grant),
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": grant.amr,
        "at_hash": strict_json.b64encode(half),
    }
    if grant.sid:  # OpenID Connect Back-Channel Logout §2.1
        claims["sid"] = subjects.session(sector=grant.client.sector, sid=grant.sid)
    if nonce:
        claims["nonce"] = nonce
    signer = signing.signer("oidc", algorithm=algorithm, revision=revision)
    return encryption.seal(jws.sign(ID_TOKEN, claims, signer), recipient)

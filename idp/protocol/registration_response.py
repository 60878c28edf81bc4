"""The answer to an explicit registration: what a provider registered, as an entity statement (Federation §12.2.3).

The provider makes it with `sign`; a relying party accepts it with `verify`. It has a type of its own, so that it cannot
stand in a trust chain (RFC 8725 §3.11).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol import jws, strict_json
from idp.protocol import statement_claims as syntax
from idp.protocol.jws import Signer, TokenType
from idp.protocol.keys import KeySet, PrivateKey
from idp.protocol.refusals import Reason, Refusal

MEDIA_TYPE = "application/explicit-registration-response+jwt"
ENTITY_TYPE = "openid_relying_party"
RESPONSE = TokenType(
    "explicit-registration-response+jwt",
    algorithms=jws.WITH_RS256,
    required=("iss", "sub", "aud", "iat", "exp", "trust_anchor", "authority_hints", "metadata"),
    max_bytes=262_144,
)


@dataclass(frozen=True)
class Registered:
    """A verified registration: ``metadata`` is the relying party's as the provider registered it."""

    provider: str
    client_id: str
    metadata: Mapping[str, Any]
    trust_anchor: str
    superior: str  # the relying party's immediate superior in the chain that the provider went by
    expires_at: int  # seconds since 1970; to be renewed before


def sign(
    *,
    provider: str,
    client_id: str,
    metadata: Mapping[str, Any],
    jwks: Mapping[str, Any],
    trust_anchor: str,
    superior: str,
    now: int,
    expires_at: int,
    signer: Signer | PrivateKey,
) -> str:
    """Say what was registered. ``jwks`` is the claim of the request, word for word; ``signer`` is a federation key."""
    claims = {
        "iss": provider,
        "sub": client_id,
        "aud": client_id,
        "iat": now,
        "exp": expires_at,
        "jwks": jwks,
        "trust_anchor": trust_anchor,
        "authority_hints": [superior],
        "metadata": {ENTITY_TYPE: {**metadata, "client_id": client_id}},
    }
    return jws.sign(RESPONSE, claims, signer)


def verify(
    text: str | bytes,
    *,
    provider: str,
    federation_keys: KeySet,
    client_id: str,
    jwks: Mapping[str, Any],
    trust_anchors: Collection[str],
    superiors: Collection[str],
    now: int,
) -> Registered:
    """Accept the answer of ``provider`` to a request of ``client_id``, or refuse it (§12.2.5).

    ``federation_keys`` are the provider's, as its superior states them in a chain that the relying party resolved.
    ``jwks`` is what the request had; ``trust_anchors`` are the anchors that it can go by, ``superiors`` the hints that
    it gave. Raises `Refusal`.
    """
    parsed = jws.parse_unverified(text, RESPONSE)
    if not parsed.kid:
        raise Refusal(Reason.MALFORMED, "a registration without kid")
    claims = jws.verify(parsed, RESPONSE, federation_keys, now=now).claims
    if (claims["iss"], claims["sub"]) != (provider, client_id):
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a registration by or of another entity")
    jws.sole_audience(claims, client_id)
    syntax.check_critical_claims(claims)
    anchor = syntax.identifier(claims["trust_anchor"])
    if anchor not in trust_anchors:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a trust anchor that is none of ours")
    hints = syntax.hints(claims, "authority_hints")
    if len(hints) != 1 or hints[0] not in superiors:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not one of the superiors that were named")
    if claims.get("jwks", jwks) != jwks:
        raise Refusal(Reason.MALFORMED, "other federation keys than those of the request")
    return Registered(provider, _client_id(claims), _metadata(claims), anchor, hints[0], claims["exp"])


def _metadata(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = syntax.metadata(claims)
    if metadata.keys() != {ENTITY_TYPE}:
        raise Refusal(Reason.MALFORMED, "not the entity types of the request")
    return metadata[ENTITY_TYPE]


def _client_id(claims: Mapping[str, Any]) -> str:
    return strict_json.string(dict(_metadata(claims)), "client_id", max_length=512)

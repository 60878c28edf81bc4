"""The federation keys of the past, for whoever verifies an old statement (Federation §8.7)."""

from typing import Any

from idp import conf
from idp.federation import fetching, peering, signing
from idp.federation.models import Peer, SigningKey
from idp.protocol import historical_keys, jws, strict_json
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.historical_keys import HISTORICAL_KEYS
from idp.protocol.jws import VerifiedJWS
from idp.protocol.keys import parse_jwks
from idp.protocol.refusals import Reason, Refusal

MEDIA_TYPE = "application/jwk-set+jwt"


def published(now: int) -> str:
    """The signed set of every federation key that signs no more.

    ``exp`` is when a key stopped signing: what bears it is good if made before. ``revoked_at`` is later for one that
    was taken back afterwards. A compromised key says so, and nothing that bears it is good.
    """
    done = SigningKey.objects.filter(use="federation", state__in=["old", "killed"]).order_by("pk")
    claims = {"iss": conf.authority().entity_id, "iat": now, "keys": [_entry(row) for row in done]}
    return jws.sign(HISTORICAL_KEYS, claims, signing.signer("federation"))


def verify_old(text: str, *, peer: Peer, now: int) -> VerifiedJWS:
    """Verify an old statement of a peer: by the keys that are pinned, or else by those of its past, asked for now.

    The signature and the time of signing are what is verified, and nothing that the statement says. Raises `Refusal`,
    or `Unavailable` when the peer does not tell its history.
    """
    pinned = parse_jwks(peer.jwks)
    parsed = jws.parse_unverified(text, ENTITY_STATEMENT)
    if parsed.claims.get("iss") != peer.entity_id:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a statement of another entity")
    if pinned.find(parsed.kid) is not None:
        return jws.verify(parsed, ENTITY_STATEMENT, pinned, now=now, ignore_expiry=True)
    configuration = peering.fetch_configuration(peer.entity_id, now=now)
    entity = configuration.metadata.get("federation_entity", {})
    endpoint = strict_json.string(entity, "federation_historical_keys_endpoint")
    answer = fetching.get(endpoint, media_type=MEDIA_TYPE).body.decode("ascii", "replace")
    past = historical_keys.read(answer, issuer=peer.entity_id, keys=pinned, now=now)
    return past.verify(text, ENTITY_STATEMENT, now=now)


def _entry(row: SigningKey) -> dict[str, Any]:
    reason = "compromised" if row.state == SigningKey.State.KILLED else "superseded"
    revoked = {"revoked_at": row.withdrawn_at or row.retired_at, "reason": reason}
    return {**row.jwk, "kid": row.kid, "iat": row.made_at, "exp": row.retired_at, "revoked": revoked}

"""An entity that may become a peer, as it was looked at: its configuration was fetched, and nothing is kept here.

What was seen goes through the officer's browser between the pages, signed by this node, so that the keys that are
compared are those that are pinned.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing

from idp.federation import peering
from idp.federation.models import Peer
from idp.federation.peering import UnableToPeer
from idp.protocol import keys
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified

HELD = 3600  # seconds in which a telephone call and a form are done
SALT = "federation.recognition.candidate"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What its configuration says, and ``since``, where it is known here already (`payloads`)."""

    entity_id: str
    since: int | None
    name: Mapping[str, str]
    jwks: Mapping[str, Any]
    signer: str  # thumbprint of the key under its configuration
    types: tuple[str, ...]

    def pinned(self, thumbprints: set[str]) -> dict[str, Any]:
        """Those of its keys, to be pinned. Raises `UnableToPeer` where the one that signs is not among them."""
        if self.signer not in thumbprints:
            raise UnableToPeer("conflict", "the key that signs its configuration has not been compared")
        return keys.KeySet(key for key in keys.parse_jwks(self.jwks).keys if key.thumbprint in thumbprints).jwks()


def look(entity_id: str, *, now: int) -> Candidate:
    """Fetch the entity's configuration, verified against itself and nothing else.

    Raises `UnableToPeer` for what can be no peer or is recognised, `Refusal` (its fault) or `Unavailable`.
    """
    peering.check_candidate(entity_id)
    peer = Peer.objects.filter(entity_id=entity_id, ended_at=None).first()
    if peer is not None and peer.recognised_at is not None:
        raise UnableToPeer("conflict", "the peer is recognised")
    configuration = peering.fetch_configuration(entity_id, now=now)
    offered = configuration.keys
    if peer is not None and peer.accepted_at is not None:  # a hint rests on these
        offered = keys.parse_jwks(peer.jwks)
        if not peering.signed_by(configuration, offered):
            raise UnableToPeer("conflict", "the configuration is not signed by a key that is pinned for this peer")
    signer = configuration.keys.find(parse_unverified(configuration.text, ENTITY_STATEMENT).kid)
    return Candidate(
        entity_id=entity_id,
        since=None if peer is None else peer.proposed_at,
        name=peering.names(configuration),
        jwks=offered.jwks(),
        signer="" if signer is None else signer.thumbprint,
        types=tuple(sorted(configuration.metadata)),
    )


def sealed(candidate: Candidate, *, officer: str) -> str:
    """The candidate as text, for this officer's next request."""
    return signing.dumps({**asdict(candidate), "officer": officer}, salt=SALT, compress=True)


def opened(text: str, *, officer: str) -> Candidate:
    """What `sealed` made within `HELD` seconds for the same officer. Raises `UnableToPeer`."""
    try:
        found = signing.loads(text, salt=SALT, max_age=HELD)
    except signing.BadSignature as error:
        raise UnableToPeer("conflict", "too much time has passed: look at the peer anew") from error
    if found.pop("officer") != officer:
        raise UnableToPeer("conflict", "another officer looked at the peer: look at it anew")
    return Candidate(**{**found, "types": tuple(found["types"])})

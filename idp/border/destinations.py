"""The checkpoints of this and other authorities, as their resolved metadata describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.border.checkpoints import parse_sealing_keys
from idp.conf import authority
from idp.federation import resolution, revision
from idp.protocol import keys
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain

JURISDICTIONS = frozenset({"CHN", "HKG", "MAC"})
HOLD = 30  # seconds; a peer's chain that goes to its end is noticed as soon as a bundle would
MAX_HELD = 1024  # checkpoints in one process


@dataclass(frozen=True)
class Destination:
    """A checkpoint that a border token can be for."""

    entity_id: str
    authority: str  # entity identifier of the authority that vouches for it
    jurisdiction: str
    neighbour: str
    directions: tuple[str, ...]
    face_models: tuple[str, ...]
    sealing_keys: tuple[keys.PublicKey, ...]  # current first
    names: Mapping[str, str]

    def title(self, language: str) -> str:
        """Its name in ``language``, or in English."""
        return self.names.get(language, self.names["en"])

    def leg(self, direction: str) -> tuple[str, str]:
        """(from, to) of a crossing in ``direction``."""
        inward = (self.neighbour, self.jurisdiction)
        return inward if direction == "entry" else (inward[1], inward[0])


def resolve(entity_id: str, *, now: int) -> Destination:
    """The checkpoint ``entity_id``, through its trust chain; raises `Refusal` or `Unavailable`.

    It must be hosted by an authority that is this one, or an immediate subordinate of it (recognition is not
    transitive), its identifier must lie under that authority's, and it must stand in that authority's territory: an
    entry into it uses up an endorsement for it. What was found is held for a moment, while nothing changes here.
    """
    number = revision.committed()
    held = _held.get(entity_id)
    if held is not None and held.number == number and held.since <= now < held.until:
        return held.destination
    destination, until = _found(entity_id, now=now)
    if number is not None:  # read before anything that it covers
        if len(_held) >= MAX_HELD:
            _held.clear()
        _held[entity_id] = _Held(number, now, min(until, now + HOLD), destination)
    return destination


def _found(entity_id: str, *, now: int) -> tuple[Destination, int]:
    chain = resolution.resolve(entity_id, now=now, entity_type="oauth_resource")
    return of_chain(chain, lambda superior: _jurisdiction(superior, now=now)), chain.expires_at


def of_chain(chain: TrustChain, jurisdiction_of: Callable[[str], object]) -> Destination:
    """The checkpoint whose chain this is; ``jurisdiction_of`` an authority. Raises `Refusal`, or what that raises."""
    entity_id, superior = chain.entity_id, chain.path[1] if len(chain.path) > 1 else ""
    own = authority().entity_id
    if len(chain.path) > (2 if superior == own else 3) or not entity_id.startswith(f"{superior}/checkpoints/"):
        raise Refusal(Reason.UNTRUSTED_ISSUER, "not a checkpoint of this authority or of a peer that it recognises")
    destination = _read(entity_id, superior, chain.entity("oauth_resource"))
    if destination.jurisdiction != jurisdiction_of(superior):
        raise Refusal(Reason.UNTRUSTED_ISSUER, "a checkpoint outside its authority's territory")
    return destination


def _jurisdiction(superior: str, *, now: int) -> object:
    if superior == authority().entity_id:
        return authority().jurisdiction
    peer = resolution.resolve(superior, now=now, entity_type="border_token_issuer", immediate=True, at_hand=True)
    return peer.entity("border_token_issuer").get("jurisdiction")


def _read(entity_id: str, superior: str, metadata: Mapping[str, Any]) -> Destination:
    if metadata.get("resource") != entity_id:
        raise Refusal(Reason.MALFORMED, "resource is not the entity identifier")
    jurisdiction, neighbour = metadata.get("border_jurisdiction"), metadata.get("border_neighbour")
    known = isinstance(jurisdiction, str) and isinstance(neighbour, str) and {jurisdiction, neighbour} <= JURISDICTIONS
    if not known or jurisdiction == neighbour:
        raise Refusal(Reason.MALFORMED, "a checkpoint without its two jurisdictions")
    return Destination(
        entity_id=entity_id,
        authority=superior,
        jurisdiction=str(jurisdiction),
        neighbour=str(neighbour),
        directions=_words(metadata, "border_directions"),
        face_models=_words(metadata, "face_models_supported"),
        sealing_keys=parse_sealing_keys(metadata["jwks"]) if "jwks" in metadata else (),
        names=_names(metadata),
    )


def _words(metadata: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = metadata.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refusal(Reason.MALFORMED, f"{name} is not a list of strings")
    return tuple(value)


def _names(metadata: Mapping[str, Any]) -> dict[str, str]:
    """``resource_name`` and its translations ``resource_name#tag`` (RFC 9728 §2.1), by lower-case language tag."""
    names = {
        key.partition("#")[2].lower() or "en": value
        for key, value in metadata.items()
        if key.partition("#")[0] == "resource_name" and isinstance(value, str) and len(value) <= 200
    }
    if "en" not in names:
        raise Refusal(Reason.MALFORMED, "a checkpoint without a name")
    return names


@dataclass(frozen=True)
class _Held:
    """A checkpoint as it was found when `revision` was ``number``; times in seconds since 1970."""

    number: int
    since: int
    until: int
    destination: Destination


_held: dict[str, _Held] = {}

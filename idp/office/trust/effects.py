"""Who is touched by a change of a peer's terms: the peer in what it does for us, and everything known below it.

`idp.federation.rehearsal` finds the chains; this room knows what each entity is needed for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from idp.border import destinations
from idp.border.models import IssuedToken, SurveyedCheckpoint
from idp.conf import authority
from idp.federation import rehearsal, resolution
from idp.federation.models import ChainCache, Peer
from idp.federation.rehearsal import Effect, Find, Subject
from idp.federation.terms import Terms
from idp.oidc import registration
from idp.oidc.errors import OAuthError
from idp.oidc.models import Client
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.trust_chain import TrustChain

MAX_KNOWN = 300  # entities below one peer that are looked at
MAX_CLIENTS = 5_000  # registrations that are read through for the chain that they came by
_CHAINED = (Client.Registration.AUTOMATIC, Client.Registration.EXPLICIT)


class Need(StrEnum):
    """What an entity is needed for."""

    ISSUER = "issuer"  # its border tokens at our gates
    PROVIDER = "provider"  # logins with its accounts
    CLIENT = "client"  # logins there with our accounts
    CHECKPOINT = "checkpoint"  # tokens of ours for it
    ENTITY = "entity"  # not known what for


@dataclass(frozen=True)
class Known:
    """An entity and what it is needed for. ``keeps_until``: until when an explicit registration stays as it is."""

    need: Need
    subject: Subject
    keeps_until: int | None = None


@dataclass(frozen=True)
class Touched:
    """One effect, and for what it matters."""

    known: Known
    effect: Effect


def preview(peer: Peer, proposed: Terms, *, now: int, recognised: bool = False) -> list[Touched]:
    """What the terms would do, those first that would be refused. What is not held is asked for, and nothing is kept.

    Raises `UnableToAgree` for terms that cannot be set.
    """
    found = known(peer, now=now)
    effects = rehearsal.what_would_change(
        peer,
        proposed=proposed,
        subjects=[item.subject for item in found],
        now=now,
        fetch=rehearsal.documents(now),
        recognised=recognised,
    )
    return sorted((Touched(*pair) for pair in zip(found, effects, strict=True)), key=_order)


def known(peer: Peer, *, now: int) -> list[Known]:
    """The peer in what it does for us, and what is known below it."""
    node = peer.entity_id
    itself = [
        Known(Need.ISSUER, Subject(node, True, lambda chain, find: resolution.require_issuer(chain, now=now))),
        Known(Need.PROVIDER, Subject(node, True, lambda chain, find: chain.entity("openid_provider"))),
    ]
    clients = _clients(node)
    places = _checkpoints(node, now=now)
    below = _below(node, now=now)
    itself += [
        Known(Need.CLIENT, Subject(name, judge=_as_client(str(client.registration))), _kept(client, now=now))
        for name, client in sorted(clients.items())
    ]
    itself += [Known(Need.CHECKPOINT, Subject(name, judge=_as_checkpoint)) for name in sorted(places)]
    rest = sorted(below.keys() - clients.keys() - places)
    itself += [Known(Need.CLIENT, Subject(name, judge=_as_client())) for name in rest if _is_client(below[name])]
    itself += [Known(Need.ENTITY, Subject(name)) for name in rest if not _is_client(below[name])]
    return itself[:MAX_KNOWN]


def _order(touched: Touched) -> tuple[bool, bool, bool, str]:
    effect = touched.effect
    return not effect.refused, not effect.accepted, not effect.changed, effect.subject.entity_id


def _below(node: str, *, now: int) -> dict[str, Mapping[str, Any]]:
    """Metadata as it stands, by entity, of everything that was found by way of the peer."""
    rows = ChainCache.objects.filter(members__contains=f"\n{node}\n", failure="", expires_at__gt=now).exclude(
        subject=node
    )
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows.order_by("subject")[:MAX_KNOWN]:
        chain = resolution.cached(row.subject, now=now) if row.subject not in found else None
        found.setdefault(row.subject, {} if chain is None else chain.metadata)
    return found


def _clients(node: str) -> dict[str, Client]:
    rows = Client.objects.filter(registration__in=_CHAINED, disabled=False).order_by("client_id")[:MAX_CLIENTS]
    return {row.client_id: row for row in rows if node in row.chain_path}


def _checkpoints(node: str, *, now: int) -> set[str]:
    """Those that were surveyed, those that tokens of ours are on the way to, and those of which a chain is held."""
    living = IssuedToken.objects.filter(authority=node, expires_at__gt=now, revoked_at=None)
    chains = ChainCache.objects.filter(subject__startswith=f"{node}/checkpoints/", failure="")
    return {
        *SurveyedCheckpoint.objects.filter(authority=node).values_list("entity_id", flat=True),
        *living.values_list("checkpoint", flat=True).distinct(),
        *chains.values_list("subject", flat=True),
    }


def _kept(client: Client, *, now: int) -> int | None:
    explicit = client.registration == Client.Registration.EXPLICIT
    return client.expires_at if explicit and client.expires_at is not None and client.expires_at > now else None


def _is_client(metadata: Mapping[str, Any]) -> bool:
    return registration.ENTITY_TYPE in metadata


def _as_client(how: str = Client.Registration.AUTOMATIC.value) -> rehearsal.Judge:
    def judge(chain: TrustChain, find: Find) -> None:
        try:
            registration.metadata_of(chain, registration=how)
        except OAuthError as error:
            raise Refusal(Reason.POLICY_VIOLATION, error.detail or error.code) from error

    return judge


def _as_checkpoint(chain: TrustChain, find: Find) -> None:
    """As `idp.border.destinations` takes one: its authority must be an issuer for its territory."""

    def jurisdiction(superior: str) -> object:
        if superior == authority().entity_id:
            return authority().jurisdiction
        return find(superior, immediate=True).entity("border_token_issuer").get("jurisdiction")

    chain.entity("oauth_resource")
    destinations.of_chain(chain, jurisdiction)


def lost_keys(touched: Iterable[Touched]) -> Iterator[str]:
    """Key identifiers that the issuer's metadata would have no longer: what they signed is good no more."""
    for item in touched:
        if item.known.need is Need.ISSUER and not item.effect.refused:
            before, after = (_kids(verdict.metadata) for verdict in (item.effect.before, item.effect.after))
            yield from sorted(before - after)


def _kids(metadata: Mapping[str, Any]) -> set[str]:
    jwks = metadata.get("border_token_issuer", {}).get("jwks", {})
    keys = jwks.get("keys", []) if isinstance(jwks, dict) else []
    return {str(key.get("kid")) for key in keys if isinstance(key, dict)} if isinstance(keys, list) else set()

"""The issuers that every checkpoint's bundle names, with their status lists: the same for all, and put together once.

Some hundred lists are a megabyte, and seven hundred lanes ask every half minute. So a process holds what it has put
together, under numbers that say what it is made of, and looks at these at each request: what an officer or a peer has
changed shows in the next bundle, as it would if nothing were held. Which chains these are is found once in each second
and `revision`: what they are made of changes with one or the other, and finding them takes more than all the rest.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from idp import conf
from idp.federation import resolution, revision, status_lists, status_mirror
from idp.federation.models import Peer
from idp.protocol.trust_bundle import MAX_LISTS


@dataclass(frozen=True)
class Trusted:
    """The ``issuers`` of a bundle, and a digest that stands for them."""

    claim: list[dict[str, Any]]
    digest: str

    @property
    def configuration(self) -> str:
        """This node's own, which is its whole chain."""
        return str(self.claim[0]["chain"][0])


Chains = Sequence[tuple[str, tuple[str, ...]]]

_chains: dict[tuple[str, int, int], Chains] = {}  # one, by node, revision and second
_held: dict[Any, Trusted] = {}  # one, by the numbers that it was made under


def accepted(now: int) -> Trusted:
    """Every accepted issuer with its chain and its status lists."""
    chains = _accepted(now)
    # What a transaction sees may never be, so nothing is held of it.
    made_of = None if connection.in_atomic_block else _versions(chains, now)
    if made_of is not None and (known := _held.get(made_of)) is not None:
        return known
    claim = _claim(chains, now)
    found = Trusted(claim, hashlib.sha256(json.dumps(claim, sort_keys=True).encode()).hexdigest())
    if made_of is not None and made_of == _versions(chains, now):  # and not of something between the two
        _held.clear()
        _held[made_of] = found
    return found


def _accepted(now: int) -> Chains:
    """`resolution.accepted_issuers`, held where a second has many requests."""
    number = revision.committed()
    if number is None:
        return resolution.accepted_issuers(now)
    key = conf.authority().entity_id, number, now
    if (known := _chains.get(key)) is not None:
        return known
    found = resolution.accepted_issuers(now)
    if len(found) == 1 + Peer.objects.recognised(now).count():  # a peer that was left out may be found any moment
        _chains.clear()
        _chains[key] = found  # the number was read before them, so no change is lost
    return found


def _claim(chains: Chains, now: int) -> list[dict[str, Any]]:
    node = conf.authority().entity_id
    own = status_lists.published_live(now)[-MAX_LISTS:]
    return [
        {
            "chain": list(chain),
            "status_lists": own if entity_id == node else status_mirror.lists_of(entity_id, now),
        }
        for entity_id, chain in chains
    ]


def _versions(chains: Chains, now: int) -> Any:
    own = status_lists.versions(now)
    if own is None:
        return None
    return (
        conf.authority().entity_id,
        tuple(chains),
        own,
        *(status_mirror.versions(peer, now) for peer, _ in chains[1:]),
    )

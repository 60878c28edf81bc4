"""The memory of trust chains: those found and those that were not, in the database; those verified, in the process.

A row keeps the statements, not the verdict: whoever takes one out verifies it, or finds that this process did so
before with the same keys.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Mapping

from django.db import transaction

from idp.federation.models import ChainCache
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain, verify_chain

REFRESH_AFTER = 3600  # seconds after which a chain is looked for again; the old one serves while nobody answers
JITTER = 0.25  # of that: nodes that resolved together must not come back together
RETRY_AFTER = 30  # seconds for which a failure is remembered: a stranger's request must not start a search each time
COOLDOWN = 60  # seconds between two searches that an unknown key asks for; whoever makes keys up gets no more
UNAVAILABLE = "unavailable"
MAX_REMEMBERED = 10_000  # failures; a stranger can name as many subjects as it likes

_Key = tuple[tuple[str, ...], tuple[str, ...], bool]


def remembered(entity_id: str, *, immediate: bool, now: int) -> ChainCache | None:
    """What is known of the entity and has not expired: a chain or a failure."""
    return ChainCache.objects.filter(subject=entity_id, immediate=immediate, expires_at__gt=now).first()


def raise_failure(row: ChainCache) -> None:
    """Raise what the last search ended with, if it found no chain."""
    if row.failure == UNAVAILABLE:
        raise Unavailable("nobody answered a moment ago")
    if row.failure:
        raise Refusal(Reason(row.failure), "no trust chain was found a moment ago")


def verified(row: ChainCache, *, anchors: Mapping[str, KeySet], now: int) -> TrustChain:
    """The row's chain, verified under ``anchors``; raises `Refusal`."""
    thumbprints = tuple(key.thumbprint for pinned in anchors.values() for key in pinned.keys)
    key = (tuple(row.statements), thumbprints, row.immediate)
    chain = _chains.get(key, now)
    if chain is None:
        chain = verify_chain(row.statements, anchors=anchors, now=now, immediate=row.immediate)
        _chains.keep(key, chain, now)
    return chain


def keep(chain: TrustChain, *, immediate: bool, now: int) -> None:
    """Remember a chain until it expires, and that it shall be looked for before, each node at its own time."""
    lifetime = chain.expires_at - now
    wait = int(min(REFRESH_AFTER, lifetime) * (1 - JITTER * random.random()))  # noqa: S311  spread, no secret
    members = "".join(f"\n{member}\n" for member in chain.path)
    values = {"failure": "", "statements": list(chain.statements), "members": members}
    _store(chain.entity_id, immediate, values, now=now, wait=wait, lifetime=lifetime)


def keep_failure(entity_id: str, failure: str, *, immediate: bool, now: int) -> None:
    """Remember for a short while that there is no chain, and why: a refusal's reason or `UNAVAILABLE`."""
    values = {"failure": failure, "statements": [], "members": ""}
    _store(entity_id, immediate, values, now=now, wait=RETRY_AFTER, lifetime=RETRY_AFTER)
    if ChainCache.objects.exclude(failure="").count() > MAX_REMEMBERED:
        ChainCache.objects.filter(expires_at__lte=now).delete()
        ChainCache.objects.exclude(failure="").delete()


def postpone(row: ChainCache, *, now: int) -> None:
    """Ask again in a while only: nobody answers just now, and the old chain still holds."""
    ChainCache.objects.filter(pk=row.pk).update(refresh_at=now + RETRY_AFTER)


def claim(entity_id: str, *, immediate: bool, now: int) -> bool:
    """Whether the caller may search again because of an unknown key: one UPDATE, shared by all workers."""
    rows = ChainCache.objects.filter(subject=entity_id, immediate=immediate, searched_at__lte=now - COOLDOWN)
    return rows.update(searched_at=now) > 0


def _store(
    entity_id: str, immediate: bool, values: Mapping[str, object], *, now: int, wait: int, lifetime: int
) -> None:
    times = {"refresh_at": now + wait, "searched_at": now, "expires_at": now + lifetime}
    with transaction.atomic():
        ChainCache.objects.update_or_create(subject=entity_id, immediate=immediate, defaults={**values, **times})


class _Verified:
    """Chains that this process verified: the same statements under the same keys verify again until one expires."""

    SIZE = 4096  # chains; each has some 10 KB of statements

    def __init__(self) -> None:
        self._chains: OrderedDict[_Key, tuple[int, TrustChain]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key, now: int) -> TrustChain | None:
        verified_at, chain = self._chains.get(key, (0, None))
        return chain if chain is not None and verified_at <= now < chain.expires_at else None

    def keep(self, key: _Key, chain: TrustChain, now: int) -> None:
        with self._lock:
            self._chains[key] = (now, chain)
            while len(self._chains) > self.SIZE:
                self._chains.popitem(last=False)


_chains = _Verified()

"""The memory of trust chains: those found and those that were not, in the database; those verified, in the process.

A row keeps the statements, not the verdict: whoever takes one out verifies it. A process that did so holds the verdict
until the chain is to be refreshed or `revision` has grown: until a switch, a key or a chain was changed by anybody.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from idp.federation import revision
from idp.federation.models import ChainCache
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.jws import parse_unverified
from idp.protocol.refusals import Reason, Refusal, Unavailable
from idp.protocol.trust_chain import TrustChain

REFRESH_AFTER = 3600  # seconds after which a chain is looked for again; the old one serves while nobody answers
JITTER = 0.25  # of that: nodes that resolved together must not come back together
RETRY_AFTER = 30  # seconds for which a failure is remembered: a stranger's request must not start a search each time
COOLDOWN = 60  # seconds between two searches that an unknown key asks for; whoever makes keys up gets no more
UNAVAILABLE = "unavailable"
MAX_REMEMBERED = 10_000  # failures; a stranger can name as many subjects as it likes
MAX_FAILED = 500  # searches that failed within `RETRY_AFTER`, beyond which no stranger's is begun
MAX_FAILED_BELOW = 10  # of one host: nobody shall have us knock at a third party's door by naming paths there
MAX_HELD = 4096  # chains in one process; each has some 10 KB of statements


def remembered(entity_id: str, *, immediate: bool, now: int) -> ChainCache | None:
    """What is known of the entity and has not expired: a chain or a failure."""
    return ChainCache.objects.filter(subject=entity_id, immediate=immediate, expires_at__gt=now).first()


def raise_failure(row: ChainCache) -> None:
    """Raise what the last search ended with, if it found no chain."""
    if row.failure == UNAVAILABLE:
        raise Unavailable("nobody answered a moment ago")
    if row.failure:
        raise Refusal(Reason(row.failure), "no trust chain was found a moment ago")


def refuse_storm(entity_id: str, *, now: int) -> None:
    """Raise `Unavailable` while too many searches have failed lately, at the entity's host or altogether (§18.1)."""
    failed = ChainCache.objects.filter(expires_at__gt=now).exclude(failure="")
    origin = "/".join(entity_id.split("/")[:3])
    there = failed.filter(Q(subject=origin) | Q(subject__startswith=f"{origin}/"))
    if there.count() >= MAX_FAILED_BELOW or failed.count() >= MAX_FAILED:
        raise Unavailable("too many searches have failed just now")


def held(entity_id: str, *, immediate: bool, number: int, now: int, at_hand: bool = False) -> TrustChain | None:
    """The chain that this process verified when the revision was ``number`` too, until it is to be refreshed.

    ``at_hand``: until it expires, for those who leave it to others to look again.
    """
    found = _held.get((entity_id, immediate))
    if found is None or found.number != number:
        return None
    return found.chain if found.since <= now < (found.expires if at_hand else found.until) else None


def hold(chain: TrustChain, *, immediate: bool, refresh_at: int, number: int, now: int) -> None:
    """Hold what was verified; ``number`` was read before the chain was, so that no change in between is lost.

    Not within a transaction: what is read there may be rolled back, and the number come again with another meaning.
    """
    if connection.in_atomic_block:
        return
    with _lock:
        until = min(refresh_at, chain.expires_at)
        _held[chain.entity_id, immediate] = _Held(number, now, until, chain.expires_at, chain)
        while len(_held) > MAX_HELD:
            _held.popitem(last=False)


def keep(chain: TrustChain, *, immediate: bool, now: int) -> ChainCache:
    """Remember a chain until it expires, and that it shall be looked for before, each node at its own time."""
    lifetime = chain.expires_at - now
    wait = int(min(REFRESH_AFTER, lifetime) * (1 - JITTER * random.random()))  # noqa: S311  spread, no secret
    members = "".join(f"\n{member}\n" for member in chain.path)
    values: dict[str, Any] = {"failure": "", "statements": list(chain.statements), "members": members}
    return _store(chain.entity_id, immediate, values, now=now, wait=wait, lifetime=lifetime)


def keep_failure(entity_id: str, failure: str, *, immediate: bool, now: int) -> None:
    """Remember for a short while that there is no chain, and why: a refusal's reason or `UNAVAILABLE`."""
    values: dict[str, Any] = {"failure": failure, "statements": [], "members": ""}
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
    entity_id: str, immediate: bool, values: Mapping[str, Any], *, now: int, wait: int, lifetime: int
) -> ChainCache:
    times = {"refresh_at": now + wait, "searched_at": now, "expires_at": now + lifetime}
    with transaction.atomic():
        before = ChainCache.objects.filter(subject=entity_id, immediate=immediate).values_list("statements").first()
        defaults = {**values, **times}
        row, _ = ChainCache.objects.update_or_create(subject=entity_id, immediate=immediate, defaults=defaults)
        if before is not None and not _is_no_news(before[0], values["statements"], immediate=immediate):
            revision.grow()  # other processes may hold the old one
    return row


def _is_no_news(before: Sequence[str], now: Sequence[str], *, immediate: bool) -> bool:
    """Whether those who hold the chain of before may go on: it was signed again and says the same.

    They look again when it is to be refreshed. Not so those who take an immediate chain at hand until it expires: they
    have to hear of every younger one.
    """
    return before == now or (not immediate and [*map(_said, before)] == [*map(_said, now)])


def _said(statement: str) -> Mapping[str, object]:
    """What a statement, which was verified when it came, says apart from its times, and with which key."""
    parsed = parse_unverified(statement, ENTITY_STATEMENT)
    return {**parsed.claims, "iat": None, "exp": None, "kid": parsed.kid}


@dataclass(frozen=True)
class _Held:
    number: int
    since: int
    until: int
    expires: int
    chain: TrustChain


_held: OrderedDict[tuple[str, bool], _Held] = OrderedDict()
_lock = threading.Lock()

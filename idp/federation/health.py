"""How the federation is doing now: of each peer what is known, how old it is, and when it ends."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Min

from idp.federation import failures
from idp.federation.models import ChainCache, MirroredStatusList, Peer, WitnessedHead


@dataclass(frozen=True)
class Health:
    """One peer. Times are seconds since 1970; None where there is nothing of which it would be."""

    entity_id: str
    standing: str  # `Peer.standing`
    valid_until: int | None
    chain_searched_at: int | None
    chain_expires_at: int | None
    copies: int  # of its status lists, that are still good
    oldest_copy: int | None  # when it was issued
    first_copy_ends: int | None
    head_size: int | None  # of its audit tree, as it was proven last
    head_seen_at: int | None
    contradictions: int  # open
    failing: int  # acts
    failing_since: int | None


def peers(*, now: int) -> list[Health]:
    """Every peer that has not ended, by name: five queries, however many there are."""
    chains = {row.subject: row for row in ChainCache.objects.filter(immediate=True, failure="", expires_at__gt=now)}
    copies = {
        row["issuer"]: row
        for row in MirroredStatusList.objects.filter(expires_at__gt=now)
        .order_by()
        .values("issuer")
        .annotate(count=Count("pk"), oldest=Min("issued_at"), ends=Min("expires_at"))
    }
    rows = WitnessedHead.objects.order_by().values("authority")
    heads = {
        row["authority"]: row for row in rows.filter(contradicts=False).annotate(size=Max("size"), seen=Max("seen_at"))
    }
    against = dict(
        rows.filter(contradicts=True, resolved_at=None).annotate(count=Count("pk")).values_list("authority", "count")
    )
    failing: dict[str, list[int]] = {}
    for row in failures.standing():
        failing.setdefault(row.entity_id, []).append(row.since)
    return [
        _health(peer, chains.get(peer.entity_id), copies, heads, against, failing.get(peer.entity_id, ()))
        for peer in Peer.objects.filter(ended_at=None).order_by("entity_id")
    ]


def _health(
    peer: Peer,
    chain: ChainCache | None,
    copies: dict[str, dict[str, int]],
    heads: dict[str, dict[str, int]],
    against: dict[str, int],
    failing: Iterable[int],
) -> Health:
    name, since = peer.entity_id, list(failing)
    copy, head = copies.get(name, {}), heads.get(name, {})
    return Health(
        name,
        peer.standing,
        peer.valid_until,
        chain.searched_at if chain else None,
        chain.expires_at if chain else None,
        copy.get("count", 0),
        copy.get("oldest"),
        copy.get("ends"),
        head.get("size"),
        head.get("seen"),
        against.get(name, 0),
        len(since),
        min(since, default=None),
    )

"""The heads of our own audit tree: signed every minute, so that peers can hold us to them."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from idp import conf
from idp.audit import tree
from idp.federation import signing
from idp.federation.head_models import SignedHead
from idp.protocol import tree_head
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Refusal

DAY = 86_400
KEEP = 30 * DAY  # seconds for which every head is kept; after them the last of each day


def sign(now: int) -> SignedHead | None:
    """Sign the head over all that is sealed; None while nothing is. What is signed is stored first."""
    newest = tree.newest_head()
    if newest is None:
        return None
    text = tree_head.sign_tree_head(
        issuer=conf.authority().entity_id,
        size=newest.size,
        root=bytes(newest.root),
        now=now,
        signer=signing.signer("audit"),
    )
    return SignedHead.objects.update_or_create(size=newest.size, defaults={"at": now, "text": text})[0]


def newest() -> SignedHead | None:
    """The head that was signed last."""
    return SignedHead.objects.order_by("-size").first()


def keys(now: int) -> KeySet:
    """The keys by which our heads are verified."""
    return signing.published("audit", now=now)


def contradiction(head: tree_head.TreeHead) -> str | None:
    """What is wrong when this head of ours (its signature verified) is not one of the tree as it is now."""
    if head.size > tree.size():
        return f"a head over {head.size} events was signed, of which some are missing now"
    if tree.root_at(head.size) != head.root:
        return f"the first {head.size} events are others than when their head was signed"
    return None


def findings(now: int) -> Iterator[str]:
    """What is broken about the heads that we signed, one line each."""
    node, own = conf.authority().entity_id, keys(now)
    for row in SignedHead.objects.order_by("size").iterator():
        try:
            head = tree_head.verify_tree_head(row.text, keys=own, issuer=node, now=now)
        except Refusal as refusal:
            if row.at > now - signing.OVERLAP:  # older ones were signed by keys that are let go
                yield f"signed head {row.size} does not verify: {refusal.detail}"
            continue
        if fault := contradiction(head):
            yield fault


def thin_out(rows: QuerySet[Any], now: int) -> int:
    """Of one authority's heads, delete those of long ago but for the last of each day; how many went."""
    old = rows.filter(at__lt=now - KEEP)
    last_of_day = {at // DAY: pk for pk, at in old.order_by("size").values_list("pk", "at")}
    return int(old.exclude(pk__in=list(last_of_day.values())).delete()[0])

"""What a checkpoint's bundle says besides the chains and status lists that the federation room adds."""

from typing import Any

from idp.border.models import Checkpoint, WatchlistEntry
from idp.border.policy import policy_for, travel_rules
from idp.conf import authority
from idp.federation import bundles


def build(*, checkpoint: Checkpoint, now: int) -> dict[str, Any]:
    """The signed trust bundle of ``checkpoint`` as its lanes fetch it (protocol.md, Trust bundle)."""
    policy = dict(checkpoint.policy)
    modes, liveness = policy.pop("modes", ["time", "challenge"]), policy.pop("liveness", True)
    return bundles.build(
        checkpoint_entity_id=checkpoint.entity_id,
        checkpoint={
            "name": checkpoint.name,
            "jurisdiction": authority().jurisdiction,
            "neighbour": checkpoint.neighbour,
            "directions": checkpoint.directions,
            "modes": modes,
            "liveness": liveness,
        },
        policy=policy_for(policy),
        rules=travel_rules(),
        watchlist=list(WatchlistEntry.objects.order_by("number_hash").values_list("number_hash", flat=True)),
        opening=checkpoint.opening,
        now=now,
    )

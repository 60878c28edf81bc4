"""What a checkpoint's bundle says besides the chains and status lists that the federation room adds."""

from collections.abc import Collection
from typing import Any

from idp.border import badges, watching
from idp.border.models import Checkpoint
from idp.border.policy import policy_for, travel_rules
from idp.conf import authority
from idp.federation import bundles
from idp.protocol.gate_policy import parse_checkpoint, parse_policy
from idp.protocol.opening_hours import parse_opening
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.strict_json import b64encode

# A checkpoint that an officer closed: hours that say so to the traveller (the format has no "never"; this is the least
# there is), and no face threshold, so that nobody is admitted in that minute either.
NEVER = [{"days": [7], "from": "23:59", "until": "24:00"}]


def build(*, checkpoint: Checkpoint, now: int, known: str = "", tags: Collection[str] = ()) -> dict[str, Any]:
    """The signed trust bundle of ``checkpoint`` as its lanes fetch it (protocol.md, Trust bundle).

    ``known`` is the digest of the watch list that the lane has: that one is not sent again, and not read. Nor is it for
    a lane that has this very bundle: one of ``tags`` names it.
    """
    listed = watching.in_force(now=now)
    bundle = bundles.build(
        checkpoint_entity_id=checkpoint.entity_id,
        **parts(checkpoint),
        rules=travel_rules(now),
        watchlist=listed.claim,
        revoked_badges=badges.revoked(checkpoint=checkpoint, now=now),
        now=now,
    )
    has_it = known == listed.sha256 or bundles.etag(bundle) in tags
    return bundle if has_it else {**bundle, "watchlist": b64encode(bytes(listed.content))}


def parts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the officers decide about one checkpoint: ``checkpoint``, ``policy`` and ``opening`` of its bundle."""
    policy = dict(checkpoint.policy)
    modes, liveness = policy.pop("modes", ["time", "challenge"]), policy.pop("liveness", True)
    facts = {
        "name": checkpoint.name,
        "jurisdiction": authority().jurisdiction,
        "neighbour": checkpoint.neighbour,
        "directions": checkpoint.directions,
        "modes": modes,
        "liveness": liveness,
    }
    if not checkpoint.active:
        return {"checkpoint": facts, "policy": {**policy_for(policy), "face": {}}, "opening": NEVER}
    return {"checkpoint": facts, "policy": policy_for(policy), "opening": checkpoint.opening}


def check(checkpoint: Checkpoint) -> None:
    """Whether gates will be able to read what the officers decided; raises `Refusal` (malformed)."""
    if not isinstance(checkpoint.policy, dict):
        raise Refusal(Reason.MALFORMED, "the policy is not an object")
    said = parts(checkpoint)
    parse_checkpoint(said["checkpoint"])
    parse_policy(said["policy"])
    parse_opening(checkpoint.opening)

"""Which lane is asking: a short assertion signed by the lane's key, used once."""

from collections.abc import Mapping

from idp.border.models import Lane
from idp.conf import authority
from idp.oidc import replay
from idp.problems import Problem
from idp.protocol import keys
from idp.protocol.lane_assertion import parse_unverified_lane, verify_lane_assertion
from idp.protocol.refusals import Refusal

SCHEME = "Lane "


def require_lane(headers: Mapping[str, str], *, now: int) -> Lane:
    """The enrolled lane that signed this request; raises `Problem` (invalid_token)."""
    text = headers.get("Authorization", "")
    if not text.startswith(SCHEME):
        raise Problem("invalid_token", "no lane assertion")
    try:
        checkpoint, name = parse_unverified_lane(text.removeprefix(SCHEME))
        lane = (
            Lane.objects.select_related("checkpoint__entity")
            .filter(checkpoint__entity__entity_id=checkpoint, name=name, jwk__isnull=False, revoked_at__isnull=True)
            .first()
        )
        if lane is None:
            raise Problem("invalid_token", "no such lane")
        assertion = verify_lane_assertion(
            text.removeprefix(SCHEME),
            lane_key=keys.parse_public(lane.jwk),
            lane_id=lane.lane_id,
            audience=authority().entity_id,
            now=now,
        )
        replay.spend("lane-assertion", f"{lane.lane_id} {assertion.jti}", assertion.expires_at + 60)
    except Refusal as error:
        raise Problem("invalid_token", str(error)) from error
    Lane.objects.filter(pk=lane.pk).update(last_seen=now)
    return lane

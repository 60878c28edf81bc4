"""Which lane is asking: a short assertion signed by the lane's key, used once."""

from collections.abc import Mapping

from idp.border.models import Lane
from idp.conf import authority
from idp.oidc import replay
from idp.problems import Problem
from idp.protocol import keys
from idp.protocol.lane_assertion import SCHEME, parse_unverified_lane, verify_lane_assertion
from idp.protocol.refusals import Refusal


def require_lane(headers: Mapping[str, str], *, now: int) -> Lane:
    """The enrolled lane that signed this request; raises `Problem` (invalid_token)."""
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    if scheme != SCHEME:
        raise _unknown("no lane assertion")
    try:
        lane = _claimed(text)
        assertion = verify_lane_assertion(
            text, lane_key=keys.parse_public(lane.jwk), lane_id=lane.lane_id, audience=authority().entity_id, now=now
        )
        replay.spend("lane-assertion", f"{lane.lane_id} {assertion.jti}", assertion.expires_at + 60)
    except Refusal as error:
        raise _unknown(str(error)) from error
    Lane.objects.filter(pk=lane.pk).update(last_seen=now)
    return lane


def _claimed(text: str) -> Lane:
    """The lane that the assertion says it is of, if it may still ask; its key is not yet looked at."""
    checkpoint, name = parse_unverified_lane(text)
    lanes = Lane.objects.select_related("checkpoint__hosted").filter(jwk__isnull=False, revoked_at__isnull=True)
    # PostgreSQL takes no NUL in a text, and no identifier of ours has anything that cannot be printed.
    printable = checkpoint.isprintable() and name.isprintable()
    lane = lanes.filter(checkpoint__hosted__entity_id=checkpoint, name=name).first() if printable else None
    if lane is None:
        raise _unknown("no such lane")
    return lane


def _unknown(detail: str) -> Problem:
    return Problem("invalid_token", detail, headers={"WWW-Authenticate": SCHEME})  # RFC 9110 §11.6.1

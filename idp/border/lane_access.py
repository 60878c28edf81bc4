"""Which lane is asking: a short assertion signed by the lane's key, used once."""

from collections.abc import Mapping

from idp import prepared
from idp.border.models import Checkpoint, Lane
from idp.conf import authority
from idp.federation.models import HostedEntity
from idp.oidc import replay
from idp.plain_rows import Columns
from idp.problems import Problem
from idp.protocol import keys
from idp.protocol.lane_assertion import SCHEME, parse_unverified_lane, verify_lane_assertion
from idp.protocol.refusals import Refusal

_LANE, _CHECKPOINT, _HOSTED = Columns(Lane, "l"), Columns(Checkpoint, "c"), Columns(HostedEntity, "h")
_FIND = (
    f"SELECT {_LANE.sql}, {_CHECKPOINT.sql}, {_HOSTED.sql} FROM {_LANE.table} "  # noqa: S608  constants
    f"JOIN {_CHECKPOINT.table} ON c.id = l.checkpoint_id JOIN {_HOSTED.table} ON h.id = c.hosted_id "
    "WHERE h.entity_id = $1 AND l.name = $2 AND l.jwk IS NOT NULL AND l.revoked_at IS NULL"
)
_SEEN = f"UPDATE {Lane._meta.db_table} SET last_seen = CAST($1 AS bigint) WHERE id = $2 RETURNING id"  # noqa: S608


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
    prepared.rows(_SEEN, [now, lane.pk])
    return lane


def _claimed(text: str) -> Lane:
    """The lane that the assertion says it is of, if it may still ask; its key is not yet looked at."""
    checkpoint, name = parse_unverified_lane(text)
    # PostgreSQL takes no NUL in a text, and no identifier of ours has anything that cannot be printed.
    printable = checkpoint.isprintable() and name.isprintable()
    lane = _found(checkpoint, name) if printable else None
    if lane is None:
        raise _unknown("no such lane")
    return lane


def _found(checkpoint: str, name: str) -> Lane | None:
    for row in prepared.on_trial(lambda: prepared.rows(_FIND, [checkpoint, name])):
        lane, place = _LANE.read(row), _CHECKPOINT.read(row[len(_LANE) :])
        place.hosted = _HOSTED.read(row[len(_LANE) + len(_CHECKPOINT) :])
        lane.checkpoint = place
        return lane
    return None


def _unknown(detail: str) -> Problem:
    return Problem("invalid_token", detail, headers={"WWW-Authenticate": SCHEME})  # RFC 9110 §11.6.1

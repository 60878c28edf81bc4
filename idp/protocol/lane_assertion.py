"""How a lane says who it is to its node: ``Authorization: Lane <assertion>``, signed by the lane's enrolled key."""

from dataclasses import dataclass

from idp.protocol import jws, strict_json
from idp.protocol.jws import Signer
from idp.protocol.keys import KeySet, PrivateKey, PublicKey
from idp.protocol.refusals import Reason, Refusal

MAX_LIFE = 60  # seconds
MAX_LANE = 64  # characters of a lane's name
SCHEME = "Lane"

LANE_ASSERTION = jws.TokenType("lane-assertion+jwt", required=("iss", "aud", "iat", "exp", "jti"), max_bytes=4096)


@dataclass(frozen=True)
class LaneAssertion:
    """A verified lane. The caller spends ``jti`` once and may forget it after ``expires_at`` and the leeway."""

    lane_id: str
    jti: str
    expires_at: int


def assert_lane(*, lane_id: str, audience: str, now: int, jti: str, lane_key: Signer | PrivateKey) -> str:
    """Sign that this is the lane ``{checkpoint entity id}#{lane}`` to the node ``audience``; ``jti`` is random."""
    split_lane_id(lane_id)
    claims = {"iss": lane_id, "aud": audience, "iat": now, "exp": now + MAX_LIFE, "jti": jti}
    return jws.sign(LANE_ASSERTION, claims, lane_key)


def parse_unverified_lane(text: str) -> tuple[str, str]:
    """Checkpoint entity id and lane that an assertion *claims*, to find its key. Raises `Refusal` (malformed)."""
    parsed = jws.parse_unverified(text, LANE_ASSERTION)
    return split_lane_id(strict_json.string(parsed.claims, "iss"))


def verify_lane_assertion(text: str, *, lane_key: PublicKey, lane_id: str, audience: str, now: int) -> LaneAssertion:
    """Verify an assertion by the key of exactly the lane ``lane_id``, made for the node ``audience``.

    Raises `Refusal`: malformed (also a life over 60 s), bad_signature, expired, not_yet_valid, wrong_audience or
    untrusted_issuer (another lane).
    """
    claims = jws.verify(text, LANE_ASSERTION, KeySet((lane_key,)), now=now).claims
    jws.sole_audience(claims, audience)
    if claims["iss"] != lane_id:
        raise Refusal(Reason.UNTRUSTED_ISSUER, "an assertion of another lane")
    if not 0 < claims["exp"] - claims["iat"] <= MAX_LIFE:
        raise Refusal(Reason.MALFORMED, "an assertion that lives too long")
    return LaneAssertion(lane_id, claims["jti"], claims["exp"])


def split_lane_id(lane_id: str) -> tuple[str, str]:
    """Checkpoint entity id and lane of ``{checkpoint entity id}#{lane}``; raises `Refusal` (malformed)."""
    checkpoint, mark, lane = lane_id.partition("#")
    if not checkpoint or not mark or "#" in lane or not 0 < len(lane) <= MAX_LANE:
        raise Refusal(Reason.MALFORMED, "not the identifier of a lane")
    return checkpoint, lane

"""Ways to speak to a node as a lane that one is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, lane_assertion
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
NODE, CHECKPOINT = "https://idp.hk.example", "https://idp.hk.example/checkpoints/low"
LANE_ID = f"{CHECKPOINT}#7"
KEY, OTHER = keys.generate(), keys.generate()
GOOD = lane_assertion.assert_lane(lane_id=LANE_ID, audience=NODE, now=NOW, jti="one", lane_key=KEY)
CLAIMS = jws.parse_unverified(GOOD, lane_assertion.LANE_ASSERTION).claims


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        lane_assertion.verify_lane_assertion(
            text, **{"lane_key": KEY.public, "lane_id": LANE_ID, "audience": NODE, "now": NOW, **options}
        )
    return caught.value.reason


def forged(changes: dict[str, Any], key: keys.PrivateKey = KEY) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return jws.sign(lane_assertion.LANE_ASSERTION, claims, key)


def test_a_sound_assertion_names_its_lane() -> None:
    """A verifier that refuses everything would pass all the others."""
    assert lane_assertion.parse_unverified_lane(GOOD) == (CHECKPOINT, "7")
    verified = lane_assertion.verify_lane_assertion(
        GOOD, lane_key=KEY.public, lane_id=LANE_ID, audience=NODE, now=NOW + 60
    )
    assert verified == lane_assertion.LaneAssertion(LANE_ID, "one", NOW + 60)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": f"{CHECKPOINT}#8"}, Reason.UNTRUSTED_ISSUER),
        ({"iss": CHECKPOINT}, Reason.UNTRUSTED_ISSUER),
        ({"iss": f"{CHECKPOINT}#07"}, Reason.UNTRUSTED_ISSUER),
        ({"aud": [NODE]}, Reason.WRONG_AUDIENCE),
        ({"aud": f"{NODE}/"}, Reason.WRONG_AUDIENCE),
        ({"exp": NOW + 61}, Reason.MALFORMED),
        ({"exp": NOW, "iat": NOW}, Reason.MALFORMED),
        ({"iat": NOW - 100, "exp": NOW - 40}, Reason.EXPIRED),
        ({"iat": NOW + 30}, Reason.NOT_YET_VALID),
        ({"jti": ...}, Reason.MALFORMED),
        ({"jti": 7}, Reason.MALFORMED),
        ({"exp": True}, Reason.MALFORMED),
    ],
)
def test_assertion_that_this_lane_does_not_make_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim, although the lane's key signed."""
    assert reason_of(forged(changes)) is reason


def test_key_of_another_lane_is_refused() -> None:
    """invalid solely because another key signed, also under the same kid."""
    assert reason_of(forged({}, OTHER)) is Reason.BAD_SIGNATURE
    assert reason_of(GOOD, lane_key=OTHER.public) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "lane_id", ["", "#", "#7", CHECKPOINT, f"{CHECKPOINT}#", f"{LANE_ID}#7", f"{CHECKPOINT}#{'7' * 65}"]
)
def test_name_that_is_no_lane_is_refused(lane_id: str) -> None:
    """invalid solely because it does not read as checkpoint and lane in one way."""
    with pytest.raises(Refusal):
        lane_assertion.assert_lane(lane_id=lane_id, audience=NODE, now=NOW, jti="one", lane_key=KEY)
    with pytest.raises(Refusal):
        lane_assertion.parse_unverified_lane(forged({"iss": lane_id}))


@given(st.text(max_size=200))
def test_no_text_makes_the_parsers_fail_otherwise(text: str) -> None:
    """An exception of a library would become a 500."""
    reason_of(text)
    with pytest.raises(Refusal):
        lane_assertion.parse_unverified_lane(text)

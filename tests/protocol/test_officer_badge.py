"""An officer's badge: of this node, for this checkpoint, for a shift, and not taken back."""

from typing import Any

import pytest

from idp.protocol import jws
from idp.protocol.keys import KeySet
from idp.protocol.officer_badge import (
    MAX_LIFE,
    MAX_REVOKED,
    OFFICER_BADGE,
    Badge,
    parse_revoked,
    sign_badge,
    verify_badge,
)
from idp.protocol.refusals import Reason, Refusal
from tests.simulators.gate import CHECKPOINT, HK, NOW, bundle_key, federation_key, key

JTI = "AAECAwQFBgcICQoLDA0ODw"
CLAIMS = {"iss": HK, "aud": CHECKPOINT, "sub": "account:7", "iat": NOW, "exp": NOW + MAX_LIFE, "jti": JTI}


def read(text: str, **changes: Any) -> Badge:
    options = {"keys": KeySet([bundle_key().public]), "node": HK, "checkpoint": CHECKPOINT, "revoked": frozenset()}
    return verify_badge(text, **{**options, "now": NOW, **changes})


def refused(text: str, **changes: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        read(text, **changes)
    return caught.value.reason


def test_badge_is_read_to_the_end_of_the_shift() -> None:
    text = sign_badge(
        node=HK, checkpoint=CHECKPOINT, officer="account:7", jti=JTI, now=NOW, lifetime=MAX_LIFE, signer=bundle_key()
    )
    for now in (NOW, NOW + MAX_LIFE - 1):
        assert read(text, now=now) == Badge("account:7", JTI, NOW + MAX_LIFE)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://idp.mo.example"}, Reason.UNTRUSTED_ISSUER),
        ({"aud": f"{HK}/checkpoints/other"}, Reason.WRONG_AUDIENCE),
        ({"aud": [CHECKPOINT, HK]}, Reason.WRONG_AUDIENCE),
        ({"exp": NOW + MAX_LIFE + 1}, Reason.MALFORMED),
        ({"exp": NOW - 60, "iat": NOW - 600}, Reason.EXPIRED),
        ({"iat": NOW + 60}, Reason.NOT_YET_VALID),
        ({"sub": "two officers"}, Reason.MALFORMED),
        ({"sub": ""}, Reason.MALFORMED),
        ({"sub": 7}, Reason.MALFORMED),
        ({"jti": "short"}, Reason.MALFORMED),
        ({"jti": ...}, Reason.MALFORMED),
    ],
    ids=str,
)
def test_badge_with_one_wrong_claim_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of the claim named."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    signed = jws.sign(jws.TokenType("officer-badge+jwt", required=()), claims, bundle_key())
    assert refused(signed) is reason


def test_badge_by_another_key_or_of_another_type_is_refused() -> None:
    """A federation key signs statements, and a challenge is shown to everybody."""
    assert refused(jws.sign(OFFICER_BADGE, CLAIMS, federation_key(HK))) is Reason.BAD_SIGNATURE
    assert refused(jws.sign(OFFICER_BADGE, CLAIMS, key("lane"))) is Reason.BAD_SIGNATURE
    other = jws.sign(jws.TokenType("trust-bundle+jwt", required=()), CLAIMS, bundle_key())
    assert refused(other) is Reason.MALFORMED


def test_badge_that_was_taken_back_is_refused() -> None:
    text = jws.sign(OFFICER_BADGE, CLAIMS, bundle_key())
    assert refused(text, revoked=frozenset({JTI})) is Reason.REVOKED
    assert read(text, revoked=frozenset({"another"})).jti == JTI


@pytest.mark.parametrize(
    "changes", [{"lifetime": MAX_LIFE + 1}, {"lifetime": 0}, {"officer": "a b"}, {"jti": "x"}], ids=str
)
def test_no_badge_is_signed_that_no_lane_would_take(changes: dict[str, Any]) -> None:
    options = {"node": HK, "checkpoint": CHECKPOINT, "officer": "account:7", "jti": JTI, "now": NOW, "lifetime": 60}
    with pytest.raises(RuntimeError):
        sign_badge(**{**options, "signer": bundle_key(), **changes})


@pytest.mark.parametrize("value", [{}, "x", [7], ["x"] * (MAX_REVOKED + 1)], ids=lambda value: str(value)[:9])
def test_list_of_badges_taken_back_that_cannot_be_read_is_refused(value: object) -> None:
    with pytest.raises(Refusal):
        parse_revoked(value)
    assert parse_revoked(None) == parse_revoked([]) == frozenset()

"""Crossing receipts: from whose checkpoint it was, to the issuer, and nothing but the crossing."""

from typing import Any

import pytest

from idp.protocol import jws, keys
from idp.protocol.receipts import CROSSING_RECEIPT, Receipt, sign_receipt, unverified_issuer, verify_receipt
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
HK, CN = "https://idp.hk.example", "https://idp.cn.example"
KEY, OTHER = keys.generate("ES256"), keys.generate("ES256")
CLAIMS: dict[str, Any] = {
    "iss": HK,
    "aud": CN,
    "jti": "receipt-1",
    "iat": NOW,
    "token_jti": "AAECAwQFBgcICQoLDA0ODw",
    "checkpoint": f"{HK}/checkpoints/lo-wu",
    "direction": "entry",
    "at": NOW - 3_600,
}


def reason_of(**changes: Any) -> Reason:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    with pytest.raises(Refusal) as caught:
        verify_receipt(
            jws.sign(CROSSING_RECEIPT, claims, KEY), keys=keys.KeySet([KEY.public]), issuer=HK, audience=CN, now=NOW
        )
    return caught.value.reason


def test_signed_receipt_verifies() -> None:
    """A verifier that refuses everything would pass all the others."""
    named = {name: value for name, value in CLAIMS.items() if name not in ("iss", "aud", "iat")}
    text = sign_receipt(issuer=HK, audience=CN, now=NOW, signer=KEY, **named)
    found = verify_receipt(text, keys=keys.KeySet([KEY.public]), issuer=HK, audience=CN, now=NOW + 10**7)
    assert found == Receipt(**CLAIMS)
    assert unverified_issuer(text) == HK


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": [CN]}, Reason.WRONG_AUDIENCE),
        ({"aud": CN + "/"}, Reason.WRONG_AUDIENCE),
        ({"iss": "https://idp.mo.example"}, Reason.UNTRUSTED_ISSUER),
        (
            {"iss": "https://idp.mo.example", "checkpoint": "https://idp.mo.example/checkpoints/x"},
            Reason.UNTRUSTED_ISSUER,
        ),
        ({"checkpoint": "https://idp.mo.example/checkpoints/x"}, Reason.UNTRUSTED_ISSUER),
        ({"checkpoint": f"{HK}.evil.example/checkpoints/x"}, Reason.UNTRUSTED_ISSUER),
        ({"direction": "both"}, Reason.MALFORMED),
        ({"at": NOW + 11}, Reason.MALFORMED),
        ({"at": "yesterday"}, Reason.MALFORMED),
        ({"iat": NOW + 11, "at": NOW}, Reason.NOT_YET_VALID),
        ({"token_jti": ...}, Reason.MALFORMED),
        ({"token_jti": ""}, Reason.MALFORMED),
        ({"jti": 7}, Reason.MALFORMED),
    ],
    ids=str,
)
def test_receipt_that_does_not_hold_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of the claim named."""
    assert reason_of(**changes) is reason


@pytest.mark.parametrize("name", ["reason", "score", "sub", "document_number"])
def test_receipt_that_says_more_is_refused(name: str) -> None:
    """invalid solely because it carries what no peer may learn (protocol.md, Records)."""
    assert reason_of(**{name: "x"}) is Reason.MALFORMED


def test_receipt_of_another_key_is_refused() -> None:
    """invalid solely because the key is not one of the peer's border keys."""
    with pytest.raises(Refusal) as caught:
        verify_receipt(
            jws.sign(CROSSING_RECEIPT, CLAIMS, OTHER), keys=keys.KeySet([KEY.public]), issuer=HK, audience=CN, now=NOW
        )
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_token_of_another_type_is_not_a_receipt() -> None:
    """invalid solely because typ is another: a border token by the same key must not count as a receipt."""
    text = jws.sign(jws.TokenType("border-token+jwt", required=()), CLAIMS, KEY)
    with pytest.raises(Refusal) as caught:
        verify_receipt(text, keys=keys.KeySet([KEY.public]), issuer=HK, audience=CN, now=NOW)
    assert caught.value.reason is Reason.MALFORMED


def test_nothing_is_signed_that_would_be_refused() -> None:
    """A receipt for a foreign checkpoint must not leave the house under our key."""
    named = {name: value for name, value in CLAIMS.items() if name not in ("iss", "aud", "iat")}
    with pytest.raises(Refusal):
        sign_receipt(issuer=CN, audience=HK, now=NOW, signer=KEY, **named)

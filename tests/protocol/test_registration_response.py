"""Answers to an explicit registration that a relying party must not believe (row 30)."""

from typing import Any

import pytest

from idp.protocol import jws, keys, registration_response
from idp.protocol.entity_statements import ENTITY_STATEMENT
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
OP, RP, ANCHOR, SUPERIOR = "https://op.example", "https://rp.example", "https://ta.example", "https://fed.example"
KEY, OTHER = keys.generate(), keys.generate()
JWKS = keys.KeySet([keys.generate().public]).jwks()


def forge(*, signer: keys.PrivateKey = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "iss": OP,
        "sub": RP,
        "aud": RP,
        "iat": NOW,
        "exp": NOW + 600,
        "jwks": JWKS,
        "trust_anchor": ANCHOR,
        "authority_hints": [SUPERIOR],
        "metadata": {"openid_relying_party": {"client_id": RP, "grant_types": ["authorization_code"]}},
    }
    kept = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
    return jws.sign(registration_response.RESPONSE, kept, signer, header)


def accept(text: str, **options: Any) -> registration_response.Registered:
    expected: dict[str, Any] = {
        "provider": OP,
        "federation_keys": keys.KeySet([KEY.public]),
        "client_id": RP,
        "jwks": JWKS,
        "trust_anchors": {ANCHOR},
        "superiors": [SUPERIOR, "https://other.example"],
        "now": NOW,
    }
    return registration_response.verify(text, **{**expected, **options})


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        accept(text, **options)
    return caught.value.reason


def test_our_own_answer_is_accepted_with_what_was_registered() -> None:
    """A verifier that refuses everything would pass all the others."""
    text = registration_response.sign(
        provider=OP,
        client_id=RP,
        metadata={"client_name": "RP"},
        jwks=JWKS,
        trust_anchor=ANCHOR,
        superior=SUPERIOR,
        now=NOW,
        expires_at=NOW + 60,
        signer=KEY,
    )
    answer = accept(text)
    assert answer == registration_response.Registered(
        OP, RP, {"client_name": "RP", "client_id": RP}, ANCHOR, SUPERIOR, NOW + 60
    )
    assert accept(forge(jwks=...)).superior == SUPERIOR  # the claim is optional
    assert accept(forge(metadata={"openid_relying_party": {"client_id": "assigned"}})).client_id == "assigned"


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "iat", "exp", "trust_anchor", "authority_hints", "metadata"])
def test_missing_claim_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing (§12.2.3)."""
    assert reason_of(forge(**{claim: ...})) is Reason.MALFORMED


@pytest.mark.parametrize("typ", ["entity-statement+jwt", "JWT", "resolve-response+jwt"])
def test_document_of_another_kind_is_refused(typ: str) -> None:
    """invalid solely because typ names another kind of document (row 30)."""
    assert reason_of(forge(header={"typ": typ})) is Reason.MALFORMED


def test_answer_is_no_entity_statement() -> None:
    """invalid solely because of typ: else it would pass for what the provider states of a subordinate."""
    with pytest.raises(Refusal) as caught:
        jws.parse_unverified(forge(), ENTITY_STATEMENT)
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://b.example"}, Reason.UNTRUSTED_ISSUER),
        ({"sub": "https://b.example"}, Reason.UNTRUSTED_ISSUER),
        ({"aud": "https://b.example"}, Reason.WRONG_AUDIENCE),
        ({"aud": [RP]}, Reason.WRONG_AUDIENCE),
        ({"trust_anchor": "https://b.example"}, Reason.UNTRUSTED_ISSUER),
        ({"trust_anchor": [ANCHOR]}, Reason.MALFORMED),
        ({"authority_hints": [SUPERIOR, "https://other.example"]}, Reason.UNTRUSTED_ISSUER),
        ({"authority_hints": ["https://b.example"]}, Reason.UNTRUSTED_ISSUER),
        ({"authority_hints": []}, Reason.MALFORMED),
        ({"authority_hints": SUPERIOR}, Reason.MALFORMED),
        ({"exp": NOW - 60}, Reason.EXPIRED),
        ({"iat": NOW + 60}, Reason.NOT_YET_VALID),
        ({"jwks": {"keys": []}}, Reason.MALFORMED),
        ({"crit": ["x"]}, Reason.MALFORMED),
        ({"metadata": {}}, Reason.MALFORMED),
        ({"metadata": {"openid_relying_party": {}}}, Reason.MALFORMED),
        ({"metadata": {"openid_relying_party": {"client_id": 5}}}, Reason.MALFORMED),
        ({"metadata": {"openid_relying_party": {"client_id": RP}, "oauth_client": {}}}, Reason.MALFORMED),
        ({"signer": OTHER}, Reason.BAD_SIGNATURE),
        ({"header": {"kid": ""}}, Reason.MALFORMED),
    ],
)
def test_answer_with_one_wrong_thing_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim, or the key (§12.2.5, row 30)."""
    assert reason_of(forge(**changes)) is reason

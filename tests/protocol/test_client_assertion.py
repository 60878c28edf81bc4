"""Assertions meant for another server, another client, another time or another use (rows 32 to 34)."""

from typing import Any

import pytest

from idp.protocol import client_assertion, jws, keys, request_object
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
ISSUER, CLIENT = "https://idp.hk.example", "https://messenger.example"
KEY, OTHER, RSA = keys.generate(), keys.generate(), keys.generate("RS256")
KEYS = keys.KeySet([KEY.public, RSA.public])


def forge(*, signer: keys.PrivateKey = KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "a-1", **changes}
    kept = {name: value for name, value in claims.items() if value is not ...}
    return jws.sign(client_assertion.CLIENT_ASSERTION, kept, signer, headers)


def accept(text: str, *, client_id: str = CLIENT, known: keys.KeySet = KEYS) -> client_assertion.ClientAssertion:
    announced = client_assertion.announce(text, issuer=ISSUER, now=NOW)
    return client_assertion.verify(announced, client_id=client_id, keys=known, now=NOW)


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        accept(text, **options)
    return caught.value.reason


def test_our_own_assertion_is_accepted() -> None:
    """A verifier that refuses everything would pass all the others."""
    made = client_assertion.sign(client_id=CLIENT, issuer=ISSUER, now=NOW, jti="a-2", signer=KEY, trust_chain=["x"])
    assert client_assertion.announce(made, issuer=ISSUER, now=NOW).trust_chain == ("x",)
    accepted = accept(made)
    assert (accepted.client_id, accepted.jti) == (CLIENT, "a-2")
    assert accepted.forget_at > accepted.exp + jws.LEEWAY


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "JOSE"])
def test_any_typ_that_names_no_other_document_is_accepted(typ: str) -> None:
    """Foreign clients write what they like here."""
    assert accept(forge(headers={"typ": typ})).jti == "a-1"


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "dpop+jwt", "entity-statement+jwt", "application/at+jwt"])
def test_document_of_another_kind_is_refused(typ: str) -> None:
    """invalid solely because typ names another kind of document (row 34)."""
    assert reason_of(forge(headers={"typ": typ})) is Reason.MALFORMED


@pytest.mark.parametrize(
    "aud",
    [
        f"{ISSUER}/oidc/token",
        f"{ISSUER}/oidc/par",
        f"{ISSUER}/",
        [ISSUER],
        [ISSUER, "https://b.example"],
        "https://b.example",
        None,
    ],
)
def test_audience_that_is_not_the_issuer_alone_is_refused(aud: object) -> None:
    """invalid solely because aud is not the issuer as a string (row 32)."""
    assert reason_of(forge(aud=aud)) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti"])
def test_missing_claim_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing (row 33)."""
    assert reason_of(forge(**{claim: ...})) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 300}, Reason.EXPIRED),
        ({"nbf": NOW + 61}, Reason.NOT_YET_VALID),
        ({"iat": NOW + 61}, Reason.NOT_YET_VALID),
        ({"exp": NOW + 86_400}, Reason.POLICY_VIOLATION),
        ({"exp": str(NOW + 60)}, Reason.MALFORMED),
        ({"exp": float(NOW)}, Reason.MALFORMED),
    ],
)
def test_time_out_of_bounds_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one time (rows 33, 72)."""
    assert reason_of(forge(**changes)) is reason


def test_clock_eight_seconds_ahead_is_accepted() -> None:
    """FAPI 2.0 asks for eight to ten seconds of patience."""
    assert accept(forge(nbf=NOW + 8, iat=NOW + 8)).jti == "a-1"


def test_issuer_that_is_not_the_subject_is_refused() -> None:
    """invalid solely because iss is not sub (row 33)."""
    assert reason_of(forge(iss="https://b.example")) is Reason.UNTRUSTED_ISSUER


def test_assertion_of_another_client_is_refused() -> None:
    """invalid solely because it is a sound assertion of another client (row 33)."""
    assert reason_of(forge(), client_id="https://b.example") is Reason.UNTRUSTED_ISSUER


@pytest.mark.parametrize("signer", [OTHER, RSA])
def test_key_or_algorithm_that_is_not_the_clients_is_refused(signer: keys.PrivateKey) -> None:
    """invalid solely because of the signature: another's key, or RS256 (row 33)."""
    headers = {"alg": "RS256"} if signer is RSA else {}
    assert reason_of(forge(signer=signer, headers=headers)) is Reason.BAD_SIGNATURE


def test_request_object_is_no_assertion() -> None:
    """invalid solely because it is a request object, which has no sub (row 34)."""
    request = request_object.sign({}, client_id=CLIENT, issuer=ISSUER, now=NOW, jti="r", signer=KEY)
    assert reason_of(request) is Reason.MALFORMED
    bare = request.split(".")
    assert bare != [] and reason_of(forge(sub=..., client_id=CLIENT)) is Reason.MALFORMED


@pytest.mark.parametrize("chain", ["x", [], [1], ["x"] * 11])
def test_trust_chain_out_of_form_is_refused(chain: object) -> None:
    """invalid solely because the header is no list of statements."""
    assert reason_of(forge(headers={"trust_chain": chain})) is Reason.MALFORMED

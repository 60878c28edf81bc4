"""Request objects meant for another server, without an end, or that say two things (rows 26, 34, 39)."""

from typing import Any

import pytest

from idp.protocol import client_assertion, jws, keys, request_object
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
ISSUER, CLIENT = "https://idp.hk.example", "https://messenger.example"
KEY, OTHER, RSA = keys.generate(), keys.generate(), keys.generate("RS256")
KEYS = keys.KeySet([KEY.public, RSA.public])


def forge(*, signer: keys.PrivateKey = KEY, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    envelope = {"iss": CLIENT, "client_id": CLIENT, "aud": ISSUER, "nbf": NOW, "exp": NOW + 60, "jti": "r-1"}
    kept = {name: value for name, value in {**envelope, "scope": "openid", **changes}.items() if value is not ...}
    return jws.sign(request_object.REQUEST_OBJECT, kept, signer, headers)


def accept(text: str, *, client_id: str = CLIENT, require_nbf: bool = True) -> request_object.RequestObject:
    announced = request_object.announce(text, issuer=ISSUER, now=NOW, require_nbf=require_nbf)
    return request_object.verify(announced, client_id=client_id, keys=KEYS, now=NOW)


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        accept(text, **options)
    return caught.value.reason


def test_our_own_request_is_accepted_with_its_parameters_only() -> None:
    """A verifier that refuses everything would pass all the others."""
    made = request_object.sign({"state": "s"}, client_id=CLIENT, issuer=ISSUER, now=NOW, jti="r-2", signer=KEY)
    accepted = accept(made)
    assert accepted.parameters == {"state": "s", "client_id": CLIENT}
    assert accepted.forget_at > accepted.exp + jws.LEEWAY


@pytest.mark.parametrize("claim", ["iss", "client_id", "aud", "exp", "jti", "nbf"])
def test_missing_claim_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing (rows 26, 39)."""
    assert reason_of(forge(**{claim: ...})) in (Reason.MALFORMED, Reason.WRONG_AUDIENCE)


def test_nbf_may_be_left_out_where_the_profile_lets_it() -> None:
    """OpenID Federation does not ask for it."""
    assert accept(forge(nbf=...), require_nbf=False).jti == "r-1"


@pytest.mark.parametrize("aud", [[ISSUER], [ISSUER, "https://b.example"], "https://b.example", f"{ISSUER}/oidc/par"])
def test_audience_that_is_not_this_provider_alone_is_refused(aud: object) -> None:
    """invalid solely because aud is not the issuer as a string (row 26)."""
    assert reason_of(forge(aud=aud)) is Reason.WRONG_AUDIENCE


def test_request_with_a_subject_is_refused() -> None:
    """invalid solely because sub is present (row 26)."""
    assert reason_of(forge(sub=CLIENT)) is Reason.MALFORMED


@pytest.mark.parametrize("member", ["request", "request_uri"])
def test_request_within_a_request_is_refused(member: str) -> None:
    """invalid solely because it points to another request (row 36)."""
    assert reason_of(forge(**{member: "x"})) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 300, "nbf": NOW - 400}, Reason.EXPIRED),
        ({"nbf": NOW + 61}, Reason.NOT_YET_VALID),
        ({"exp": NOW + 3601}, Reason.POLICY_VIOLATION),
        ({"nbf": NOW - 7200}, Reason.POLICY_VIOLATION),
        ({"exp": True}, Reason.MALFORMED),
    ],
)
def test_time_out_of_bounds_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one time (rows 26, 39)."""
    assert reason_of(forge(**changes)) is reason


def test_far_end_without_nbf_is_refused() -> None:
    """invalid solely because exp is a day away, and no nbf says since when (row 39)."""
    assert reason_of(forge(nbf=..., exp=NOW + 86_400), require_nbf=False) is Reason.POLICY_VIOLATION


def test_issuer_that_is_not_the_client_is_refused() -> None:
    """invalid solely because iss is not client_id (row 26)."""
    assert reason_of(forge(iss="https://b.example")) is Reason.UNTRUSTED_ISSUER


def test_request_of_another_client_is_refused() -> None:
    """invalid solely because the client that authenticated is another (row 26)."""
    assert reason_of(forge(), client_id="https://b.example") is Reason.UNTRUSTED_ISSUER


@pytest.mark.parametrize(("signer", "alg"), [(OTHER, "ES256"), (RSA, "RS256"), (KEY, "none"), (KEY, "HS256")])
def test_signature_that_is_not_the_clients_is_refused(signer: keys.PrivateKey, alg: str) -> None:
    """invalid solely because of key or algorithm (rows 26, 39)."""
    assert reason_of(forge(signer=signer, headers={"alg": alg})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", ["entity-statement+jwt", "client-authentication+jwt", "at+jwt"])
def test_document_of_another_kind_is_refused(typ: str) -> None:
    """invalid solely because typ names another kind of document (RFC 8725 §3.11)."""
    assert reason_of(forge(headers={"typ": typ})) is Reason.MALFORMED


def test_assertion_is_no_request_object() -> None:
    """invalid solely because it is a client assertion, which has a subject (row 34)."""
    text = client_assertion.sign(client_id=CLIENT, issuer=ISSUER, now=NOW, jti="a", signer=KEY)
    assert reason_of(text) is Reason.MALFORMED
    assert reason_of(forge(sub=CLIENT, headers={"typ": "JWT"})) is Reason.MALFORMED


def anybodys(text: str) -> request_object.RequestObject:
    announced = request_object.announce(text, issuer=ISSUER, now=NOW, require_nbf=False, of_anybody=True)
    return request_object.verify(announced, client_id=CLIENT, keys=KEYS, now=NOW)


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], ["https://b.example", ISSUER]])
def test_audience_with_others_is_good_outside_a_federation(aud: object) -> None:
    """RFC 9101 §4; the OpenID Foundation's suite sends one."""
    assert anybodys(forge(aud=aud)).jti == "r-1"


@pytest.mark.parametrize("aud", [["https://b.example"], [], f"{ISSUER}/", [f"{ISSUER}/"], 5, {ISSUER: 1}])
def test_audience_without_us_is_refused_for_anybody(aud: object) -> None:
    """invalid solely because we are not in aud (row 39)."""
    with pytest.raises(Refusal) as caught:
        anybodys(forge(aud=aud))
    assert caught.value.reason is Reason.WRONG_AUDIENCE


def test_request_without_jti_is_known_by_its_text() -> None:
    """Without a name of its own it could be brought twice."""
    first, other = forge(jti=...), forge(jti=..., state="other")
    assert anybodys(first).replay_key == anybodys(first).replay_key != anybodys(other).replay_key


def test_request_object_of_a_chain_has_jti_and_sole_audience() -> None:
    """invalid solely because of what Federation §12.1.1.1 asks for beyond RFC 9101."""
    for text in (forge(jti=...), forge(aud=[ISSUER])):
        announced = request_object.announce(text, issuer=ISSUER, now=NOW, require_nbf=False, of_anybody=True)
        with pytest.raises(Refusal):
            request_object.check_federation(announced, issuer=ISSUER)

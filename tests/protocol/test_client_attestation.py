"""Attestations and proofs of another client, key, server, time or kind (row 65)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import client_assertion, client_attestation, dpop, jws, keys, strict_json
from idp.protocol.refusals import Reason, Refusal

NOW = 1_800_000_000
DAY = 86_400
ISSUER, CLIENT = "https://idp.hk.example", "https://messenger.example"
SIGNER, PHONE, OTHER, RSA = keys.generate(), keys.generate(), keys.generate(), keys.generate("RS256")
KEYS = keys.KeySet([SIGNER.public, RSA.public])
TYPES = (client_attestation.ATTESTATION, client_attestation.POP)


def _kept(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not ...}


def forge(*, signer: keys.PrivateKey = SIGNER, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """An attestation, every part replaceable."""
    claims = {"sub": CLIENT, "iat": NOW, "exp": NOW + DAY, "cnf": {"jwk": PHONE.public.jwk()}, **changes}
    return jws.sign(client_attestation.ATTESTATION, _kept(claims), signer, headers)


def forge_pop(*, signer: keys.PrivateKey = PHONE, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A proof, every part replaceable."""
    claims = {"aud": ISSUER, "jti": "p-1", "iat": NOW, "challenge": "c-1", **changes}
    return jws.sign(client_attestation.POP, _kept(claims), signer, headers)


def accept(text: str, *, client_id: str = CLIENT, known: keys.KeySet = KEYS) -> client_attestation.Attestation:
    announced = client_attestation.announce(text, now=NOW)
    return client_attestation.verify(announced, client_id=client_id, keys=known, now=NOW)


def accept_pop(text: str, *, now: int = NOW) -> client_attestation.Possession:
    return client_attestation.verify_pop(text, attestation=accept(forge()), issuer=ISSUER, now=now)


def reason_of(text: str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        accept(text, **options)
    return caught.value.reason


def pop_reason(text: str) -> Reason:
    with pytest.raises(Refusal) as caught:
        accept_pop(text)
    return caught.value.reason


def test_our_own_pair_is_accepted() -> None:
    """A verifier that refuses everything would pass all the others."""
    made = client_attestation.attest(client_id=CLIENT, key=PHONE.public, now=NOW, lifetime=DAY, signer=SIGNER)
    attestation = accept(made)
    assert (attestation.client_id, attestation.jkt, attestation.iat) == (CLIENT, PHONE.public.thumbprint, NOW)
    pop = client_attestation.prove(issuer=ISSUER, now=NOW, jti="p-2", key=PHONE, challenge="c")
    proof = client_attestation.verify_pop(pop, attestation=attestation, issuer=ISSUER, now=NOW)
    assert (proof.jkt, proof.jti, proof.challenge) == (attestation.jkt, "p-2", "c")
    assert proof.replay_key == f"{attestation.jkt} p-2"
    assert proof.forget_at > proof.iat + client_attestation.MAX_AGE + jws.LEEWAY
    bare = client_attestation.prove(issuer=ISSUER, now=NOW, jti="p-3", key=PHONE)
    assert client_attestation.verify_pop(bare, attestation=attestation, issuer=ISSUER, now=NOW).challenge is None


def test_no_private_part_of_a_key_is_written() -> None:
    """A messenger that attests a key never has its private half, and must not learn to send one."""
    made = client_attestation.attest(client_id=CLIENT, key=PHONE.public, now=NOW, lifetime=DAY, signer=SIGNER)
    assert set(client_attestation.announce(made, now=NOW).parsed.claims["cnf"]["jwk"]) == {*"xy", "kty", "crv", "alg"}


@pytest.mark.parametrize("changes", [{"iss": "https://attester.example"}, {"wallet_name": "W"}, {"iat": ...}])
def test_what_the_draft_leaves_open_is_accepted(changes: dict[str, Any]) -> None:
    """§4: iat is optional, claims that are not understood are passed over."""
    assert accept(forge(**changes)).jkt == PHONE.public.thumbprint


@pytest.mark.parametrize("claim", ["sub", "exp", "cnf"])
def test_missing_claim_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing."""
    assert reason_of(forge(**{claim: ...})) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - jws.LEEWAY}, Reason.EXPIRED),
        ({"iat": NOW + 61}, Reason.NOT_YET_VALID),
        ({"nbf": NOW + 61}, Reason.NOT_YET_VALID),
        ({"exp": str(NOW + 60)}, Reason.MALFORMED),
        ({"iat": True}, Reason.MALFORMED),
        ({"sub": ""}, Reason.MALFORMED),
        ({"sub": "x" * 513}, Reason.MALFORMED),
        ({"sub": [CLIENT]}, Reason.MALFORMED),
    ],
)
def test_claim_out_of_bounds_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim."""
    assert reason_of(forge(**changes)) is reason


@pytest.mark.parametrize(
    "cnf",
    [
        "jwk",
        [],
        {},
        {"jkt": PHONE.public.thumbprint},
        {"jwk": PHONE.public.thumbprint},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": PHONE.jwk()},
    ],
)
def test_confirmation_that_is_no_public_key_is_refused(cnf: Any) -> None:
    """invalid solely because of cnf: absent, by thumbprint, off the curve, symmetric, or private."""
    assert reason_of(forge(cnf=cnf)) is Reason.MALFORMED


def test_attestation_of_another_client_is_refused() -> None:
    """invalid solely because it is a sound attestation of another client."""
    assert reason_of(forge(), client_id="https://b.example") is Reason.UNTRUSTED_ISSUER


@pytest.mark.parametrize("signer", [OTHER, PHONE, RSA])
def test_attestation_by_a_key_that_is_not_the_clients_is_refused(signer: keys.PrivateKey) -> None:
    """invalid solely because of the signature: a stranger's, the phone's own, or RS256."""
    assert reason_of(forge(signer=signer, headers={"alg": "RS256"} if signer is RSA else {})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_attestation_without_a_signature_of_ours_is_refused(alg: str) -> None:
    """invalid solely because alg is none or symmetric."""
    assert reason_of(forge(headers={"alg": alg})) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", ["JWT", None, "oauth-client-attestation-pop+jwt", "client-authentication+jwt"])
def test_document_of_another_kind_is_no_attestation(typ: str | None) -> None:
    """invalid solely because of typ: a PoP with the claims of an attestation is none."""
    assert reason_of(forge(headers={"typ": typ})) is Reason.MALFORMED


@pytest.mark.parametrize("headers", [{"jwk": {}}, {"x5c": []}, {"jku": "https://x.example"}, {"trust_chain": ["x"]}])
def test_attestation_that_brings_its_own_keys_is_refused(headers: dict[str, Any]) -> None:
    """invalid solely because of a header that would choose the keys."""
    assert reason_of(forge(headers=headers)) is Reason.MALFORMED


def test_client_assertion_is_no_attestation_nor_the_reverse() -> None:
    """invalid solely because it is of the other kind, signed by the same key."""
    made = client_assertion.sign(client_id=CLIENT, issuer=ISSUER, now=NOW, jti="a", signer=SIGNER)
    assert reason_of(made) is Reason.MALFORMED
    claims = {"iss": CLIENT, "aud": ISSUER, "jti": "a", "exp": NOW + 60}
    with pytest.raises(Refusal):
        client_assertion.announce(forge(**claims), issuer=ISSUER, now=NOW)


@pytest.mark.parametrize(
    ("iat", "exp", "fresh"),
    [
        (NOW - DAY, NOW + DAY, True),
        (NOW - DAY - 11, NOW + DAY, False),
        (NOW, NOW + 400 * DAY, True),
        (..., NOW + DAY, True),
        (..., NOW + DAY + 11, False),
    ],
)
def test_age_is_measured(iat: Any, exp: int, fresh: bool) -> None:
    """An attestation for ever would outlive the phone; without iat, exp alone bounds it."""
    assert accept(forge(iat=iat, exp=exp)).is_fresh(now=NOW, max_age=DAY) is fresh


@pytest.mark.parametrize("claim", ["aud", "jti", "iat"])
def test_missing_claim_of_a_proof_is_refused(claim: str) -> None:
    """invalid solely because a required claim is missing."""
    expected = Reason.MALFORMED
    assert pop_reason(forge_pop(**{claim: ...})) is expected


@pytest.mark.parametrize("aud", ["https://b.example", f"{ISSUER}/", f"{ISSUER}/oidc/par", [ISSUER], None, ""])
def test_proof_for_another_server_is_refused(aud: object) -> None:
    """invalid solely because aud is not the issuer as a string."""
    assert pop_reason(forge_pop(aud=aud)) is Reason.WRONG_AUDIENCE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iat": NOW - client_attestation.MAX_AGE - 1}, Reason.EXPIRED),
        ({"iat": NOW + 11}, Reason.NOT_YET_VALID),
        ({"exp": NOW - 60}, Reason.EXPIRED),
        ({"iat": float(NOW)}, Reason.MALFORMED),
        ({"jti": ""}, Reason.MALFORMED),
        ({"jti": "x" * 257}, Reason.MALFORMED),
        ({"challenge": ""}, Reason.MALFORMED),
        ({"challenge": 1}, Reason.MALFORMED),
        ({"challenge": None}, Reason.MALFORMED),
        ({"challenge": "x" * 513}, Reason.MALFORMED),
    ],
)
def test_claim_of_a_proof_out_of_bounds_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim."""
    assert pop_reason(forge_pop(**changes)) is reason


@pytest.mark.parametrize("signer", [OTHER, SIGNER])
def test_proof_by_another_key_than_the_attested_is_refused(signer: keys.PrivateKey) -> None:
    """invalid solely because the key is not that of cnf: another phone's, or the attester's own."""
    assert pop_reason(forge_pop(signer=signer)) is Reason.BAD_SIGNATURE


def test_proof_with_a_broken_signature_is_refused() -> None:
    """invalid solely because one bit of the signature is another."""
    head, body, signature = forge_pop().split(".")
    raw = bytearray(strict_json.b64decode(signature))
    raw[10] ^= 1
    assert pop_reason(f"{head}.{body}.{strict_json.b64encode(bytes(raw))}") is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("typ", ["oauth-client-attestation+jwt", "dpop+jwt", "JWT", None])
def test_document_of_another_kind_is_no_proof(typ: str | None) -> None:
    """invalid solely because of typ: an attestation with the claims of a PoP is none."""
    assert pop_reason(forge_pop(headers={"typ": typ})) is Reason.MALFORMED


def test_attestation_is_no_proof_and_a_proof_no_attestation() -> None:
    """invalid solely because the two stand in each other's header."""
    assert pop_reason(forge()) is Reason.MALFORMED
    assert reason_of(forge_pop()) is Reason.MALFORMED


def test_dpop_proof_by_the_attested_key_is_possession() -> None:
    """Combined mode (§5.2): the nonce is the challenge."""
    text = dpop.prove(method="POST", url=f"{ISSUER}/par", now=NOW, jti="d", key=PHONE, nonce="c-1")
    proof = dpop.verify(text, method="POST", url=f"{ISSUER}/par", now=NOW)
    found = client_attestation.combined(proof, attestation=accept(forge()))
    assert (found.jkt, found.jti, found.challenge) == (PHONE.public.thumbprint, "d", "c-1")


def test_dpop_proof_by_another_key_is_no_possession() -> None:
    """invalid solely because jwk is not cnf.jwk."""
    text = dpop.prove(method="POST", url=f"{ISSUER}/par", now=NOW, jti="d", key=OTHER)
    proof = dpop.verify(text, method="POST", url=f"{ISSUER}/par", now=NOW)
    with pytest.raises(Refusal) as caught:
        client_attestation.combined(proof, attestation=accept(forge()))
    assert caught.value.reason is Reason.KEY_BINDING_FAILED


_ANY = st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=20)
_JSON = st.recursive(_ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@given(st.sampled_from(["sub", "exp", "iat", "cnf", "nbf", "iss"]), _JSON)
def test_any_claim_is_taken_or_refused(name: str, value: Any) -> None:
    """A parser that raises anything else ends as a server error."""
    try:
        accepted = accept(forge(**{name: value}))
    except Refusal:
        return
    assert accepted.client_id == CLIENT and accepted.jkt == PHONE.public.thumbprint


@given(st.sampled_from(["aud", "jti", "iat", "challenge", "exp", "nbf"]), _JSON)
def test_any_claim_of_a_proof_is_taken_or_refused(name: str, value: Any) -> None:
    """A parser that raises anything else ends as a server error."""
    try:
        proof = accept_pop(forge_pop(**{name: value}))
    except Refusal:
        return
    assert proof.jkt == PHONE.public.thumbprint


@given(st.text(max_size=200) | st.text(alphabet="eyJ.abc_-", max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Whatever stands in a header."""
    for act in (accept, accept_pop):
        with pytest.raises(Refusal):
            act(text)

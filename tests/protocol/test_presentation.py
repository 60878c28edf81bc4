"""Ways to show a border token that is somebody else's, old, or meant for another lane."""

from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import qr
from idp.protocol import base45, border_token, cose, jws, keys, presentation, strict_json
from idp.protocol.border_token import BorderToken
from idp.protocol.presentation import Challenge
from idp.protocol.refusals import Reason, Refusal
from tests.simulators import border_samples as samples
from tests.simulators.border_samples import KEYS, LO_WU, LUOHU, NOW, OTHER
from tests.simulators.wallet import WalletSimulator

NONCE = bytes(range(16))
LANE = keys.generate()
WALLET = WalletSimulator()
TOKENS: dict[str, bytes | str] = {
    "jwt": samples.jwt(holder=WALLET.public(samples.CN)),
    "cwt": samples.cwt(holder=WALLET.public(samples.CN)),
}
VERIFIED: dict[str, BorderToken] = {
    form: border_token.verify(token, keys=KEYS, now=NOW) for form, token in TOKENS.items()
}
BOTH = pytest.mark.parametrize("form", ["jwt", "cwt"])


def prove(form: str, *, aud: str = LUOHU, nonce: bytes | None = None, now: int = NOW, **options: Any) -> bytes | str:
    holder = options.get("holder", WALLET.holder(samples.CN))
    return presentation.prove(options.get("token", TOKENS[form]), aud=aud, nonce=nonce, now=now, holder=holder)


def check(form: str, proof: bytes | str, *, nonce: bytes | None = None, now: int = NOW, aud: str = LUOHU) -> None:
    presentation.verify_proof(
        proof, token=VERIFIED[form], token_bytes=TOKENS[form], aud=aud, nonce_expected=nonce, now=now
    )


def reason_of(form: str, proof: bytes | str, **options: Any) -> Reason:
    with pytest.raises(Refusal) as caught:
        check(form, proof, **options)
    return caught.value.reason


@BOTH
def test_what_the_wallet_shows_is_what_the_gate_reads(form: str) -> None:
    """A verifier that refuses everything would pass all the others."""
    for challenge in (None, Challenge(LUOHU, "1", NONCE, NOW + 30)):
        raw = WALLET.present(TOKENS[form], authority=samples.CN, aud=LUOHU, now=NOW, challenge=challenge)
        shown = presentation.parse_presentation(raw)
        assert (shown.token, shown.form) == (TOKENS[form], form)
        check(form, shown.proof, nonce=None if challenge is None else NONCE)


def test_qr_text_is_read_as_bytes_too() -> None:
    """A scanner that gives bytes must not be refused."""
    raw = WALLET.present(TOKENS["cwt"], authority=samples.CN, aud=LUOHU, now=NOW)
    assert isinstance(raw, str)
    assert presentation.parse_presentation(raw.encode()) == presentation.parse_presentation(raw)


# --- possession -------------------------------------------------------------------------------------------------------


@BOTH
def test_token_without_its_key_is_worth_nothing(form: str) -> None:
    """invalid solely because the proof was made with another key (row 59)."""
    assert reason_of(form, prove(form, holder=OTHER)) is Reason.KEY_BINDING_FAILED


def test_key_in_the_header_is_not_believed_for_itself() -> None:
    """invalid solely because the header shows the holder's key and another one signed."""
    claims = jws.parse_unverified(str(prove("jwt")), presentation.PROOF).claims
    bare = presentation._bare_jwk(WALLET.holder(samples.CN))
    forged = jws.sign(presentation.PROOF, claims, OTHER, {"jwk": bare})
    assert reason_of("jwt", forged) is Reason.KEY_BINDING_FAILED


@BOTH
def test_proof_for_another_checkpoint_is_refused(form: str) -> None:
    """invalid solely because the wallet meant another audience (rows 56 and 59)."""
    assert reason_of(form, prove(form, aud=LO_WU)) is Reason.KEY_BINDING_FAILED
    assert reason_of(form, prove(form), aud=LO_WU) is Reason.KEY_BINDING_FAILED


@BOTH
def test_proof_for_another_token_of_the_same_key_is_refused(form: str) -> None:
    """invalid solely because the proof was made for another token."""
    issue = samples.jwt if form == "jwt" else samples.cwt
    stranger = issue(jti=bytes(16), holder=WALLET.public(samples.CN))
    assert reason_of(form, prove(form, token=stranger)) is Reason.KEY_BINDING_FAILED


def test_proof_of_the_other_form_is_refused() -> None:
    """invalid solely because a JWT proof stands beside a CWT, or the reverse."""
    assert reason_of("cwt", prove("jwt")) is Reason.MALFORMED
    assert reason_of("jwt", prove("cwt")) is Reason.MALFORMED


def test_token_itself_is_no_proof() -> None:
    """invalid solely because of typ: the issuer's signature says nothing about the phone."""
    for form in ("jwt", "cwt"):
        assert reason_of(form, TOKENS[form]) is Reason.MALFORMED


@pytest.mark.parametrize(
    "jwk", [None, "key", {}, {**OTHER.public.jwk(), "d": "AA"}, keys.generate("EdDSA").public.jwk()]
)
def test_proof_with_a_private_a_weak_or_no_key_is_refused(jwk: object) -> None:
    """invalid solely because of the jwk in the header (rows 46 and 70)."""
    claims = jws.parse_unverified(str(prove("jwt")), presentation.PROOF).claims
    forged = jws.sign(presentation.PROOF, claims, WALLET.holder(samples.CN), {"jwk": jwk})
    assert reason_of("jwt", forged) in (Reason.MALFORMED, Reason.KEY_BINDING_FAILED)


@pytest.mark.parametrize(
    ("name", "value"), [("ath", "AA"), ("ath", 5), ("aud", [LUOHU]), ("iat", str(NOW)), ("nonce", "="), ("iat", ...)]
)
def test_jwt_proof_with_a_claim_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    """invalid solely because of one claim (row 72)."""
    claims = jws.parse_unverified(str(prove("jwt")), presentation.PROOF).claims
    claims = {key: item for key, item in {**claims, name: value}.items() if item is not ...}
    header = {"jwk": presentation._bare_jwk(WALLET.holder(samples.CN))}
    forged = jws.sign(presentation.PROOF, claims, WALLET.holder(samples.CN), header)
    assert reason_of("jwt", forged) in (Reason.MALFORMED, Reason.KEY_BINDING_FAILED)


@pytest.mark.parametrize(
    "claims", [None, {}, [6, NOW], {6: str(NOW)}, {6: -1}, {6: True}, {6: NOW, 10: b""}, {6: NOW, 99: 1}]
)
def test_cwt_proof_with_claims_of_the_wrong_kind_is_refused(claims: object) -> None:
    """invalid solely because of the claims in its header."""
    proof = cose.Sign1.sign(
        b"",
        typ=presentation.PROOF_CWT_TYP,
        signer=WALLET.holder(samples.CN),
        header={cose.CWT_CLAIMS: claims},
        detached=True,
    )
    assert reason_of("cwt", proof) is Reason.MALFORMED


# --- freshness --------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("age", "fresh"), [(-11, False), (-10, True), (0, True), (30, True), (31, False), (3600, False)]
)
def test_code_is_good_for_thirty_seconds(form: str, age: int, fresh: bool) -> None:
    """invalid solely because the proof was made over 30 s ago, or ahead of the clock: a photographed code."""
    proof = prove(form, now=NOW - age)
    if fresh:
        check(form, proof)
    else:
        assert reason_of(form, proof) is Reason.KEY_BINDING_FAILED


@BOTH
def test_challenge_is_answered_whatever_the_phones_clock_says(form: str) -> None:
    """A phone whose clock is a day off must pass where the lane gives the nonce."""
    for skew in (-86_400, 86_400):
        check(form, prove(form, nonce=NONCE, now=NOW + skew), nonce=NONCE)


@BOTH
def test_answer_to_another_challenge_is_refused(form: str) -> None:
    """invalid solely because the nonce is another, or missing, or stands where none was asked for."""
    assert reason_of(form, prove(form, nonce=bytes(16)), nonce=NONCE) is Reason.KEY_BINDING_FAILED
    assert reason_of(form, prove(form), nonce=NONCE) is Reason.KEY_BINDING_FAILED
    assert reason_of(form, prove(form, nonce=NONCE)) is Reason.KEY_BINDING_FAILED


# --- challenge --------------------------------------------------------------------------------------------------------


def test_challenge_goes_there_and_back() -> None:
    """A wallet that refuses every challenge would pass all the others."""
    challenge = Challenge(LUOHU, "7", NONCE, NOW + 30)
    text = presentation.sign_challenge(challenge, lane_key=LANE)
    lanes = keys.KeySet([LANE.public])
    assert presentation.verify_challenge(text, keys=lanes, aud=LUOHU, now=NOW) == challenge
    assert presentation.read_challenge_unverified(text, aud=LUOHU, now=NOW) == challenge


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": LO_WU}, Reason.WRONG_AUDIENCE),
        ({"aud": [LUOHU]}, Reason.WRONG_AUDIENCE),
        ({"exp": NOW - 60}, Reason.EXPIRED),
        ({"exp": NOW + 60}, Reason.NOT_YET_VALID),
        ({"nonce": strict_json.b64encode(bytes(15))}, Reason.MALFORMED),
        ({"nonce": strict_json.b64encode(bytes(65))}, Reason.MALFORMED),
        ({"nonce": 7}, Reason.MALFORMED),
        ({"lane": ""}, Reason.MALFORMED),
        ({"exp": None}, Reason.MALFORMED),
    ],
)
def test_challenge_that_no_lane_of_this_checkpoint_shows_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    """invalid solely because of one claim."""
    claims = {"aud": LUOHU, "lane": "7", "nonce": strict_json.b64encode(NONCE), "exp": NOW + 30, **changes}
    text = jws.sign(presentation.CHALLENGE, claims, LANE)
    for read in (
        lambda: presentation.verify_challenge(text, keys=keys.KeySet([LANE.public]), aud=LUOHU, now=NOW),
        lambda: presentation.read_challenge_unverified(text, aud=LUOHU, now=NOW),
    ):
        with pytest.raises(Refusal) as caught:
            read()
        assert caught.value.reason is reason


def test_challenge_of_another_lane_is_refused() -> None:
    """invalid solely because another key signed."""
    text = presentation.sign_challenge(Challenge(LUOHU, "7", NONCE, NOW + 30), lane_key=OTHER)
    with pytest.raises(Refusal) as caught:
        presentation.verify_challenge(text, keys=keys.KeySet([LANE.public]), aud=LUOHU, now=NOW)
    assert caught.value.reason is Reason.BAD_SIGNATURE


# --- what a reader sees -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "BT1:",
        "BT2:BB8",
        "bt1:bb8",
        "HC1:BB8",
        "BT1:ABC",
        "BT1:" + base45.encode(b"\xd2\x80"),
        "BT1:" + base45.encode(cbor2.dumps([b"token"])),
        "BT1:" + base45.encode(cbor2.dumps([b"token", "proof"])),
        "BT1:" + base45.encode(cbor2.dumps({0: b"token", 1: b"proof"})),
        "BT1:" + base45.encode(cbor2.dumps([b"token", b"proof", b"more"])),
        "BT1:" + base45.encode(cbor2.dumps([b"token", b"proof"]) + b"\0"),
        "{}",
        '{"token":"a"}',
        '{"token":"a","proof":"b","more":1}',
        '{"token":"a","token":"a","proof":"b"}',
        '{"token":"a","proof":7}',
        '["a","b"]',
        "\ufeff{}",
        b"\xff\xfe",
        b"x" * 20_481,
        "https://evil.example/",
    ],
)
def test_text_that_is_no_presentation_is_refused(raw: bytes | str) -> None:
    """invalid solely because of its form."""
    with pytest.raises(Refusal) as caught:
        presentation.parse_presentation(raw)
    assert caught.value.reason is Reason.MALFORMED


@given(st.binary(max_size=200), st.text(max_size=200))
def test_no_input_makes_the_parsers_fail_otherwise(data: bytes, text: str) -> None:
    """An exception of a library would be an internal error at the gate."""
    for raw in (data, text, "BT1:" + base45.encode(data), "{" + text):
        with pytest.raises(Refusal):
            presentation.parse_presentation(raw)
    for form, proof in (("cwt", data), ("cwt", b"\xd2" + data), ("jwt", text), ("cwt", text), ("jwt", data)):
        reason_of(form, proof)
    with pytest.raises(Refusal):
        presentation.read_challenge_unverified(text, aud=LUOHU, now=NOW)


@given(st.data())
def test_one_changed_byte_of_a_proof_is_never_accepted(data: st.DataObject) -> None:
    """A part that no signature covers, or that has a second spelling, would show here."""
    proof = prove("cwt", nonce=NONCE)
    assert isinstance(proof, bytes)
    changed = bytearray(proof)
    changed[data.draw(st.integers(0, len(proof) - 1))] ^= data.draw(st.integers(1, 255))
    assert reason_of("cwt", bytes(changed), nonce=NONCE) in (Reason.KEY_BINDING_FAILED, Reason.MALFORMED)


# --- the QR code ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("template", "version"), qr.MAX_VERSION.items())
def test_largest_presentation_fits_the_code_that_a_camera_reads(template: int, version: int) -> None:
    """One claim more and the code grows beyond what a lane's camera resolves."""
    assert qr.version(qr.largest_presentation(template)) <= version


def test_disturbed_frames_of_the_largest_code_are_read() -> None:
    """A code of another mode, or without its quiet zone, would not be."""
    text, random = qr.largest_presentation(128), np.random.default_rng(1)
    assert [qr.decode(qr.camera_frame(text, random)) for _ in range(5)] == [text] * 5

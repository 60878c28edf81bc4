"""Ways to be somebody else with a border token, to change one, or to learn from one what only a gate may know."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol import border_cbor, border_claims, border_token, cose, jws, keys, strict_json
from idp.protocol.border_claims import Claims, coarse
from idp.protocol.border_token import Sealed, TokenClaims
from idp.protocol.refusals import Reason, Refusal
from tests.simulators import border_samples as samples
from tests.simulators.border_samples import CLAIMS, HOLDER, ISSUER, KEYS, NOW, OTHER, SEALED, SEALING

JWT, CWT = samples.jwt(), samples.cwt()
MEMBERS = jws.parse_unverified(JWT, border_token.BORDER_TOKEN).claims
CONTENT = cose.loads_map(border_cbor.write_sealed(SEALED))
LABELS = cose.loads_map(cose.Sign1.parse(CWT, typ=border_token.CWT_TYP).payload or b"")


def verify(token: bytes | str) -> border_token.BorderToken:
    return border_token.verify(token, keys=KEYS, now=NOW)


def reason_of(token: bytes | str) -> Reason:
    with pytest.raises(Refusal) as caught:
        verify(token)
    return caught.value.reason


def clear(claims: Claims) -> dict[str, Any]:
    """The claims that both forms carry alike."""
    return {item.name: getattr(claims, item.name) for item in dataclasses.fields(Claims)}


def forged_jwt(changes: dict[str, Any], key: keys.PrivateKey = ISSUER, **header: Any) -> str:
    """Any members at all, signed by the issuer."""
    members = {name: value for name, value in {**MEMBERS, **changes}.items() if value is not ...}
    return jws.sign(border_token.BORDER_TOKEN, members, key, header)


def forged_cwt(changes: dict[int, Any], key: keys.PrivateKey = ISSUER, typ: str = border_token.CWT_TYP) -> bytes:
    """Any labels at all, signed by the issuer."""
    labels = {label: value for label, value in {**LABELS, **changes}.items() if value is not ...}
    header = {cose.KID: cose.key_id(ISSUER.public)}
    return cose.Sign1.sign(cose.dumps(labels), typ=typ, signer=key, header=header)


@pytest.mark.parametrize("token", [JWT, CWT], ids=["jwt", "cwt"])
def test_a_sound_token_verifies_and_opens(token: bytes | str) -> None:
    """A verifier that refuses everything would pass all the others."""
    verified = verify(token)
    assert clear(verified) == clear(CLAIMS)
    assert verified.holder.jkt == HOLDER.public.thumbprint
    assert verified.form == ("jwt" if isinstance(token, str) else "cwt")
    assert border_token.open_sealed(verified, keys=(OTHER, SEALING)) == SEALED


def test_cwt_carries_the_holders_key_and_the_jwt_its_thumbprint() -> None:
    """A gate that had to look a key up could not work offline."""
    key = verify(CWT).holder.key
    assert key is not None
    assert key.thumbprint == HOLDER.public.thumbprint
    assert verify(JWT).holder.key is None


@settings(max_examples=60)
@given(samples.claims(), samples.CONTENTS)
def test_both_forms_say_the_same(claims: TokenClaims, sealed: Sealed) -> None:
    """A claim that one form drops, rounds or renames would show here."""
    options: dict[str, Any] = {"signer_key": ISSUER, "recipient": SEALING.public, "ephemeral": OTHER}
    by_jwt = verify(border_token.issue_jwt(claims, sealed, **options))
    by_cwt = verify(border_token.issue_cwt(claims, sealed, **options))
    assert clear(by_jwt) == clear(by_cwt) == clear(claims)
    assert by_jwt.holder.jkt == by_cwt.holder.jkt == claims.holder.thumbprint
    opened = [border_token.open_sealed(token, keys=(SEALING,)) for token in (by_jwt, by_cwt)]
    assert opened == [sealed, sealed]


def test_members_that_are_none_in_an_endorsement_are_left_out() -> None:
    """An issuer's unlimited entries must not read as a malformed number at the gate."""
    content = dataclasses.replace(SEALED, endorsement={**(SEALED.endorsement or {}), "entries_left": None})
    for token in (samples.jwt(content), samples.cwt(content)):
        assert border_token.open_sealed(verify(token), keys=(SEALING,)) == SEALED


def test_members_of_the_jwt_are_those_of_the_protocol() -> None:
    """A member renamed or added on both sides at once would cut off every peer."""
    assert {name: value for name, value in MEMBERS.items() if name != "sealed"} == {
        "iss": samples.HK,
        "aud": samples.LUOHU,
        "exp": NOW + 1800,
        "nbf": NOW,
        "iat": NOW,
        "jti": "AAECAwQFBgcICQoLDA0ODw",
        "cnf": {"jkt": HOLDER.public.thumbprint},
        "acr": "urn:causeway:acr:mfa",
        "amr": ["face", "hwk", "pop"],
        "crossing": {"direction": "entry", "from": "HKG", "to": "CHN", "document_type": "hrp"},
        "face": {"model": "dlib-resnet-v1", "profile": "128x8"},
        "status": {"status_list": {"idx": 77, "uri": f"{samples.HK}/status/2027011508"}},
    }


def test_labels_of_the_cwt_are_those_of_the_protocol() -> None:
    """A label renumbered on both sides at once would cut off every peer."""
    assert {label: value for label, value in LABELS.items() if label != -70012} == {
        1: samples.HK,
        3: samples.LUOHU,
        4: NOW + 1800,
        5: NOW,
        6: NOW,
        7: bytes(range(16)),
        8: {1: cose.encode_key(HOLDER.public.raw)},
        -70001: 2,
        -70002: [1, 2, 3],
        -70010: {1: 2, 2: 2, 3: 1, 4: 2},
        -70011: {1: "dlib-resnet-v1", 2: "128x8"},
        65535: {1: {1: 77, 3: "/status/2027011508"}},
    }
    assert cose.loads_map(border_cbor.write_sealed(SEALED)) == {
        1: strict_json.b64decode(SEALED.sub),
        2: "H12345678",
        3: "陳大文",
        4: "CHAN, TAI MAN",
        5: 19840229,
        6: 2,
        7: "CHN",
        8: bytes(range(128)),
        9: {1: "G", 2: 2, 3: 20261201, 4: 20271130},
        10: 7,
        11: "H87654321",
    }


def test_numbers_of_the_words_are_those_of_the_protocol() -> None:
    """A number given to another word would make old tokens say something else."""
    assert {word: border_claims.AMR.number(word) for word in border_claims.AMR.words} == {
        "face": 1, "hwk": 2, "pop": 3, "otp": 4, "mfa": 5, "user": 6, "pwd": 7, "swk": 8, "pin": 9, "fpt": 10
    }  # fmt: skip
    assert [border_claims.ACR.word(number)[-3:] for number in (1, 2, 3)] == ["pwd", "mfa", "al3"]
    assert [border_claims.JURISDICTIONS.word(number) for number in (1, 2, 3)] == ["CHN", "HKG", "MAC"]
    documents = [border_claims.DOCUMENTS.word(number) for number in range(1, 8)]
    assert documents == ["eep", "hrp", "hkid", "bir", "mvp", "reentry", "passport"]


# --- what stands in clear ---------------------------------------------------------------------------------------------


def _values(token: bytes | str) -> dict[str, Any]:
    if isinstance(token, str):
        claims = jws.parse_unverified(token, border_token.BORDER_TOKEN).claims
        jwe_header = strict_json.loads_object(strict_json.b64decode(claims["sealed"].split(".")[0]))
        return {**claims, **{f"sealed.{name}": value for name, value in jwe_header.items()}}
    labels = cose.loads_map(cose.Sign1.parse(token, typ=border_token.CWT_TYP).payload or b"")
    box = cose.loads(labels[-70012][2:])
    return {**labels, "iv": box[1], "epk": box[3][0][1][-1], "recipient": box[3][0][1][cose.KID]}


@pytest.mark.parametrize("issue", [samples.jwt, samples.cwt])
def test_two_tokens_for_two_authorities_have_nothing_of_the_traveller_in_common(issue: Any) -> None:
    """Exit and entry of one traveller, issued together: who sees both must not be able to tell that they belong."""
    gate, holder = keys.generate(), keys.generate()
    there = issue()
    here = border_token.issue_jwt if issue is samples.jwt else border_token.issue_cwt
    claims = dataclasses.replace(
        CLAIMS,
        aud=samples.LO_WU,
        direction="exit",
        jti=bytes(range(100, 116)),
        holder=holder.public,
        status_idx=4711,
        nbf=coarse(NOW + 7),
        iat=coarse(NOW + 7),
    )
    other = here(claims, dataclasses.replace(SEALED, sub="another pairwise"), signer_key=ISSUER, recipient=gate.public)
    first, second = _values(there), _values(other)
    equal = {name for name in first if first[name] == second.get(name)}
    allowed = {"iss", "acr", "amr", "face", "exp", "nbf", "iat", "sealed.alg", "sealed.enc"}
    allowed |= {1, 4, 5, 6, -70001, -70002, -70011}  # type: ignore[arg-type]
    assert equal <= allowed
    assert {"iss", "amr"} <= equal or {1, -70002} <= equal  # else this test compares nothing


@pytest.mark.parametrize("token", [JWT, CWT], ids=["jwt", "cwt"])
def test_nothing_that_identifies_the_traveller_is_readable(token: bytes | str) -> None:
    """A claim that slipped out of the sealed part would show here."""
    readable = repr(_values(token)) + (token if isinstance(token, str) else token.decode("latin-1"))
    for part in (SEALED.sub, SEALED.document_number, SEALED.name_native, "CHAN", "1984", "19840229", "H87654321"):
        assert part not in readable


def test_times_are_rounded_to_the_minute() -> None:
    """Two tokens fetched in one minute must show one time."""
    assert {coarse(NOW + second) for second in range(60)} == {NOW}
    assert coarse(NOW - 1) == NOW - 60


# --- forged tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "border-proof+jwt", "entity-statement+jwt", None])
def test_another_jwt_of_the_issuer_is_not_taken_for_a_token(typ: str | None) -> None:
    """invalid solely because typ is another (row 56)."""
    assert reason_of(forged_jwt({}, typ=typ)) is Reason.MALFORMED


def test_another_cwt_of_the_issuer_is_not_taken_for_a_token() -> None:
    """invalid solely because typ is another (row 56)."""
    assert reason_of(forged_cwt({}, typ="application/border-proof+cwt")) is Reason.MALFORMED


def test_signature_of_somebody_else_is_refused() -> None:
    """invalid solely because another key signed under the issuer's kid."""
    assert reason_of(forged_jwt({}, OTHER, kid=ISSUER.kid)) is Reason.BAD_SIGNATURE
    assert reason_of(forged_cwt({}, OTHER)) is Reason.BAD_SIGNATURE


def test_key_that_is_not_the_issuers_is_refused() -> None:
    """invalid solely because kid names no border key of the issuer."""
    for token in (JWT, CWT):
        with pytest.raises(Refusal) as caught:
            border_token.verify(token, keys=keys.KeySet([OTHER.public]), now=NOW)
        assert caught.value.reason is Reason.BAD_SIGNATURE


def test_cwt_without_its_claims_is_refused() -> None:
    """invalid solely because the payload is detached."""
    header = {cose.KID: cose.key_id(ISSUER.public)}
    token = cose.Sign1.sign(b"", typ=border_token.CWT_TYP, signer=ISSUER, header=header, detached=True)
    assert reason_of(token) is Reason.MALFORMED


BAD_MEMBERS: list[tuple[str, Any]] = [
    ("aud", [samples.LUOHU]),
    ("aud", {"a": 1}),
    ("exp", float(NOW)),
    ("exp", str(NOW)),
    ("exp", True),
    ("exp", -1),
    ("exp", NOW - 1),
    ("exp", NOW + 90_000),
    ("nbf", None),
    ("iat", NOW + 2000),
    ("jti", strict_json.b64encode(bytes(15))),
    ("jti", "="),
    ("cnf", {}),
    ("cnf", {"jkt": "AA"}),
    ("cnf", {"jwk": HOLDER.public.jwk()}),
    ("acr", "urn:causeway:acr:none"),
    ("acr", ["urn:causeway:acr:mfa"]),
    ("amr", []),
    ("amr", "face"),
    ("amr", ["face", "face"]),
    ("amr", ["telepathy"]),
    ("amr", [["face"]]),
    ("crossing", {}),
    ("crossing", {**MEMBERS["crossing"], "direction": "through"}),
    ("crossing", {**MEMBERS["crossing"], "from": "CHN"}),
    ("crossing", {**MEMBERS["crossing"], "to": "TWN"}),
    ("crossing", {**MEMBERS["crossing"], "document_type": "library card"}),
    ("face", {"model": "m"}),
    ("face", {"model": "m" * 65, "profile": "p"}),
    ("sealed", None),
    ("status", {}),
    ("status", {"status_list": {"idx": -1, "uri": "u"}}),
    ("status", {"status_list": {"idx": 1}}),
]


@pytest.mark.parametrize(("name", "value"), BAD_MEMBERS)
def test_jwt_member_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    """invalid solely because of one member, although the issuer signed it (rows 56 and 72)."""
    assert reason_of(forged_jwt({name: value})) is Reason.MALFORMED


@pytest.mark.parametrize("name", border_token.BORDER_TOKEN.required)
def test_jwt_without_one_member_is_refused(name: str) -> None:
    """invalid solely because one member is missing."""
    assert reason_of(forged_jwt({name: ...})) is Reason.MALFORMED


@pytest.mark.parametrize("label", list(LABELS))
def test_cwt_without_one_label_or_with_another_kind_of_value_is_refused(label: int) -> None:
    """invalid solely because one label is missing or of the wrong kind (row 56)."""
    for value in (..., None, True, 1.0, [], {}, "x" * 300, -5, b""):
        assert reason_of(forged_cwt({label: value})) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (7, bytes(15)),
        (4, NOW - 1),
        (4, NOW + 90_000),
        (-70001, 9),
        (-70001, "urn:causeway:acr:mfa"),
        (-70002, [1, 1]),
        (-70002, [99]),
        (-70002, [True]),
        (-70010, {1: 3, 2: 2, 3: 1, 4: 2}),
        (-70010, {1: 2, 2: 1, 3: 1, 4: 2}),
        (-70010, {1: 2, 2: 2, 3: 1}),
        (-70010, {1: 2, 2: 2, 3: 1, 4: 99}),
        (8, {1: cose.encode_key(HOLDER.public.raw) | {-2: (1).to_bytes(32)}}),
        (8, {3: b"key by kid"}),
        (65535, {1: {1: 5}}),
        (65535, {1: {1: 5, 2: "https://a", 3: "/b"}}),
        (65535, {1: {1: -5, 3: "/b"}}),
    ],
)
def test_cwt_value_that_means_nothing_is_refused(label: int, value: object) -> None:
    """invalid solely because of one value, although the issuer signed it."""
    assert reason_of(forged_cwt({label: value})) is Reason.MALFORMED


def test_claims_that_are_not_ours_are_passed_over() -> None:
    """A peer that adds a claim tomorrow must not close its travellers' way today (RFC 7519 §4)."""
    assert clear(verify(forged_jwt({"new": {"a": 1}}))) == clear(CLAIMS)
    assert clear(verify(forged_cwt({-70099: {1: 1}}))) == clear(CLAIMS)


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": bytes(15)},
        {"exp": NOW},
        {"exp": NOW + 90_000},
        {"acr": "none"},
        {"amr": ()},
        {"amr": ["face"]},
        {"destination": "HKG"},
        {"direction": "up"},
        {"aud": ""},
        {"aud": None},
        {"status_idx": -1},
        {"status_idx": True},
        {"face_model": "m" * 65},
        {"holder": keys.generate("EdDSA").public},
    ],
)
def test_nothing_is_signed_that_a_gate_would_refuse(changes: dict[str, Any]) -> None:
    """invalid solely because of one claim; found at the issuer, where it can be mended, and not at the gate."""
    for issue in (samples.jwt, samples.cwt):
        with pytest.raises(Refusal) as caught:
            issue(**changes)
        assert caught.value.reason is Reason.MALFORMED


# --- any input at all -------------------------------------------------------------------------------------------------


@given(st.data())
def test_one_changed_byte_is_never_accepted(data: st.DataObject) -> None:
    """A part that no signature covers, or that has a second spelling, would show here."""
    changed = bytearray(CWT)
    changed[data.draw(st.integers(0, len(CWT) - 1))] ^= data.draw(st.integers(1, 255))
    reason_of(bytes(changed))
    place, char = data.draw(st.integers(0, len(JWT) - 1)), data.draw(st.characters())
    if JWT[place] != char:
        reason_of(JWT[:place] + char + JWT[place + 1 :])


@given(st.binary(max_size=300), st.text(max_size=300), st.dictionaries(st.integers(-70012, 8), st.integers()))
def test_no_input_makes_the_parser_fail_otherwise(data: bytes, text: str, labels: dict[int, int]) -> None:
    """An exception of a library would be an internal error at the gate."""
    for token in (
        data,
        b"\xd2" + data,
        text,
        text.replace(" ", "."),
        forged_cwt({**dict.fromkeys(LABELS, ...), **labels}),
    ):
        with pytest.raises(Refusal):
            verify(token)

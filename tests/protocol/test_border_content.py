"""Ways to have a gate believe something about a traveller that the issuer could not have sealed, or not for it."""

import dataclasses
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol import border_cbor, border_token, cose, sealing
from idp.protocol.refusals import Reason, Refusal
from tests.simulators import border_samples as samples
from tests.simulators.border_samples import KEYS, NOW, SEALED, SEALING

JWT, CWT = samples.jwt(), samples.cwt()
CONTENT = cose.loads_map(border_cbor.write_sealed(SEALED))


def verify(token: bytes | str) -> border_token.BorderToken:
    return border_token.verify(token, keys=KEYS, now=NOW)


BAD_CONTENT: list[dict[str, Any]] = [
    {"sub": ""},
    {"sub": "s" * 256},
    {"document_number": "9" * 25},
    {"name_latin": ""},
    {"name_native": None},
    {"birth_date": "1983-02-29"},
    {"birth_date": "19840229"},
    {"birth_date": "1984-2-29"},
    {"sex": "m"},
    {"nationality": "chn"},
    {"nationality": "CHNX"},
    {"nationality": None},
    {"template": b""},
    {"template": bytes(1025)},
    {"stay_days": -1},
    {"stay_days": True},
    {"guardian": ""},
    {"endorsement": {}},
    {"endorsement": {**(SEALED.endorsement or {}), "colour": "red"}},
    {"endorsement": {**(SEALED.endorsement or {}), "destination": "TWN"}},
    {"endorsement": {**(SEALED.endorsement or {}), "valid_to": "2027-02-30"}},
    {"endorsement": {**(SEALED.endorsement or {}), "valid_from": None}},
    {"endorsement": {**(SEALED.endorsement or {}), "entries_left": "2"}},
    {"endorsement": {**(SEALED.endorsement or {}), "weekly": 1}},
]


@pytest.mark.parametrize("changes", BAD_CONTENT)
def test_content_of_the_wrong_kind_is_not_sealed(changes: dict[str, Any]) -> None:
    """invalid solely because of one part of the content."""
    for issue in (samples.jwt, samples.cwt):
        with pytest.raises(Refusal) as caught:
            issue(dataclasses.replace(SEALED, **changes))
        assert caught.value.reason is Reason.MALFORMED


def resealed(content: bytes, form: str) -> border_token.BorderToken:
    """A verified token whose issuer sealed any bytes at all."""
    token = verify(JWT if form == "jwt" else CWT)
    place = cose.dumps([token.iss, token.aud, token.jti])
    if form == "jwt":
        return dataclasses.replace(token, sealed=sealing.seal_jwe(content, recipient=SEALING.public, apu=place))
    box = sealing.seal_cose(content, recipient=SEALING.public, external_aad=place)
    return dataclasses.replace(token, sealed=box)


@pytest.mark.parametrize(
    ("label", "value"),
    [(label, value) for label in range(1, 12) for value in (-1, 1.5, b"", [], True)]
    + [
        (1, SEALED.sub),  # a digest as text where its bytes are shorter: a second spelling
        (1, bytes(15)),
        (5, 19830229),
        (5, 0),
        (5, 99999999),
        (6, 4),
        (9, {1: "G"}),
        (9, {**CONTENT[9], 99: 1}),
        (9, {**CONTENT[9], 2: 9}),
        (9, {**CONTENT[9], 3: 20270230}),
    ],
)
def test_opened_content_of_the_wrong_kind_is_refused(label: int, value: object) -> None:
    """invalid solely because of one part of the content, although it was sealed for this gate."""
    with pytest.raises(Refusal) as caught:
        border_token.open_sealed(resealed(cose.dumps({**CONTENT, label: value}), "cwt"), keys=(SEALING,))
    assert caught.value.reason is Reason.FACE_UNSEALABLE


@settings(max_examples=40)
@given(
    st.binary(max_size=100) | st.dictionaries(st.integers(0, 12), st.integers() | st.text(max_size=5)).map(cbor2.dumps)
)
def test_no_content_makes_opening_fail_otherwise(content: bytes) -> None:
    """An exception of a library would be an internal error at the gate."""
    for form in ("jwt", "cwt"):
        with pytest.raises(Refusal) as caught:
            border_token.open_sealed(resealed(content, form), keys=(SEALING,))
        assert caught.value.reason is Reason.FACE_UNSEALABLE


def test_sealed_part_of_another_token_does_not_open() -> None:
    """invalid solely because the sealed part was cut from another token of the same issuer for the same gate."""
    for issue in (samples.jwt, samples.cwt):
        stranger = verify(issue(jti=bytes(16)))
        moved = dataclasses.replace(verify(issue()), sealed=stranger.sealed)
        with pytest.raises(Refusal) as caught:
            border_token.open_sealed(moved, keys=(SEALING,))
        assert caught.value.reason is Reason.FACE_UNSEALABLE

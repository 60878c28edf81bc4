"""ES256 as joserfc has it, which is the judge here: what either signs the other takes, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry

from idp.protocol import es256, keys

KEY = keys.generate()
JUDGE = JWSRegistry.algorithms["ES256"]
DATA = b"header.claims"


@given(st.binary(max_size=300))
def test_each_takes_what_the_other_signs(data: bytes) -> None:
    """r or s that begins with a zero byte: one signature in 128 would be too short."""
    ours, theirs = es256.sign(data, KEY.raw), JUDGE.sign(data, KEY.jose)
    assert len(ours) == 64
    assert JUDGE.verify(data, ours, KEY.public.jose) and es256.verify(data, theirs, KEY.public.raw)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        es256.sign(DATA, KEY.raw)[:-1],
        es256.sign(DATA, KEY.raw) + b"\x00",
        bytes(64),
        b"\xff" * 64,
        bytes(32) + es256.sign(DATA, KEY.raw)[32:],
        es256.sign(DATA, KEY.raw)[:32] + bytes(32),
        es256.sign(DATA, keys.generate().raw),
        es256.sign(DATA + b"x", KEY.raw),
        KEY.raw.sign(DATA, es256._ECDSA),
    ],
    ids=["none", "short", "long", "zeros", "ones", "no r", "no s", "another key", "another text", "DER"],
)
def test_what_is_no_signature_of_the_text_is_refused(signature: bytes) -> None:
    """invalid solely because the 64 bytes are not r and s of this text by this key."""
    assert not JUDGE.verify(DATA, signature, KEY.public.jose)
    assert not es256.verify(DATA, signature, KEY.public.raw)

"""Tree heads: what is believed of one, and nothing is signed that would not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jws, keys, tree_head
from idp.protocol.keys import KeySet
from idp.protocol.refusals import Reason, Refusal
from idp.protocol.strict_json import b64encode

NOW, NODE, KEY = 1_800_000_000, "https://idp.hk.example", keys.generate()
GOOD = {"iss": NODE, "iat": NOW, "size": 5, "root": b64encode(bytes(32))}


def verify(text: str, **changes: object) -> tree_head.TreeHead:
    return tree_head.verify_tree_head(
        text,
        **{"keys": KeySet([KEY.public]), "issuer": NODE, "now": NOW, **changes},  # type: ignore[arg-type]
    )


@given(st.integers(min_value=1, max_value=1 << 50), st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_what_is_read(size: int, root: bytes) -> None:
    text = tree_head.sign_tree_head(issuer=NODE, size=size, root=root, now=NOW, signer=KEY)
    head = verify(text)
    assert (head.iss, head.iat, head.size, head.root, head.text) == (NODE, NOW, size, root, text)
    assert tree_head.unverified_issuer(text) == NODE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://idp.mo.example"}, Reason.UNTRUSTED_ISSUER),
        ({"iat": NOW + 3600}, Reason.NOT_YET_VALID),
        ({"size": 0}, Reason.MALFORMED),
        ({"size": "5"}, Reason.MALFORMED),
        ({"size": True}, Reason.MALFORMED),
        ({"root": b64encode(bytes(31))}, Reason.MALFORMED),
        ({"root": 7}, Reason.MALFORMED),
        ({"note": "x"}, Reason.MALFORMED),
    ],
)
def test_a_head_with_one_wrong_claim_is_refused(change: dict[str, object], reason: Reason) -> None:
    """invalid solely because of the one claim."""
    text = jws.sign(tree_head.TREE_HEAD, {**GOOD, **change}, KEY)
    with pytest.raises(Refusal) as refused:
        verify(text)
    assert refused.value.reason is reason


def test_a_head_by_another_key_or_of_another_type_is_refused() -> None:
    text = jws.sign(tree_head.TREE_HEAD, GOOD, KEY)
    with pytest.raises(Refusal) as refused:
        verify(text, keys=KeySet([keys.generate().public]))
    assert refused.value.reason is Reason.BAD_SIGNATURE
    other = jws.sign(jws.TokenType("trust-mark+jwt", required=("iss",)), GOOD, KEY)
    with pytest.raises(Refusal) as refused:
        verify(other)
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(("size", "root"), [(0, bytes(32)), (1, bytes(33))])
def test_no_head_is_signed_that_nobody_would_believe(size: int, root: bytes) -> None:
    with pytest.raises(RuntimeError):
        tree_head.sign_tree_head(issuer=NODE, size=size, root=root, now=NOW, signer=KEY)


HASH = b64encode(bytes(32))


@pytest.mark.parametrize("value", [None, "x", [7], ["short"], [HASH] * 65, [f"{HASH}="]])
def test_a_proof_of_another_form_is_malformed(value: object) -> None:
    with pytest.raises(Refusal) as refused:
        tree_head.parse_proof(value)
    assert refused.value.reason is Reason.MALFORMED

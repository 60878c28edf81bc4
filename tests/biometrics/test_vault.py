"""What is sealed opens only as what it is, and only for whom; under a key of its own that the authority's key wraps."""

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from idp import conf
from idp.biometrics import vault, wrapping
from idp.protocol.refusals import Unavailable

FACE = {"kind": "template", "owner": 7, "model": "m-1"}


def from_before(data: bytes, key: bytes, *, kind: str, owner: object) -> bytes:
    """As an installed base has it: a nonce, and the data under the authority's key itself."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, data, f"{kind}:{owner}".encode())


@given(st.binary(max_size=200))
def test_what_goes_in_comes_out(data: bytes) -> None:
    sealed = vault.seal(data, kind="capture", owner="job-1")
    assert vault.unseal(sealed, kind="capture", owner="job-1") == data
    assert sealed != vault.seal(data, kind="capture", owner="job-1"), "equal pictures must not look equal"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "capture"},
        {"owner": 8},
        {"model": "m-2"},
        {"model": ""},
        {"kind": 'template", "7', "owner": ""},
        {"owner": '7", "m-1', "model": ""},
    ],
)
def test_what_was_moved_does_not_open(changes: dict[str, Any]) -> None:
    """invalid solely because it is read as another kind, another's, or under another model."""
    with pytest.raises(vault.DoesNotOpen, match="does not open"):
        vault.unseal(vault.seal(b"face", **FACE), **{**FACE, **changes})


def test_where_one_binding_ends_and_the_next_begins_matters() -> None:
    """invalid solely because a colon stands in the model and not in the owner."""
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(vault.seal(b"face", kind="k", owner="1:2", model="3"), kind="k", owner="1", model="2:3")


@given(st.integers(0, vault.HEAD_BYTES + 12 + 4 + 16 - 1), st.integers(1, 255))
def test_what_was_altered_does_not_open(place: int, change: int) -> None:
    """invalid solely because one byte differs: of the version, the name of the key, the wrapped key, or the rest."""
    sealed = bytearray(vault.seal(b"face", **FACE))
    sealed[place] ^= change
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(bytes(sealed), **FACE)


@given(st.integers(0, vault.HEAD_BYTES + 12 + 4 + 16 - 1))
def test_what_was_cut_does_not_open(length: int) -> None:
    """invalid solely because the end is missing."""
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(vault.seal(b"face", **FACE)[:length], **FACE)


@given(st.binary(max_size=200))
def test_any_bytes_do_not_open(data: bytes) -> None:
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(data, **FACE)


def test_each_has_a_key_of_its_own() -> None:
    """With one key for all, nobody could destroy a single face, and a nonce that came twice would open two."""
    one, other = (vault.seal(b"face", **FACE) for _ in range(2))
    assert one[9 : vault.HEAD_BYTES] != other[9 : vault.HEAD_BYTES]
    swapped = one[:9] + other[9 : vault.HEAD_BYTES] + one[vault.HEAD_BYTES :]
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(swapped, **FACE)


def test_without_its_wrapped_key_a_face_is_gone() -> None:
    """What a revocation overwrites is enough, and the authority's key does not help."""
    sealed = vault.seal(b"face", **FACE)
    with pytest.raises(vault.DoesNotOpen):
        vault.unseal(sealed[:9] + bytes(wrapping.WRAPPED_BYTES) + sealed[vault.HEAD_BYTES :], **FACE)


def test_rows_of_an_installed_base_open_and_get_a_key_of_their_own() -> None:
    old = from_before(b"face", conf.secret("biometrics.key"), kind="template", owner=7)
    assert vault.unseal(old, **FACE) == b"face"
    new = vault.rewrap(old, **FACE)
    assert new.startswith(vault.current_head()) and vault.unseal(new, **FACE) == b"face"


def test_an_old_row_whose_nonce_begins_like_a_new_one_opens() -> None:
    """invalid solely in its looks: one old row in 256 begins with the byte of the version."""
    key = conf.secret("biometrics.key")
    nonce = bytes([vault.VERSION]) + os.urandom(11)
    old = nonce + AESGCM(key).encrypt(nonce, bytes(128), b"template:7")
    assert vault.unseal(old, **FACE) == bytes(128)


def test_another_key_takes_over_and_the_ciphertext_stays(settings: Any) -> None:
    sealed = vault.seal(b"face", **FACE)
    settings.IDP_FACE_KEY, settings.IDP_FACE_KEYS_RETIRED = "file:second.key", ["file:biometrics.key"]
    assert vault.unseal(sealed, **FACE) == b"face", "the retired key still opens"
    new = vault.rewrap(sealed, **FACE)
    assert new[vault.HEAD_BYTES :] == sealed[vault.HEAD_BYTES :] and new[:9] != sealed[:9]
    assert vault.digest(new) == vault.digest(sealed), "it is the same thing for whoever keeps it"
    settings.IDP_FACE_KEYS_RETIRED = []
    assert vault.unseal(new, **FACE) == b"face"
    for call in (vault.unseal, vault.rewrap):
        with pytest.raises(vault.DoesNotOpen):
            call(sealed, **FACE)


def test_a_retired_key_is_never_made_anew(settings: Any) -> None:
    """A new one in its place would open nothing, and say so of each row as if that were broken."""
    settings.IDP_FACE_KEYS_RETIRED = ["file:lost.key"]
    with pytest.raises(Unavailable):
        vault.unseal(bytes([1]) * 200, **FACE)
    assert not (conf.authority().key_dir / "lost.key").exists()


@pytest.mark.parametrize(
    "name", ["", "biometrics.key", "file:", "file:../key", "file:a/b", "file:.", "vault:x", "pkcs11:token=x", "file:\0"]
)
def test_a_setting_that_names_no_key_is_told(name: str) -> None:
    """invalid solely because of the one name."""
    assert wrapping.problem(name)
    assert not wrapping.problem("file:biometrics.key")

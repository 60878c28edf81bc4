"""Sealing pictures and templates at rest (ISO/IEC 24745): AES-256-GCM under a key of its own for each.

Sealed is ``version (1) || id of the wrapping key (8) || wrapped data key (40) || nonce (12) || ciphertext and tag``.
The ciphertext is bound to what it is, whose, and under which face model. The head is not bound to it, so that another
wrapping key can take over without a face being opened; a data key of another row opens nothing. Who overwrites the
wrapped key, or deletes the row, has destroyed the face.
"""

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.biometrics import wrapping
from idp.protocol import strict_json

VERSION = 1
NONCE_BYTES = 12  # NIST SP 800-38D §5.2.1.1
KEY_AT = 1 + wrapping.ID_BYTES
HEAD_BYTES = KEY_AT + wrapping.WRAPPED_BYTES
_CONTEXT = "causeway face 1"


class DoesNotOpen(RuntimeError):
    """It was moved, altered or cut, or its wrapping key is not known any more."""


def seal(data: bytes, *, kind: str, owner: object, model: str = "") -> bytes:
    """``data`` encrypted so that it opens only as ``kind`` of ``owner`` (and ``model``). Raises `Unavailable`."""
    key_id, key = wrapping.current()
    data_key, nonce = os.urandom(wrapping.DATA_KEY_BYTES), os.urandom(NONCE_BYTES)
    sealed = AESGCM(data_key).encrypt(nonce, data, _bound(kind, owner, model))
    return b"".join((bytes([VERSION]), key_id, key.wrap(data_key), nonce, sealed))


def unseal(sealed: bytes, *, kind: str, owner: object, model: str = "") -> bytes:
    """The inverse of `seal`. Raises `DoesNotOpen`; `Unavailable` where the wrapping key's token does not answer."""
    sealed = bytes(sealed)
    key = _wrapped_by(sealed)
    if key is None:
        return _unseal_unwrapped(sealed, kind, owner)
    try:
        data_key = key.unwrap(sealed[KEY_AT:HEAD_BYTES])
        nonce, ciphertext = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
        return AESGCM(data_key).decrypt(nonce, ciphertext, _bound(kind, owner, model))
    except (InvalidTag, ValueError) as error:  # ValueError: not wrapped by this key, or too short
        raise DoesNotOpen(f"a sealed {kind} does not open") from error


def rewrap(sealed: bytes, *, kind: str, owner: object, model: str = "") -> bytes:
    """``sealed`` under the current wrapping key, its ciphertext as it was. Raises like `unseal`.

    What is from before there were wrapped keys has none to wrap: it is opened and sealed.
    """
    sealed = bytes(sealed)
    old = _wrapped_by(sealed)
    if old is None:
        return seal(_unseal_unwrapped(sealed, kind, owner), kind=kind, owner=owner, model=model)
    try:
        data_key = old.unwrap(sealed[KEY_AT:HEAD_BYTES])
    except ValueError as error:
        raise DoesNotOpen(f"a sealed {kind} does not open") from error
    key_id, key = wrapping.current()
    return b"".join((bytes([VERSION]), key_id, key.wrap(data_key), sealed[HEAD_BYTES:]))


def current_head() -> bytes:
    """What everything begins with that the current key wrapped. Raises `Unavailable`."""
    return head(wrapping.current()[0])


def head(key_id: bytes) -> bytes:
    """What everything begins with that the key of that id wrapped: `KEY_AT` bytes."""
    return bytes([VERSION]) + key_id


def digest(sealed: bytes) -> str:
    """SHA-256 of the part that stays when another key takes over, in base64url: which sealed thing it is."""
    return strict_json.b64encode(hashlib.sha256(bytes(sealed)[HEAD_BYTES:]).digest())


def _wrapped_by(sealed: bytes) -> wrapping.WrappingKey | None:
    """None for what has no head of ours; that an old nonce looks like one happens once in 2^72."""
    if len(sealed) < HEAD_BYTES or sealed[0] != VERSION:
        return None
    return wrapping.known(sealed[1:KEY_AT])


def _unseal_unwrapped(sealed: bytes, kind: str, owner: object) -> bytes:
    """What an installed base has from before: nonce and ciphertext under the key in the file itself."""
    for key in wrapping.files():
        try:
            return AESGCM(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], f"{kind}:{owner}".encode())
        except (InvalidTag, ValueError):  # ValueError: too short to have a nonce
            continue
    raise DoesNotOpen(f"a sealed {kind} does not open")


def _bound(kind: str, owner: object, model: str) -> bytes:
    return json.dumps([_CONTEXT, kind, str(owner), model]).encode()

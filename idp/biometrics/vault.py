"""Sealing pictures and templates at rest: AES-256-GCM, bound to what they are and whose (ISO/IEC 24745)."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp import conf

NONCE_BYTES = 12  # NIST SP 800-38D §5.2.1.1


def seal(data: bytes, *, kind: str, owner: object) -> bytes:
    """``data`` encrypted so that it opens only as ``kind`` of ``owner``."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher().encrypt(nonce, data, f"{kind}:{owner}".encode())


def unseal(sealed: bytes, *, kind: str, owner: object) -> bytes:
    """The inverse of `seal`. Raises RuntimeError where the row was moved or altered: ours to explain, nobody else's."""
    sealed = bytes(sealed)
    try:
        return _cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], f"{kind}:{owner}".encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to have a nonce
        raise RuntimeError(f"a sealed {kind} does not open") from error


def _cipher() -> AESGCM:
    return AESGCM(conf.secret("biometrics.key"))

"""Pairwise subjects (OpenID Connect Core §8.1): one traveller, another name for each sector."""

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from idp import conf
from idp.protocol import strict_json

KEY_FILE = "pairwise-subjects"
KEY_BYTES = 32


def pairwise(*, sector: str, traveller_id: UUID) -> str:
    """The subject of a traveller for ``sector``: HMAC-SHA-256 in base64url, 43 characters.

    Without the node's key nobody can link two sectors' subjects, nor find the traveller.
    """
    message = f"{len(sector)}:{sector}:{traveller_id}".encode()
    return strict_json.b64encode(hmac.digest(_key(conf.authority().key_dir / KEY_FILE), message, hashlib.sha256))


def process(*, sector: str, document_id: UUID) -> str:
    """A name for ``sector`` of how a document was linked: the node finds it again, and nobody compares two sectors'."""
    message = f"process:{len(sector)}:{sector}:{document_id}".encode()
    return strict_json.b64encode(hmac.digest(_key(conf.authority().key_dir / KEY_FILE), message, hashlib.sha256))


def session(*, sector: str, sid: str) -> str:
    """The name of the browser session ``sid`` for ``sector``: as a subject, it links nothing across sectors."""
    message = f"sid:{len(sector)}:{sector}:{sid}".encode()  # no subject's message begins with a letter
    return strict_json.b64encode(hmac.digest(_key(conf.authority().key_dir / KEY_FILE), message, hashlib.sha256))


@lru_cache(maxsize=4)
def _key(path: Path) -> bytes:
    """The key in ``path``; made on first use. Losing it changes every subject, so it belongs into the backup."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(fresh, path)  # fails when another process was first: never a half-written key, never two
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise RuntimeError(f"{path} does not hold {KEY_BYTES} bytes")
    return key

"""The private keys of a phone or of the messenger: files of mode 0600 in a directory of mode 0700."""

import hashlib
import os
import threading
from pathlib import Path

from idp.protocol import strict_json
from idp.protocol.keys import PrivateKey, generate, parse_private


def private_directory(path: Path) -> Path:
    """``path``, made if it was not there, open to its owner only."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def load_or_make(path: Path) -> PrivateKey:
    """The ES256 key in ``path``, made on first use. Two processes that come first together get the same key."""
    if not path.exists():
        private_directory(path.parent)
        made = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(strict_json.dumps(generate("ES256").jwk()))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)  # whole or not at all, and never over an older key
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return parse_private(strict_json.loads_object(path.read_bytes()))


class Keyring:
    """The phone's keys: one for the device, and one *holder key* for each receiving authority.

    A holder key stands in the border token in clear; with one for each authority, two authorities that compare tokens
    do not see that they are the same traveller's.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = private_directory(directory)

    @property
    def device(self) -> PrivateKey:
        """The key that access tokens are bound to (RFC 9449)."""
        return load_or_make(self._directory / "device.json")

    def holder(self, authority: str) -> PrivateKey:
        """The key for the receiving ``authority`` (an entity identifier)."""
        name = hashlib.sha256(authority.encode()).hexdigest()[:32]
        return load_or_make(self._directory / f"holder-{name}.json")

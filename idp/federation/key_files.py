"""The files of private keys: ``<key directory>/<use>/<kid>.jwk``, for the node's own user alone."""

import os
from functools import lru_cache
from pathlib import Path

from idp import conf
from idp.protocol import keys, strict_json
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Unavailable


def path_of(use: str, kid: str) -> Path:
    """Where the private key ``kid`` stands, or stood."""
    return _file(conf.authority().key_dir, use, kid)


def write(use: str, key: PrivateKey) -> None:
    """Store a new key, on the disk before this returns; raises FileExistsError rather than replace one."""
    path = path_of(use, key.kid)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(strict_json.dumps(key.jwk()))
        file.flush()
        os.fsync(file.fileno())


def read(use: str, kid: str) -> PrivateKey:
    """The private key; raises `Unavailable` where its file cannot be read."""
    return _load(conf.authority().key_dir, use, kid)


def destroy(use: str, kid: str) -> None:
    """Delete the file, and forget what this process read from it. No file is no error."""
    path_of(use, kid).unlink(missing_ok=True)
    _load.cache_clear()


@lru_cache(maxsize=1024)
def _load(directory: Path, use: str, kid: str) -> PrivateKey:
    try:
        return keys.parse_private(strict_json.loads_object(_file(directory, use, kid).read_bytes()))
    except OSError as error:
        raise Unavailable(f"a private key file cannot be read: {kid}") from error


def _file(directory: Path, use: str, kid: str) -> Path:
    return directory / use / f"{kid}.jwk"

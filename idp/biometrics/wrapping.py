"""The authority's keys that wrap the keys of faces (AES key wrap, RFC 3394): one current, others only to open with.

A key is known by the first bytes of a hash of what it makes of a constant, so it has one name wherever it lies: a key
that is moved from a file into a token opens what it wrapped before.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import keywrap

from idp import conf
from idp.biometrics import pkcs11_uri
from idp.protocol.refusals import Unavailable

ID_BYTES = 8
DATA_KEY_BYTES = 32
WRAPPED_BYTES = DATA_KEY_BYTES + 8  # RFC 3394 §2.2.1: a block more
FILE = "file:"
_PROBE = b"causeway: which face key is it?".ljust(DATA_KEY_BYTES, b"\0")  # no key: a key would be random


class WrappingKey(Protocol):
    """A key of the authority, in a file or in a token."""

    def wrap(self, data_key: bytes) -> bytes:
        """40 bytes for 32. Raises `Unavailable`."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The inverse. Raises `Unavailable`; ValueError for what this key did not wrap."""


class FileKey:
    """A key in the key directory. ``secret`` also opens rows from before there were wrapped keys."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def wrap(self, data_key: bytes) -> bytes:
        return keywrap.aes_key_wrap(self.secret, data_key)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap(self.secret, wrapped)
        except keywrap.InvalidUnwrap as error:
            raise ValueError("not a key that this key wrapped") from error


def current() -> tuple[bytes, WrappingKey]:
    """The key that new rows are wrapped with, and its id. Raises `Unavailable`."""
    authority = conf.authority()
    return _identified(authority.face_key, authority.key_dir)


def known(key_id: bytes) -> WrappingKey | None:
    """The key of that id; None where this node has none. Raises `Unavailable` where it may be one that is away."""
    away: Unavailable | None = None
    for name in _names():
        try:
            found, key = _identified(name, conf.authority().key_dir)
        except Unavailable as error:
            away = error
            continue
        if found == key_id:
            return key
    if away is not None:
        raise away
    return None


@dataclass(frozen=True)
class Named:
    """A key as the settings name it, and whether it answers now."""

    name: str  # file:NAME or a pkcs11 URI
    current: bool
    key_id: bytes | None  # None: it does not answer
    problem: str  # why not, in English and without anything of the URI; "" where it does


def every() -> list[Named]:
    """The current key, then the retired ones, each asked now whether it answers."""
    return [_asked(name, current=number == 0) for number, name in enumerate(_names())]


def _asked(name: str, *, current: bool) -> Named:
    try:
        key = _identified(name, conf.authority().key_dir)[1]
        return Named(name, current, _id(key), "")
    except (Unavailable, ValueError) as error:
        return Named(name, current, None, str(error))


def files() -> Iterator[FileKey]:
    """The keys that lie in files, the current one first."""
    for name in _names():
        if name.startswith(FILE):
            yield _file_key(name)


def problem(name: str) -> str:
    """What is wrong with ``name`` as the setting of a key, in English; "" where nothing is."""
    try:
        if name.startswith(pkcs11_uri.SCHEME):
            pkcs11_uri.parse(name)
        else:
            _file_name(name)
    except ValueError as error:
        return str(error)
    return ""


def _names() -> tuple[str, ...]:
    authority = conf.authority()
    return (authority.face_key, *authority.face_keys_retired)


@lru_cache(maxsize=16)
def _identified(name: str, key_dir: Path) -> tuple[bytes, WrappingKey]:
    """Looked up once for each process; what raises is not kept. ``key_dir`` because the name alone says not where."""
    key: WrappingKey
    if name.startswith(pkcs11_uri.SCHEME):
        from idp.biometrics.token_keys import TokenKey  # its library is loaded where a token is used

        key = TokenKey(pkcs11_uri.parse(name))
    else:
        key = _file_key(name)
    return _id(key), key


def _id(key: WrappingKey) -> bytes:
    return hashlib.sha256(key.wrap(_PROBE)).digest()[:ID_BYTES]


def _file_key(name: str) -> FileKey:
    current_one = name == conf.authority().face_key
    try:
        return FileKey(conf.secret(_file_name(name)) if current_one else conf.kept_secret(_file_name(name)))
    except OSError as error:
        raise Unavailable(f"a file with a face key: {type(error).__name__}") from error


def _file_name(name: str) -> str:
    plain = name.removeprefix(FILE)
    if plain == name or not plain or Path(plain).name != plain or not plain.isprintable():
        raise ValueError("a face key is file:NAME, a file in the key directory, or a pkcs11 URI")
    return plain

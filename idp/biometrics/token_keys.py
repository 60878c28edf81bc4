"""A wrapping key that stays in a PKCS#11 token: data keys go in and come out, the wrapping key never does.

The token wraps by CKM_AES_KEY_WRAP (RFC 3394), which SoftHSM and hardware modules have alike. A data key is an object
of the session for as long as one call takes. Sessions belong to one process and one login; after a fork and after a
failure the library is begun anew, which ends every session that it had.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error
from pkcs11.exceptions import PinIncorrect, TokenNotPresent

from idp.biometrics.pkcs11_uri import KeyUri
from idp.protocol.refusals import Unavailable

_FOR_ONE_CALL = {Attribute.TOKEN: False, Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
_AES = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}


@dataclass(frozen=True)
class Slot:
    """One slot of a PKCS#11 library, and the token in it, if there is one that was initialised."""

    number: int
    description: str
    label: str
    serial: str
    model: str

    def holds(self, uri: KeyUri) -> bool:
        """Whether the key of ``uri`` is to be looked for in this slot's token."""
        known = uri.token is None or uri.token == self.label
        return known and (uri.serial is None or uri.serial == self.serial.encode())


def slots(module: Path) -> list[Slot]:
    """Every slot of the library at ``module``, without a login. Raises `Unavailable`."""
    library = _library(module)
    with library.lock:
        try:
            return library.slots()
        except (PKCS11Error, OSError):
            pass  # a parent's library, or one that was away: once more, from the beginning
        try:
            library.forget()
            return library.slots()
        except (PKCS11Error, OSError) as error:
            raise Unavailable(f"the library of tokens: {type(error).__name__}") from error


class _Library:
    """One PKCS#11 library of this process, and what was opened with it. Not safe without its lock."""

    def __init__(self, module: Path) -> None:
        self.lock = threading.RLock()  # the library is initialised as one that is called by one thread at a time
        self._module = str(module)
        self._pid = os.getpid()
        self._lib: Any = None
        self._sessions: dict[object, Any] = {}
        self._keys: dict[KeyUri, Any] = {}
        self._wrong_pins: set[tuple[KeyUri, str]] = set()

    def key(self, uri: KeyUri) -> Any:
        """The key's handle, logged in. Raises PKCS11Error, OSError (the file with the PIN)."""
        if self._pid != os.getpid():  # what a parent initialised is not its child's (PKCS #11, C_Initialize)
            self.forget()
        if uri not in self._keys:
            self._keys[uri] = self._session(uri).get_key(
                object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=uri.label, id=uri.id
            )
        return self._keys[uri]

    def slots(self) -> list[Slot]:
        """Those with a token and those without. Raises PKCS11Error, OSError."""
        if self._pid != os.getpid():
            self.forget()
        return [_slot(found) for found in self._opened_library().get_slots()]

    def forget(self) -> None:
        """Begin anew at the next call."""
        self._sessions.clear()
        self._keys.clear()
        self._pid = os.getpid()
        if self._lib is not None:
            self._lib.reinitialize()

    def _session(self, uri: KeyUri) -> Any:
        token = (uri.token, uri.serial)
        if token not in self._sessions:
            found = self._opened_library().get_token(token_label=uri.token, token_serial=uri.serial)
            self._sessions[token] = self._opened(found, uri)
        return self._sessions[token]

    def _opened_library(self) -> Any:
        if self._lib is None:
            self._lib = pkcs11.lib(self._module)
        return self._lib

    def _opened(self, token: Any, uri: KeyUri) -> Any:
        pin = uri.pin_file.read_text(encoding="utf-8").strip()
        if (uri, pin) in self._wrong_pins:  # a token locks itself after a few
            raise PinIncorrect
        try:
            return token.open(user_pin=pin)
        except PinIncorrect:
            self._wrong_pins.add((uri, pin))
            raise


@lru_cache(maxsize=8)
def _library(module: Path) -> _Library:
    return _Library(module)


class TokenKey:
    """`idp.biometrics.wrapping.WrappingKey` in a token."""

    def __init__(self, uri: KeyUri) -> None:
        self._uri = uri

    def wrap(self, data_key: bytes) -> bytes:
        """RFC 3394 §2.2.1. Raises `Unavailable`."""
        return self._call(lambda key: _wrap(key, data_key))

    def unwrap(self, wrapped: bytes) -> bytes:
        """RFC 3394 §2.2.2. Raises `Unavailable`; ValueError where the token answers, and did not wrap this."""
        return self._call(lambda key: _unwrap(key, wrapped))

    def _call(self, work: Callable[[Any], bytes]) -> bytes:
        library = _library(self._uri.module)
        with library.lock:
            try:
                return work(library.key(self._uri))
            except (PKCS11Error, OSError):
                pass  # a session that ended, a token that was away: once more, from the beginning
            try:
                library.forget()
                return work(library.key(self._uri))
            except (PKCS11Error, OSError) as error:
                raise Unavailable(f"the token with the face key: {type(error).__name__}") from error


def _slot(found: Any) -> Slot:
    try:
        token = found.get_token()
    except TokenNotPresent:
        return Slot(found.slot_id, _text(found.slot_description), "", "", "")
    return Slot(
        number=found.slot_id,
        description=_text(found.slot_description),
        label=_text(token.label),
        serial=_text(token.serial),
        model=_text(token.model),
    )


def _text(value: str | bytes) -> str:
    """What a library says, padded as PKCS #11 has it."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text.strip(" \0")


def _wrap(key: Any, data_key: bytes) -> bytes:
    inside = key.session.create_object({**_AES, Attribute.VALUE: data_key, **_FOR_ONE_CALL})
    try:
        return bytes(key.wrap_key(inside, mechanism=Mechanism.AES_KEY_WRAP))
    finally:
        inside.destroy()


def _unwrap(key: Any, wrapped: bytes) -> bytes:
    kind, how = (ObjectClass.SECRET_KEY, KeyType.AES), {"mechanism": Mechanism.AES_KEY_WRAP, "store": False}
    try:
        inside = key.unwrap_key(*kind, wrapped, **how, template=_FOR_ONE_CALL)
    except PKCS11Error as error:
        _wrap(key, bytes(32))  # tokens say "general error" of an altered key and of any other trouble: is it there?
        raise ValueError("not a key that this token wrapped") from error
    try:
        return bytes(inside[Attribute.VALUE])
    finally:
        inside.destroy()

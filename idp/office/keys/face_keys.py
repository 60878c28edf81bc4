"""The keys that wrap the keys of faces, as officers read them: where each lies, whether it answers, what it wrapped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from idp.biometrics import pkcs11_uri, rewrapping, token_keys, wrapping
from idp.biometrics.pkcs11_uri import KeyUri
from idp.biometrics.token_keys import Slot
from idp.biometrics.wrapping import FILE, Named
from idp.protocol.refusals import Unavailable


@dataclass(frozen=True)
class FaceKey:
    """One wrapping key. ``rows`` is by table, in the order of `Overview.tables`; None where it does not answer."""

    current: bool
    key_id: str
    lies: str
    problem: str
    rows: tuple[int, ...] | None


@dataclass(frozen=True)
class Library:
    """A PKCS#11 library that a key's setting names. ``problem`` is empty where it answers."""

    name: str
    slots: tuple[tuple[Slot, tuple[str, ...]], ...]  # with the keys that are looked for in it
    problem: str


@dataclass(frozen=True)
class Overview:
    """Everything about them."""

    tables: tuple[str, ...]
    keys: tuple[FaceKey, ...]
    other: tuple[int, ...]  # rows of no key that answers, by table
    libraries: tuple[Library, ...]

    @property
    def left(self) -> int:
        """Rows that another than the current key wrapped, or none that answers."""
        retired = sum(sum(key.rows or ()) for key in self.keys if not key.current)
        return retired + sum(self.other)


def overview() -> Overview:
    """Asks each token, and reads the head of every sealed row."""
    named = wrapping.every()
    answering = [key for key in named if key.key_id is not None]
    counted = rewrapping.by_key([key.key_id for key in answering if key.key_id is not None])
    libraries = tuple(_libraries(named))
    rows = {key: tuple(table.rows[number] for table in counted) for number, key in enumerate(answering)}
    return Overview(
        tables=tuple(str(table.model._meta.verbose_name_plural) for table in counted),
        keys=tuple(_face_key(key, libraries, rows.get(key)) for key in named),
        other=tuple(table.other for table in counted),
        libraries=libraries,
    )


def _face_key(key: Named, libraries: tuple[Library, ...], rows: tuple[int, ...] | None) -> FaceKey:
    known = "" if key.key_id is None else key.key_id.hex()
    return FaceKey(key.current, known, _lies(key, libraries), key.problem, rows)


def _lies(key: Named, libraries: tuple[Library, ...]) -> str:
    if (uri := _uri(key)) is None:
        return _("file %(file)s") % {"file": key.name.removeprefix(FILE)}
    facts = {"key": _object(uri), "token": uri.token or (uri.serial or b"").decode("ascii", "replace")}
    found = [slot for library in libraries for slot, _held in library.slots if slot.holds(uri)]
    if not found:
        return _("key %(key)s in token %(token)s, which is in no slot") % facts
    return _("key %(key)s in token %(token)s, slot %(slot)s") % {**facts, "slot": found[0].number}


def _libraries(named: list[Named]) -> Iterator[Library]:
    uris = [uri for uri in map(_uri, named) if uri is not None]
    for module in dict.fromkeys(uri.module for uri in uris):
        yield _library(module, [uri for uri in uris if uri.module == module])


def _library(module: Path, uris: list[KeyUri]) -> Library:
    try:
        slots = token_keys.slots(module)
    except Unavailable as error:
        return Library(module.name, (), str(error))
    held = ((slot, tuple(_object(uri) for uri in uris if slot.holds(uri))) for slot in slots)
    return Library(module.name, tuple(held), "")


def _uri(key: Named) -> KeyUri | None:
    """None for a key in a file, and for a setting that cannot be read, which is told as the key's problem."""
    try:
        return pkcs11_uri.parse(key.name)
    except ValueError:
        return None


def _object(uri: KeyUri) -> str:
    return uri.label if uri.label is not None else (uri.id or b"").hex()

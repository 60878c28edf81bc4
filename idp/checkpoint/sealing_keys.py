"""The checkpoint's sealing keys: made here, never known to the node, rotated daily, erased when nothing needs them.

``current`` opens the tokens sealed now and ``next`` is announced ahead. An ``old`` one is kept for a token's life
*after the node has confirmed its successor* (until then the node seals to the old one) and then erased, so that a
stolen gate opens nothing of last month (protocol.md, Border token).

Each key lies in a file of its own, written once; ``state.json`` says which is which and is replaced whole, so that a
loss of power leaves the keys before a rotation or those after it. Lanes of one checkpoint share the directory: whoever
reads or changes it holds its lock.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from idp.checkpoint.config import read_key, sync_directory, write_private
from idp.protocol import keys

ROTATION = 86_400  # seconds
KEEP_OLD = 86_400 + 600  # a token made ahead lives 24 h, rounded outwards; and clocks differ
STATE, LOCK = "state.json", "lock"


@dataclass(frozen=True)
class Old:
    """A retired key by its ``kid``; ``since`` is when the node confirmed its successor, None before."""

    kid: str
    since: int | None


@dataclass(frozen=True)
class _State:
    current: str  # kid
    next: str
    old: tuple[Old, ...]
    rotated_at: int
    announced: bool


@dataclass(frozen=True)
class SealingKeys:
    """Private keys, in the order in which they are tried. ``announced``: the node has confirmed current and next."""

    current: keys.PrivateKey
    next: keys.PrivateKey
    old: tuple[keys.PrivateKey, ...]
    rotated_at: int
    announced: bool

    @property
    def all(self) -> tuple[keys.PrivateKey, ...]:
        return (self.current, self.next, *self.old)

    def public_jwks(self) -> dict[str, list[dict[str, object]]]:
        """What is announced: current, then next."""
        return {"keys": [key.public.jwk() for key in (self.current, self.next)]}


def ensure(directory: Path, *, now: int) -> SealingKeys:
    """`read`, and the keys are made if there are none: at enrolment, and at no other time."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(directory):
        state = _read(directory) or _begin(directory, now)
        return _keys(directory, _erase_dead(directory, state, now))


def read(directory: Path, *, now: int) -> SealingKeys:
    """The keys in ``directory``; an old one whose time is over is erased.

    Raises OSError or RuntimeError when they are not there: a disk that is away must not be replaced by new keys.
    """
    with _locked(directory):
        return _keys(directory, _erase_dead(directory, _existing(directory), now))


def rotate_if_due(directory: Path, *, now: int) -> SealingKeys:
    """Once a day, make next the current one and a new next; the caller announces them. Raises as `read`.

    Not before the last rotation was announced, and once only for all lanes that share the directory.
    """
    with _locked(directory):
        state = _existing(directory)
        if state.announced and now >= state.rotated_at + ROTATION:
            old = (*state.old, Old(state.current, None))
            state = _State(state.next, _make(directory), old, rotated_at=now, announced=False)
            _write(directory, state)
        return _keys(directory, _erase_dead(directory, state, now))


def confirm(directory: Path, *, current: str, now: int) -> None:
    """The node has taken the keys of which ``current`` (a ``kid``) is the first: old ones are retired from ``now``."""
    with _locked(directory):
        state = _existing(directory)
        if state.current == current and not state.announced:
            old = tuple(Old(item.kid, now if item.since is None else item.since) for item in state.old)
            _write(directory, replace(state, old=old, announced=True))


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _existing(directory: Path) -> _State:
    state = _read(directory)
    if state is None:
        raise RuntimeError(f"there are no sealing keys in {directory}")
    return state


def _begin(directory: Path, now: int) -> _State:
    state = _State(_make(directory), _make(directory), (), rotated_at=now, announced=False)
    _write(directory, state)
    return state


def _make(directory: Path) -> str:
    key = keys.generate("ES256")
    write_private(_path(directory, key.kid), json.dumps(key.jwk()))
    return key.kid


def _read(directory: Path) -> _State | None:
    path = directory / STATE
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        old = tuple(Old(str(item["kid"]), item["since"]) for item in value["old"])
        return _State(value["current"], value["next"], old, int(value["rotated_at"]), bool(value["announced"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"{path.name} of the sealing keys cannot be read") from error


def _write(directory: Path, state: _State) -> None:
    old = [{"kid": item.kid, "since": item.since} for item in state.old]
    write_private(directory / STATE, json.dumps({**vars(state), "old": old}))


def _keys(directory: Path, state: _State) -> SealingKeys:
    current, following, *old = (
        read_key(_path(directory, kid)) for kid in (state.current, state.next, *(item.kid for item in state.old))
    )
    return SealingKeys(current, following, tuple(old), state.rotated_at, state.announced)


def _erase_dead(directory: Path, state: _State, now: int) -> _State:
    """Erase what the state does not name any more: old keys whose time is over, and what a lost rotation left."""
    alive = tuple(item for item in state.old if item.since is None or now < item.since + KEEP_OLD)
    if alive != state.old:
        state = replace(state, old=alive)
        _write(directory, state)  # first: a key that is half erased must not be asked for again
    named = {_path(directory, kid) for kid in (state.current, state.next, *(item.kid for item in alive))}
    for path in set(directory.glob("*.jwk*")) - named:
        _erase(path)
    return state


def _erase(path: Path) -> None:
    """Overwrite the content in its place, then drop the name: a deleted name alone leaves the content on the disk.

    A disk that writes elsewhere (flash, a copy-on-write file system) may keep it all the same; encrypt the disk.
    """
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_directory(path.parent)


def _path(directory: Path, kid: str) -> Path:
    return directory / f"{kid}.jwk"

"""The checkpoint's sealing keys: made here, never known to the node, rotated daily, erased when nothing needs them.

``current`` opens the tokens sealed now, ``next`` is announced ahead, ``old`` is kept for one token's life and then
erased, so that a stolen gate opens nothing of last month (protocol.md, Border token).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from idp.checkpoint.config import read_key, write_private
from idp.protocol import keys

ROTATION = 86_400  # seconds
KEEP_OLD = 86_400 + 600  # a token made ahead lives 24 h; and clocks differ
CURRENT, NEXT, OLD, STATE = "current.jwk", "next.jwk", "old.jwk", "state.json"


@dataclass(frozen=True)
class SealingKeys:
    """Private keys, in the order in which they are tried."""

    current: keys.PrivateKey
    next: keys.PrivateKey
    old: keys.PrivateKey | None
    rotated_at: int

    @property
    def all(self) -> tuple[keys.PrivateKey, ...]:
        return (self.current, self.next) if self.old is None else (self.current, self.next, self.old)

    def public_jwks(self) -> dict[str, list[dict[str, object]]]:
        """What is announced: current, then next."""
        return {"keys": [key.public.jwk() for key in (self.current, self.next)]}


def ensure(directory: Path, *, now: int) -> SealingKeys:
    """The keys in ``directory``, made if there are none; an old one whose time is over is erased."""
    if not (directory / STATE).exists():
        for name in (CURRENT, NEXT):
            _write(directory / name, keys.generate("ES256"))
        _write_state(directory, now)
    rotated_at = int(json.loads((directory / STATE).read_text())["rotated_at"])
    old = directory / OLD
    if old.exists() and now >= rotated_at + KEEP_OLD:
        _erase(old)
    return SealingKeys(
        read_key(directory / CURRENT), read_key(directory / NEXT), read_key(old) if old.exists() else None, rotated_at
    )


def rotate(directory: Path, *, now: int) -> SealingKeys:
    """Make next the current one, and a new next; the caller announces them. Safe to repeat after a failure."""
    found = ensure(directory, now=now)
    _write(directory / OLD, found.current)
    _write(directory / CURRENT, found.next)
    _write(directory / NEXT, keys.generate("ES256"))
    _write_state(directory, now)
    return ensure(directory, now=now)


def _write(path: Path, key: keys.PrivateKey) -> None:
    write_private(path, json.dumps(key.jwk()))


def _write_state(directory: Path, now: int) -> None:
    write_private(directory / STATE, json.dumps({"rotated_at": now}))


def _erase(path: Path) -> None:
    write_private(path, "")  # the content first: a deleted name alone leaves it in place
    path.unlink()

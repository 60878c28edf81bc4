"""Which exit and which entry are one way across a border: a function of the facts, whatever order they came in."""

from collections.abc import Iterable
from dataclasses import dataclass

# Clocks of two authorities differ, and at a joint gate both sides write at once: an entry may seem to lie this long
# before its exit (seconds).
SKEW = 600
# Nobody is between two gates for longer: a border token lives a day at most (protocol.md, Border token).
LONGEST_WAY = 24 * 3600
REACH = SKEW + LONGEST_WAY  # a crossing further away than this changes nothing about a pair


@dataclass(frozen=True)
class Half:
    """One side's part of a way: ``key`` names it, ``at`` is in seconds since 1970."""

    key: int
    direction: str
    at: int


def pair(halves: Iterable[Half], *, skew: int = SKEW, longest: int | None = LONGEST_WAY) -> dict[int, int]:
    """The exit's key by the entry's key, of one traveller's halves that lead to one territory.

    An exit and an entry belong together where nothing lies between them and no more than ``longest`` seconds (None: any
    time). The same two are found whatever order the halves are given in.
    """
    found: dict[int, int] = {}
    waiting: Half | None = None
    for half in sorted(halves, key=lambda half: _place(half, skew)):
        if half.direction == "exit":
            waiting = half
            continue
        if waiting is not None and (longest is None or half.at - waiting.at <= longest):
            found[half.key] = waiting.key
        waiting = None
    return found


def _place(half: Half, skew: int) -> tuple[int, bool, int]:
    return (half.at - skew if half.direction == "exit" else half.at), half.direction == "entry", half.key

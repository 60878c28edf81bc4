"""The officers' reads of a journal of `SIZE` crossings: ``python -m bench.reads_node``.

A program of its own, because Django is set up once in a process. Environment: that of a node on an empty database, and
`SIZE`. Prints JSON: the milliseconds of each read, by its kind, and how long it took to make the crossings.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import django

READS = 100  # of each kind
DAY = 86_400


def main() -> int:
    """Fill, read, print."""
    django.setup()
    from django.core.management import call_command

    from bench import crossings

    call_command("migrate", verbosity=0)
    size, now = int(os.environ["SIZE"]), int(time.time())
    begun = time.monotonic()
    for month in crossings.fill(size, now=now):
        print(f"  {size} crossings: {month}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    filled = time.monotonic() - begun
    print(json.dumps({"filled": filled, "times": _times(now)}))
    return 0


def _times(now: int) -> dict[str, list[float]]:
    from bench import timing

    chance = random.Random(7)
    kinds = {name: _prepared(make, now, chance) for name, make in _kinds(chance).items()}
    return timing.in_turn(kinds, READS)


def _kinds(chance: random.Random) -> dict[str, Callable[[], dict[str, Any]]]:
    """What officers look for; of one row where they look for something that is there."""
    from idp.border.models import JournalEntry

    count = JournalEntry.objects.order_by("-at", "-id").values_list("id", flat=True)[0]

    def place() -> dict[str, Any]:
        return {"checkpoint": f"c{min(chance.randrange(16), chance.randrange(16))}"}

    def somebody(name: str) -> dict[str, Any]:
        return {name: JournalEntry.objects.filter(pk=chance.randrange(count)).values_list(name, flat=True)[0]}

    return {
        "latest": dict,
        "checkpoint": place,
        "checkpoint_and_direction": lambda: {**place(), "direction": chance.choice(["entry", "exit"])},
        "lane": _lane(chance),
        "refusals": lambda: {"decision": "refuse"},
        "refusals_of_a_checkpoint": lambda: {**place(), "decision": "refuse"},
        "rare_reason": lambda: {"reason": "guardian_absent"},
        "rare_reason_of_a_checkpoint": lambda: {**place(), "reason": "guardian_absent"},
        "token": lambda: somebody("jti"),
        "traveller": lambda: somebody("subject"),
    }


def _lane(chance: random.Random) -> Callable[[], dict[str, Any]]:
    from idp.border.models import Lane

    lanes = list(Lane.objects.values_list("checkpoint__code", "name"))

    def lane() -> dict[str, Any]:
        checkpoint, name = chance.choice(lanes)
        return {"checkpoint": checkpoint, "lane": name}

    return lane


def _prepared(make: Callable[[], dict[str, Any]], now: int, chance: random.Random) -> Callable[[int], object]:
    """Reads of one kind: of the last day, or of a month at any time of the year; the first page, or the one after."""
    from idp.border import paging
    from idp.border.records import reading

    asked = []
    for number in range(READS + 5):
        until = now - chance.randrange(330) * DAY if number % 2 else now
        wanted = reading.Wanted(since=until - (31 * DAY if number % 2 else DAY), until=until, **make())
        rows = reading.entries(wanted, now=now)
        first = paging.page(rows, order=reading.ORDER, after="", limit=paging.LIMIT) if number % 4 == 1 else None
        asked.append((wanted, (first.after if first else "") or ""))

    def read(number: int) -> object:
        wanted, after = asked[number]
        return paging.page(reading.entries(wanted, now=now), order=reading.ORDER, after=after, limit=paging.LIMIT)

    return read


if __name__ == "__main__":
    sys.exit(main())

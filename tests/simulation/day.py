"""One day at the border as the coordinator plans it: which lanes are open, who comes to which, what goes wrong.

All happens within an hour: tokens are fetched in ten seconds, then documents are revoked, then the lanes that are
online exchange with their nodes, then travellers leave one side, enter the other, and some try again.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.simulation.histories import Leg
from tests.simulation.orders import Handed, Seen, Shown, Wanted, face_of
from tests.simulation.places import DAY, LANES, NODES, PLACES, START, between, lane_id

HOUR = 9 * 3600  # of the day, in Hong Kong, at which the border is busiest
SPREAD, REFRESH, LEAVE, ENTER, AGAIN, EVENING = 70, 80, 100, 170, 240, 7200  # seconds after it
BUSY = 3  # places a day
AHEAD, JWT = 0.1, 0.1  # of the tokens

# What goes wrong with a presentation, and how often beside the others.
WRONGS = {
    "two lanes": 4,  # the same token at two lanes that do not know of each other
    "replay": 3,  # once more at the lane that admitted it
    "stolen": 2,  # by somebody without the phone's key
    "other face": 2,
    "alike": 2,  # a face that an officer must look at
    "not live": 1,
    "other lane": 1,  # at a lane for the other direction
    "late": 1,  # when the token is dead
    "revoked": 1,  # its document was, after the token was issued
}


@dataclass
class Crossing:
    """One authority's verdict on one traveller: what was asked for, shown and decided."""

    leg: Leg
    wanted: Wanted
    wrong: str
    territory: str  # whose checkpoint
    handed: Handed | None = None
    seen: list[Seen] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    dishonest: int = 0  # how many of these were not as they should be: the first ones

    @property
    def admitted(self) -> bool:
        """Whether the machine let the traveller through."""
        return any(seen.word == "admit" for seen in self.seen)


class Lanes:
    """Which lanes are cut off, restarted, or have clocks that are off."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self.offline: dict[str, int] = {}  # lane to the day on which it is back
        self.newly: set[str] = set()  # cut off since yesterday, after a last exchange
        self.faults: Counter[str] = Counter()
        self.skews: dict[str, int] = {}
        self.all = {
            territory: [
                lane_id(place.checkpoint(territory), direction, number)
                for place in PLACES
                if territory in place.codes
                for direction in ("exit", "entry")
                for number in range(LANES)
            ]
            for territory in NODES
        }

    def begin(self, day: int) -> dict[str, dict[str, int]]:
        """Faults of a new day; by territory, the clocks that change."""
        self.offline = {lane: back for lane, back in self.offline.items() if back > day}
        self.newly = set()
        changed: dict[str, dict[str, int]] = defaultdict(dict)
        for territory, lanes in self.all.items():
            for lane in lanes:
                if lane not in self.offline and self._random.random() < 0.03:
                    self.offline[lane] = day + self._random.choice((1, 1, 1, 1, 5))
                    self.newly.add(lane)
                    self.faults["lane cut off"] += 1
                skew = self._random.choice((-8, -3, 4, 8, 25, 40, 300)) if self._random.random() < 0.05 else 0
                if skew != self.skews.get(lane, 0):
                    self.skews[lane] = changed[territory][lane] = skew
                    self.faults["clock off"] += skew != 0
        return changed

    def online(self, lanes: Iterable[str]) -> list[str]:
        """Those of ``lanes`` that can reach their node."""
        return [lane for lane in lanes if lane not in self.offline]

    def before(self, territory: str) -> list[str]:
        """Those of ``territory`` that could reach their node until the day began, open or not."""
        return [lane for lane in self.all[territory] if lane not in self.offline or lane in self.newly]

    def restarted(self, territory: str) -> list[str]:
        """Lanes whose power fails just now."""
        found = [lane for lane in self.all[territory] if self._random.random() < 0.02]
        self.faults["lane restarted"] += len(found)
        return found


class Day:
    """The crossings of a day."""

    def __init__(
        self, number: int, legs: Sequence[Leg], chance: random.Random, lanes: Lanes, *, first: int, mischief: float
    ) -> None:
        self.start = START + number * DAY + HOUR
        self._random, self.lanes, self._next = chance, lanes, first
        self._mischief = mischief
        self._busy = chance.sample(PLACES, BUSY)
        self._open: dict[tuple[str, str], list[int]] = {}
        self.legs = [(leg, self._crossings(leg)) for leg in legs]
        self.crossings = {crossing.wanted.number: crossing for _, pair in self.legs for crossing in pair}

    @property
    def next(self) -> int:
        """The number of the first crossing of the day after."""
        return self._next

    def open_lanes(self, territory: str) -> list[str]:
        """Those at which somebody may come today."""
        return [
            lane_id(checkpoint, direction, number)
            for (checkpoint, direction), numbers in self._open.items()
            if checkpoint.startswith(NODES[territory])
            for number in numbers
        ]

    def wanted(self, territory: str) -> list[Wanted]:
        """What the phones of the residents of ``territory`` ask for."""
        return [each.wanted for each in self.crossings.values() if each.leg.traveller.person.home == territory]

    def revoked(self, territory: str) -> list[tuple[int, int]]:
        """Documents of its register that are revoked today, after their tokens were issued."""
        found = [each for each in self.crossings.values() if each.wrong == "revoked"]
        return [
            (each.wanted.person, each.wanted.document) for each in found if each.leg.traveller.person.home == territory
        ]

    def first_tries(self, direction: str) -> list[Crossing]:
        """Who comes to leave, or to enter: the latter only who was let out."""
        found = []
        for _, (leaving, entering) in self.legs:
            crossing = leaving if direction == "exit" else entering
            ready = crossing.handed is not None and crossing.handed.presentation
            if ready and (direction == "exit" or leaving.admitted):
                found.append(crossing)
        return found

    def show(self, crossing: Crossing, again: bytes | str = b"") -> list[Shown]:
        """What the traveller of ``crossing`` shows, or a thief; ``again``: honestly, after a wrong try."""
        if crossing.handed is None:
            return []
        wanted = crossing.wanted
        numbers = self._open[wanted.checkpoint, wanted.direction]
        lane = lane_id(wanted.checkpoint, wanted.direction, numbers[wanted.number % len(numbers)])
        face = face_of(wanted.person)
        if again:
            others = [number for number in numbers if lane_id(wanted.checkpoint, wanted.direction, number) != lane]
            lane = lane_id(wanted.checkpoint, wanted.direction, others[0]) if others else lane
            return [Shown(wanted.number, lane, wanted.shown_at[-1], again, face)]
        crossing.dishonest = 1 if crossing.wrong not in ("", "two lanes", "replay", "revoked") else 0
        first = Shown(wanted.number, lane, wanted.shown_at[0], crossing.handed.presentation, face)
        return self._wrong(crossing, first, numbers)

    def _wrong(self, crossing: Crossing, first: Shown, numbers: Sequence[int]) -> list[Shown]:
        wanted, wrong = crossing.wanted, crossing.wrong
        number, lane, at, presentation, face = first.number, first.lane, first.at, first.presentation, first.face
        if wrong == "two lanes" and len(numbers) > 1:
            second = lane_id(wanted.checkpoint, wanted.direction, numbers[(wanted.number + 1) % len(numbers)])
            return [first, Shown(number, second, at + 2, presentation, face)]
        if wrong == "replay":
            return [first, Shown(number, lane, at + 3, presentation, face)]
        if wrong == "other face":
            return [Shown(number, lane, at, presentation, face_of(-1 - wanted.person))]
        if wrong == "alike":
            return [Shown(number, lane, at, presentation, face[:-1] + bytes([face[-1] ^ 1]))]
        if wrong == "not live":
            return [Shown(number, lane, at, presentation, face, live=False)]
        if wrong == "other lane":
            other = "entry" if wanted.direction == "exit" else "exit"
            there = self._lanes(wanted.checkpoint, other)
            return [Shown(number, lane_id(wanted.checkpoint, other, there[0]), at, presentation, face)]
        return [first]

    def _crossings(self, leg: Leg) -> tuple[Crossing, Crossing]:
        places = between(leg.origin, leg.target)
        place = self._random.choice([each for each in places if each in self._busy] or places)
        leaving = self._crossing(leg, place.checkpoint(leg.origin), "exit", leg.papers[0], leg.origin)
        entering = self._crossing(leg, place.checkpoint(leg.target), "entry", leg.papers[1], leg.target)
        return leaving, entering

    def _crossing(self, leg: Leg, checkpoint: str, direction: str, document: int, territory: str) -> Crossing:
        self._lanes(checkpoint, direction)
        words, weights = list(WRONGS), list(WRONGS.values())
        wrong = self._random.choices(words, weights)[0] if self._random.random() < self._mischief else ""
        at = self.start + self._random.randint(0, 9)
        ahead = wrong != "late" and self._random.random() < AHEAD
        shown = self.start + (LEAVE if direction == "exit" else ENTER) + self._random.randint(0, 59)
        if wrong == "late":
            shown += 3600
        wanted = Wanted(
            number=self._next,
            person=leg.traveller.person.number,
            document=document,
            checkpoint=checkpoint,
            direction=direction,
            at=at,
            shown_at=(shown, self.start + AGAIN + self._random.randint(0, 59)),
            ahead=ahead,
            form="jwt" if self._random.random() < JWT else "cwt",
            stolen=wrong == "stolen",
        )
        self._next += 1
        return Crossing(leg, wanted, wrong, territory)

    def _lanes(self, checkpoint: str, direction: str) -> list[int]:
        """The numbers of the lanes that are open there today: one, on some days two."""
        if (checkpoint, direction) not in self._open:
            first = self._random.randrange(LANES)
            both = self._random.random() < 0.25
            self._open[checkpoint, direction] = [*range(LANES)] if both else [first]
        return self._open[checkpoint, direction]

"""Random histories, from one seed: who the travellers are, on which papers they go where, what is given to them.

Nothing here asks the product. What a traveller may do follows from the table below, which is the domain's
(docs/protocol.md, Travel rules) in the words of a traveller and not in those of the rules.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.simulation.orders import Document, Leave, Person

FIRST_DAY = date(2027, 1, 1)
CHILDREN = 0.02  # of the travellers, below seven: no gate lets them out alone, and every gate lets them home
WRONG_PAPERS = 0.02  # who takes the wrong one of two documents, or goes where theirs is good for nothing
WITHOUT_LEAVE = 0.05  # who set out though they have no endorsement
# By a lane, of entries that the issuer may not have heard of: 8 days (docs/protocol.md, step 9), longer where the lane
# is closed then: it forgets by its journal's time.
REMEMBERED = timedelta(days=14)


@dataclass(frozen=True)
class Way:
    """There and back again: the papers, by their place, for leaving and entering on the way out and on the way home."""

    there: str
    out: tuple[int, int]
    back: tuple[int, int]
    leave: str = ""  # kind of the endorsement that it needs: see `LEAVES`
    good: bool = True  # whether such papers are good for it
    then: str = ""  # where it goes on to before it goes home, on an endorsement of the same kind


@dataclass(frozen=True)
class Sort:
    """A sort of traveller: how many of a hundred, where at home, with which papers, on which ways."""

    share: float
    home: str
    papers: tuple[tuple[str, str, str, str], ...]  # type, how its number begins, whose, the holder's residence
    ways: tuple[Way, ...]


def _permit(*leaves: tuple[str, str]) -> tuple[Way, ...]:
    return tuple(Way(there, (0, 0), (0, 0), kind) for kind, there in leaves)


EEP, HKID, BIR = ("eep", "CA", "CHN", ""), ("hkid", "A", "HKG", "permanent"), ("bir", "1", "MAC", "permanent")
# By share and home so that each of the three processes has about as much to do.
SORTS = (
    Sort(7, "CHN", (EEP,), _permit(("G", "HKG"), ("L", "HKG"))),
    Sort(5, "CHN", (EEP,), _permit(("G", "MAC"), ("Q", "MAC"))),
    Sort(6, "CHN", (EEP,), _permit(("shenzhen", "HKG"))),
    Sort(4, "CHN", (EEP,), _permit(("zhuhai", "MAC"), ("hengqin", "MAC"))),
    Sort(3, "CHN", (EEP,), _permit(("T", "HKG"), ("T-3m", "HKG"), ("T-1y", "MAC"))),
    Sort(3, "CHN", (EEP,), _permit(("S", "HKG"), ("D", "HKG"), ("R", "HKG"))),
    Sort(2, "CHN", (EEP,), (Way("HKG", (0, 0), (0, 0), "G", then="MAC"),)),
    Sort(1, "CHN", (EEP,), _permit(("shenzhen-weekly", "HKG"))),
    Sort(2, "CHN", (("passport", "E", "CHN", ""),), _permit(("", "HKG"))),
    Sort(1, "CHN", (("passport", "E", "CHN", ""),), (Way("MAC", (0, 0), (0, 0), good=False),)),
    Sort(20, "HKG", (HKID, ("hrp", "H", "CHN", "")), (Way("CHN", (0, 1), (1, 0)), Way("MAC", (0, 0), (0, 0)))),
    Sort(1, "HKG", (HKID, ("hrp", "H", "CHN", "")), (Way("MAC", (1, 1), (1, 1), good=False),)),
    Sort(1, "MAC", (BIR, ("mvp", "V", "MAC", "permanent")), (Way("CHN", (1, 1), (1, 1), good=False),)),
    Sort(4, "HKG", (HKID, ("hrp", "HA", "CHN", "")), (Way("CHN", (0, 1), (1, 0)),)),
    Sort(4, "HKG", (("reentry", "RM", "HKG", ""), ("hrp", "H", "CHN", "")), (Way("CHN", (0, 1), (1, 0)),)),
    Sort(3, "HKG", (HKID, ("passport", "K", "HKG", "")), (Way("MAC", (0, 0), (0, 1)),)),
    Sort(20, "MAC", (BIR, ("hrp", "M", "CHN", "")), (Way("CHN", (0, 1), (1, 0)), Way("HKG", (0, 0), (0, 0)))),
    Sort(
        4,
        "MAC",
        (("bir", "1", "MAC", "temporary"), ("mvp", "V", "MAC", "temporary")),
        (Way("HKG", (0, 1), (1, 1)),),
    ),
    Sort(5, "MAC", (BIR, ("mvp", "V", "MAC", "permanent")), (Way("HKG", (0, 1), (1, 0)),)),
    Sort(4, "MAC", (BIR, ("passport", "MA", "MAC", "")), (Way("HKG", (0, 0), (0, 1)),)),
)

NO_LONGER = frozenset({"shenzhen-weekly"})  # not given since 2024-12-01 (domain.md §1.9): it is good for nothing
# By word: the endorsement's kind, days valid, entries, days of each stay, and what else stands in the register.
LEAVES: dict[str, tuple[str, int, int | None, int, dict[str, Any]]] = {
    "G": ("G", 90, 2, 7, {}),
    "L": ("L", 90, 1, 7, {}),
    "Q": ("Q", 90, 2, 14, {}),
    "shenzhen": ("G", 365, None, 7, {"place": "4403"}),
    "shenzhen-weekly": ("G", 365, None, 7, {"place": "4403", "weekly": True}),
    "zhuhai": ("G", 365, None, 7, {"place": "4404", "weekly": True}),
    "hengqin": ("G", 365, None, 7, {"place": "HENGQIN"}),
    "T": ("T", 90, 1, 14, {}),
    "T-3m": ("T", 90, None, 90, {}),
    "T-1y": ("T", 365, None, 90, {}),
    "S": ("S", 90, 3, 14, {}),
    "D": ("D", 365, None, 90, {}),
    "R": ("R", 365, None, 30, {"place": "4403"}),
}


@dataclass
class Traveller:
    """A traveller as the history goes on. ``away``: where, when not at home; ``back_on``: the day of the way home."""

    person: Person
    ways: Sequence[Way]
    away: str = ""
    way: Way | None = None
    back_on: int = 0
    idle_until: int = 0
    leaves: list[Leave] = field(default_factory=list)
    used: dict[int, list[date]] = field(default_factory=lambda: defaultdict(list))  # entries, by leave
    child: bool = False
    held: set[int] = field(default_factory=set)  # leaves of which an entry is reserved by an exit that led nowhere

    def in_doubt(self, there: str, today: date) -> bool:
        """Whether a lane may know better than the issuer that a leave for ``there`` has no entry left today.

        An exit that led nowhere lapses at the issuer before the lane forgets it; and so does one whose entry is told
        late. The issuer then puts the leave into a token again, before a younger one, and the lane refers.
        """
        return any(
            leave.destination == there and leave.valid_to >= today and self._is_in_doubt(leave, today)
            for leave in self.leaves
        )

    def _is_in_doubt(self, leave: Leave, today: date) -> bool:
        used = self.used[leave.number]
        spent = bool(used) and not is_good(leave, used, today) and today - used[-1] <= REMEMBERED
        return spent or leave.number in self.held


@dataclass(frozen=True)
class Leg:
    """One crossing of a border: out of one territory by its authority's verdict, into the other by the other's."""

    traveller: Traveller
    origin: str
    target: str
    papers: tuple[int, int]
    homeward: bool
    expected: bool  # whether the rules let this traveller through
    leave: Leave | None = None


class History:
    """The whole year, day by day."""

    def __init__(self, *, travellers: int, seed: str) -> None:
        self.random = random.Random(f"{seed}/histories")
        self.given: list[Leave] = []
        self.travellers = [self._traveller(number) for number in range(travellers)]

    def day(self, number: int, wanted: float) -> Iterator[Leg]:
        """Who crosses on this day: those who go home, then those who set out, until ``wanted`` legs are made."""
        self.given, legs, today = [], 0, FIRST_DAY + timedelta(days=number)
        for traveller in self.travellers:
            if traveller.away and traveller.back_on <= number:
                legs += 1
                yield self._on(traveller, today) or self._home(traveller)
        tries = 0
        while legs < wanted and tries < 20 * wanted:
            tries += 1
            traveller = self.random.choice(self.travellers)
            if not traveller.away and traveller.idle_until <= number:
                traveller.idle_until = number + 1
                legs += 1
                yield self._out(traveller, today)

    def entered(self, leg: Leg, day: int) -> None:
        """The leg was made: the traveller is there now."""
        traveller = leg.traveller
        if leg.homeward:
            traveller.away, traveller.idle_until = "", day + self.random.randint(1, 14)
            return
        stay = leg.leave.stay_days if leg.leave else 30
        over = self.random.random() < 0.05  # who stays longer than allowed
        traveller.away, traveller.back_on = leg.target, day + self.random.randint(1, min(stay, 6)) + over * stay
        if leg.leave:
            traveller.used[leg.leave.number].append(FIRST_DAY + timedelta(days=day))

    def turned_back(self, leg: Leg) -> None:
        """Let out and not let in: an entry stays reserved until that lapses."""
        if leg.leave:
            leg.traveller.held.add(leg.leave.number)

    def _traveller(self, number: int) -> Traveller:
        sort = self.random.choices(SORTS, [sort.share for sort in SORTS])[0]
        child = self.random.random() < CHILDREN
        born = FIRST_DAY - timedelta(
            days=365 * self.random.randint(1, 5) if child else self.random.randint(7000, 30000)
        )
        papers = tuple(
            Document(kind, f"{begins}{number:0{9 - len(begins)}d}", whose, residence=residence)
            for kind, begins, whose, residence in sort.papers
        )
        return Traveller(Person(number, sort.home, born, papers), sort.ways, child=child)

    def _out(self, traveller: Traveller, today: date) -> Leg:
        way = traveller.way = self.random.choice(traveller.ways)
        leave = self._leave(traveller, way, way.there, today) if way.leave else None
        good = (not way.leave or leave is not None) and not traveller.child and way.good
        good = good and way.leave not in NO_LONGER
        papers = way.out
        if papers[0] != papers[1] and self.random.random() < WRONG_PAPERS:
            papers, good = (papers[1], papers[0]), False
        return Leg(traveller, traveller.person.home, way.there, papers, False, good, leave)

    def _on(self, traveller: Traveller, today: date) -> Leg | None:
        """From one territory to the other, where the way goes on and there is leave for it."""
        way = traveller.way
        if way is None or not way.then or traveller.away == way.then:
            return None
        leave = self._leave(traveller, way, way.then, today)
        return leave and Leg(traveller, traveller.away, way.then, way.out, False, True, leave)

    def _home(self, traveller: Traveller) -> Leg:
        if traveller.way is None:
            raise RuntimeError("who is away went there")
        return Leg(traveller, traveller.away, traveller.person.home, traveller.way.back, True, True)

    def _leave(self, traveller: Traveller, way: Way, there: str, today: date) -> Leave | None:
        """The one that the issuer takes: of all that are still good there, of whatever kind, the first to end.

        Where none is, a new one of the way's kind, unless the traveller sets out without.
        """
        held = [leave for leave in traveller.leaves if leave.destination == there and leave.valid_to >= today]
        good = [leave for leave in held if is_good(leave, traveller.used[leave.number], today)]
        if good:
            return min(good, key=lambda leave: (leave.valid_to, leave.number))
        endless = any(leave.word == way.leave and leave.entries is None for leave in held)
        if endless or self.random.random() < WITHOUT_LEAVE:
            return None
        kind, days, entries, stay, facts = LEAVES[way.leave]
        number = traveller.person.number * 1000 + len(traveller.leaves)
        last = today + timedelta(days=days - 1)
        leave = Leave(
            number,
            traveller.person.number,
            0,
            kind,
            there,
            today,
            last,
            entries,
            stay,
            way.leave,
            tuple(facts.items()),
        )
        traveller.leaves.append(leave)
        self.given.append(leave)
        return leave


def is_good(leave: Leave, used: Sequence[date], today: date) -> bool:
    """Whether one more entry may be made: not used up, not twice in a week, not beyond ninety days from the first."""
    if leave.entries is not None and len(used) >= leave.entries:
        return False
    if leave.word == "T-3m" and used and today > used[0] + timedelta(days=80):
        return False
    return not (dict(leave.facts).get("weekly") and used and used[-1].isocalendar()[:2] == today.isocalendar()[:2])
